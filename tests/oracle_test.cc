// Cases of the engines' own test suites, as figures: tests/fixtures/sampler_oracles.json names the source of each.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "dialect/dialect.h"
#include "sampling/trace.h"

namespace lp {
namespace {

using nlohmann::json;

// Not samplers of a single step: what they do is not choosing among tokens.
const std::set<std::string> kOutOfScope = {
    "hf/forced_bos/00",      // a fixed token at a fixed place
    "hf/forced_eos/00",      // the same
    "hf/inf_nan_remove/00",  // repairs NaN and infinities, which are errors here that name the token
};

double Number(const json& v) {
  if (v.is_number()) return v.get<double>();
  const std::string s = v.get<std::string>();
  return s == "-inf" ? -INFINITY : s == "inf" ? INFINITY : NAN;
}

std::vector<json> RowsOf(const json& v) {
  if (!v.empty() && v[0].is_array()) return v.get<std::vector<json>>();
  return std::vector<json>(1, v);
}

std::vector<float> LogitsOf(const json& input, size_t row) {
  std::vector<float> x;
  if (input.contains("n_vocab")) {
    for (int i = 0; i < input["n_vocab"].get<int>(); ++i) x.push_back(static_cast<float>(std::log(i)));
    return x;
  }
  const bool probs = input.contains("probs");
  const json values = RowsOf(probs ? input["probs"] : input["logits"])[row];
  for (const json& v : values) {
    x.push_back(static_cast<float>(probs ? std::log(Number(v)) : Number(v)));
  }
  return x;
}

std::vector<TokenId> IdsOf(const json& input, const char* field, size_t row) {
  if (!input.contains(field)) return {};
  const std::vector<json> rows = RowsOf(input[field]);
  return rows[std::min(row, rows.size() - 1)].get<std::vector<TokenId>>();
}

// The chain a case describes. transformers' and Ollama's cases use their own tie rules.
Chain ChainOf(const json& c) {
  const std::string sampler = c["sampler"];
  const json& p = c["params"];
  const bool hf = c["id"].get<std::string>().starts_with("hf/");
  const auto number = [&](const char* name, double otherwise) { return p.value(name, otherwise); };
  const int64_t min_keep = p.value("min_keep", p.value("min_tokens_to_keep", int64_t{1}));
  const auto stage = [&](const std::string& name) -> Stage {
    if (name == "top_k") return TopK{p.value("k", p.value("top_k", int64_t{0})), hf ? Ties::kKeepAll : Ties::kLowerId, min_keep};
    if (name == "top_p") {
      return TopP{number("p", number("top_p", 1)), MassRule::kBeforeLess, hf ? MassArithmetic::kFloat32Ascending : MassArithmetic::kFloat32Descending, min_keep};
    }
    if (name == "min_p") return MinP{number("p", number("min_p", 0)), !hf, min_keep};
    if (name == "typical_p") {
      return hf ? TypicalP{p["p"], MassRule::kBeforeLess, Ties::kKeepAll, min_keep}
                : TypicalP{p["p"], MassRule::kBeforeLessOrEqual, Ties::kLowerId, min_keep};
    }
    if (name == "temperature") return Temperature{p["temperature"]};
    if (name == "dynamic_temperature") {
      const double t = p["temperature"], delta = p["delta"];
      return delta > 0 ? Stage(DynamicTemperature{std::max(0.0, t - delta), t + delta, p["exponent"]}) : Stage(Temperature{t});
    }
    if (name == "top_n_sigma") return TopNSigma{p["n"]};
    if (name == "xtc") return Xtc{p["probability"], p["threshold"], min_keep};
    if (name == "tail_free") return TailFree{p["z"], min_keep};
    if (name == "top_h") return TopH{.alpha = p["top_h"], .n_max = 100};
    if (name == "epsilon_cutoff") return EpsilonCutoff{p["epsilon"], min_keep};
    if (name == "eta_cutoff") return EtaCutoff{p["eta"], min_keep};
    if (name == "no_repeat_ngram") return NoRepeatNgram{p["n"], {}};
    if (name == "encoder_no_repeat_ngram") return NoRepeatNgram{p["n"], {.prompt_only = true}};
    if (name == "encoder_repetition_penalty") return RepetitionPenalty{p["penalty"], {.prompt_only = true}, true};
    if (name == "log_softmax") return LogSoftmax{};
    if (name == "min_length") return BannedTokens{{p["eos_token_id"]}, p["min_length"].get<int64_t>()};
    if (name == "sequence_bias") {
      SequenceBias s;
      for (const json& b : p["bias"]) s.bias.emplace_back(b[0].get<std::vector<TokenId>>(), b[1].get<float>());
      return s;
    }
    if (name == "dry") {
      return Dry{p["multiplier"], p["base"], p["allowed_length"], {.last_n = p["penalty_last_n"].get<int64_t>()}, {}};
    }
    ADD_FAILURE() << "no stage for " << name;
    return Greedy{};
  };
  if (sampler == "chain") {
    Chain chain;
    for (const json& name : p["chain"]) chain.stages.push_back(stage(name));
    return chain;
  }
  if (sampler == "penalties") {
    const Scope scope{.last_n = p["last_n"].get<int64_t>()};
    return {.stages = {RepetitionPenalty{p["repeat_penalty"], scope}, FrequencyPenalty{p["frequency_penalty"], scope},
                       PresencePenalty{p["presence_penalty"], scope}}};
  }
  if (sampler == "repetition_penalty") {
    const RepetitionPenalty penalty{p["penalty"], {.output_only = p.contains("prompt_ignore_length")}};
    if (p.value("normalize", false)) return {.stages = {LogSoftmax{}, penalty}};
    return {.stages = {penalty}};
  }
  if (sampler == "bad_words") {  // through the dialect, which knows that the end of the text is never banned
    Settings s{.top_k = 0, .do_sample = true};
    s.bad_words_ids = p["bad_words_ids"].get<std::vector<TokenSequence>>();
    s.eos_token_id = {p["eos_token_id"].get<TokenId>()};
    return Resolve(Dialect::kTransformers, s, {})->chain;
  }
  if (sampler == "sort_descending") return {};
  return {.stages = {stage(sampler)}};
}

// Kept probabilities, highest first.
std::vector<double> Probabilities(const Trace& trace, bool renormalised) {
  std::vector<double> p;
  for (size_t rank = 1; rank <= trace.n_vocab(); ++rank) {
    const TokenRow row = trace.Row(rank);
    if (!row.cut_by) p.push_back(renormalised ? row.prob : row.prob_raw);
  }
  std::sort(p.rbegin(), p.rend());
  return p;
}

void CheckRow(const json& c, size_t row) {
  const json &input = c["input"], &expected = c["expected"];
  const double tolerance = std::max(1e-6, c.value("tolerance_abs", 1e-6));
  const std::vector<float> logits = LogitsOf(input, row);
  std::vector<TokenId> history = IdsOf(input, "prompt_tokens", row);
  size_t prompt_length = history.size();
  for (const TokenId id : IdsOf(input, "history", row)) history.push_back(id);
  if (c["params"].contains("prompt_ignore_length")) prompt_length = c["params"]["prompt_ignore_length"];
  if (c["params"].contains("history_length")) history.assign(c["params"]["history_length"].get<size_t>(), 1);
  if (c["sampler"] == "allowed_tokens") return;  // below: one list per row
  // Ids outside the vocabulary of three stand in encoder histories; they are nobody's token here.
  for (TokenId& id : history) id = std::min(id, static_cast<TokenId>(logits.size()) - 1);
  Chain chain = ChainOf(c);
  chain.seed = 1;
  const auto run = Trace::Run(logits, {history, prompt_length, 0}, chain);
  ASSERT_TRUE(run.ok()) << run.error().ToString();
  const Trace& trace = *run;
  const auto kept = [&](size_t id) { return trace.final().Has(static_cast<TokenId>(id)); };
  const auto mine = [&](const char* field) { return RowsOf(expected[field])[row]; };
  bool checked = false;
  if (expected.contains("probs") && c["sampler"] != "log_softmax") {
    std::vector<double> p = Probabilities(trace, expected["renormalised"]), want;
    for (const json& v : expected["probs"]) want.push_back(v);
    std::sort(want.rbegin(), want.rend());
    p.resize(std::max(p.size(), want.size()));  // a listed 0 is a token that was cut
    ASSERT_EQ(p.size(), want.size());
    for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(p[i], want[i], tolerance);
    checked = true;
  }
  if (c["sampler"] == "log_softmax") {
    for (size_t i = 0; i < logits.size(); ++i) {
      const double p = mine("probs")[i];
      EXPECT_NEAR(std::exp(static_cast<double>(trace.final().Value(static_cast<TokenId>(i)))), p, tolerance);
      EXPECT_NEAR(trace.final().Probability(static_cast<TokenId>(i)), p, 1e-5 * p + 1e-37);  // their logits are no float32
    }
    checked = true;
  }
  if (expected.contains("logits")) {
    for (size_t i = 0; i < logits.size(); ++i) {
      const double want = Number(mine("logits")[i]), got = static_cast<double>(trace.final().Value(static_cast<TokenId>(i)));
      EXPECT_TRUE(want == got || std::abs(want - got) <= tolerance) << i << ": " << got << ", expected " << want;
    }
    checked = true;
  }
  if (expected.contains("kept_mask") || expected.contains("banned_mask")) {
    const bool banned = expected.contains("banned_mask");
    for (size_t i = 0; i < logits.size(); ++i) EXPECT_EQ(kept(i), (mine(banned ? "banned_mask" : "kept_mask")[i] == 0) == banned) << i;
    checked = true;
  }
  if (expected.contains("banned_ids")) {
    EXPECT_EQ(trace.n_kept(), logits.size());  // they are all empty
    checked = true;
  }
  if (expected.contains("probs_not_renormalised")) {
    double whole = 0;  // not every row of theirs sums to 1
    for (const float x : logits) whole += std::exp(static_cast<double>(x));
    for (size_t i = 0; i < logits.size(); ++i) {
      const double want = mine("probs_not_renormalised")[i].get<double>() / whole;
      const TokenRow token = trace.RowOf(static_cast<TokenId>(i));
      EXPECT_NEAR(token.cut_by ? 0 : token.prob_raw, want, tolerance) << i;
    }
    checked = true;
  }
  if (expected.contains("kept_count")) {
    EXPECT_EQ(trace.n_kept(), (expected["kept_count"].is_array() ? expected["kept_count"][row] : expected["kept_count"]).get<size_t>());
    checked = true;
  }
  if (expected.contains("max_kept_count")) {
    EXPECT_LE(trace.n_kept(), expected["max_kept_count"].get<size_t>());
    checked = true;
  }
  if (expected.contains("values_descending")) {
    const json& want = expected["values_descending"];
    for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(trace.Row(i + 1).logit, want[i].get<double>(), 1e-7);
    if (c["sampler"] == "top_k") {
      EXPECT_EQ(trace.n_kept(), want.size());
    }
    checked = true;
  }
  if (expected.contains("after_each_stage")) {
    for (size_t i = 0; i < expected["after_each_stage"].size(); ++i) {
      const json& want = expected["after_each_stage"][i];
      // llama.cpp counts token 0, whose logit is -inf; a token that cannot be drawn is not left here.
      const bool counts_masked = want["expected_last_id"] == 0;
      const State& state = trace.After(i);
      EXPECT_EQ(state.n(), want["expected_size"].get<size_t>() - size_t{counts_masked});
      EXPECT_EQ(state.Ranked(1).id, want["expected_first_id"].get<TokenId>());
      EXPECT_EQ(state.Ranked(state.n()).id, counts_masked ? 1 : want["expected_last_id"].get<TokenId>());
    }
    checked = true;
  }
  EXPECT_TRUE(checked) << "nothing of " << expected.dump() << " was compared";
}

// The case that states properties: uniform stays uniform; a higher temperature lowers the maximum and raises the minimum.
void CheckTemperatures(const json& c) {
  std::vector<double> max, min;
  for (const double t : c["params"]["temperatures"]) {
    const std::vector<float> uniform = LogitsOf(c["input"], 0), other = LogitsOf(c["input"], 1);
    const auto flat = Trace::Run(uniform, {}, {.stages = {Temperature{t}}}), trace = Trace::Run(other, {}, {.stages = {Temperature{t}}});
    EXPECT_NEAR(flat->Row(1).prob, 1.0 / 20, 1e-6);
    max.push_back(trace->Row(1).prob);
    min.push_back(trace->Row(20).prob);
  }
  EXPECT_TRUE(max[0] > max[1] && max[1] > max[2]);
  EXPECT_TRUE(min[0] < min[1] && min[1] < min[2]);
}

TEST(Oracles, AllCasesOfTheEnginesOwnTests) {
  std::ifstream file(LP_SOURCE_DIR "/tests/fixtures/sampler_oracles.json");
  const json all = json::parse(file);
  ASSERT_EQ(all["cases"].size(), 88u);
  size_t run = 0, left_out = 0;
  for (const json& c : all["cases"]) {
    SCOPED_TRACE(c["id"].get<std::string>());
    if (c["id"] == "hf/temperature/00") {  // properties, no figures
      ++run;
      CheckTemperatures(c);
      continue;
    }
    if (kOutOfScope.contains(c["id"])) {
      ++left_out;
      continue;
    }
    ++run;
    const json& input = c["input"];
    const size_t rows = input.contains("n_vocab") ? 1 : RowsOf(input.contains("probs") ? input["probs"] : input["logits"]).size();
    for (size_t row = 0; row < rows; ++row) CheckRow(c, row);
  }
  EXPECT_EQ(run, 85u);
  EXPECT_EQ(left_out, kOutOfScope.size());
}

// prefix_allowed_tokens_fn, as a list per row.
TEST(Oracles, AllowedTokens) {
  const std::vector<float> logits(5, 0.2f);
  for (const auto& [allowed, banned] : {std::pair(std::vector<TokenId>{0, 1}, std::vector<TokenId>{2, 3, 4}), std::pair(std::vector<TokenId>{2, 3}, std::vector<TokenId>{0, 1, 4})}) {
    const auto trace = Trace::Run(logits, {}, {.stages = {AllowedTokens{allowed}}});
    for (const TokenId id : banned) EXPECT_FALSE(trace->final().Has(id));
    for (const TokenId id : allowed) EXPECT_TRUE(trace->final().Has(id));
  }
}

}  // namespace
}  // namespace lp
