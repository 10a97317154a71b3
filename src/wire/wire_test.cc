#include "wire/wire.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/reference_distribution.h"

namespace lp {
namespace {

Resolved Resolve(const std::string& json) {
  const auto wanted = ParseSampler(Json::parse(json), "/sampler");
  LP_CHECK(wanted.ok());
  auto resolved = lp::Resolve(*wanted, {.n_vocab = 1000});
  LP_CHECK(resolved.ok());
  return std::move(resolved).value();
}

constexpr float kInf = std::numeric_limits<float>::infinity();

// A vocabulary in which token 1 is half a character and token 2 a control token.
const TokenPiece& PieceAt(TokenId id) {
  static std::vector<TokenPiece> pieces = [] {
    std::vector<TokenPiece> made;
    for (TokenId i = 0; i < 1000; ++i) made.push_back({.id = i, .bytes = " w" + std::to_string(i), .name = "w"});
    made[1].bytes = "\xE2\x96";
    made[2] = {.id = 2, .bytes = "", .name = "<|endoftext|>", .special = true};
    return made;
  }();
  return pieces[static_cast<size_t>(id)];
}

std::vector<std::string> Keys(const Json& json) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  return keys;
}

TEST(Wire, TokensAreIdsAndBytes) {
  EXPECT_EQ(Dump(TokenJson(PieceAt(0))), R"({"id":0,"text":" w0","bytes_hex":"207730"})");
  EXPECT_EQ(Dump(TokenJson(PieceAt(1))), "{\"id\":1,\"text\":\"\xEF\xBF\xBD\",\"bytes_hex\":\"e296\"}");
  EXPECT_EQ(Dump(TokenJson(PieceAt(2))), R"({"id":2,"text":"<|endoftext|>","bytes_hex":"","special":true})");
}

// The fields docs/json.md promises, by name and in order.
TEST(Wire, NextHasTheDocumentedFields) {
  const std::vector<float> logits = reference::HardLogits(1000)[0].x;
  const std::vector<TokenId> context = {2, 5};
  const Resolved resolved = Resolve(R"({"temperature":0.8,"top_k":40})");
  const auto trace = Trace::Run(logits, Step::After(context), resolved.chain);
  const Json json = NextJson("m", context, *trace, resolved, {.top = 3, .journey = true}, PieceAt);
  EXPECT_EQ(Keys(json), (std::vector<std::string>{"model", "prompt_tokens", "vocab_size", "position", "sampler", "ignored",
                                                  "notes", "defaulted", "metrics", "stages", "boundary", "tokens", "rest"}));
  EXPECT_EQ(Keys(json["metrics"]),
            (std::vector<std::string>{"entropy_bits", "perplexity", "varentropy_bits2", "effective_vocab", "top1_prob",
                                      "top5_prob", "n_kept", "raw_entropy_bits", "raw_varentropy_bits2", "mass_cut",
                                      "kl_final_raw_bits", "kl_raw_final_bits", "kl_shaped_raw_bits", "kl_raw_shaped_bits"}));
  EXPECT_EQ(Keys(json["sampler"]), (std::vector<std::string>{"dialect", "temperature", "top_k", "top_p", "min_p",
                                                             "repetition_penalty", "repeat_last_n", "seed"}));
  EXPECT_EQ(Keys(json["stages"][2]),
            (std::vector<std::string>{"stage", "params", "active", "skipped", "threshold", "n_in", "n_out", "mass_out",
                                      "entropy_in_bits", "entropy_bits"}));
  EXPECT_EQ(Keys(json["tokens"][0]),
            (std::vector<std::string>{"id", "text", "bytes_hex", "rank", "rank_raw", "logit", "prob_raw", "prob", "cut_by",
                                      "margin", "surprisal_bits", "journey"}));
  EXPECT_EQ(json["tokens"].size(), 3u);
  EXPECT_EQ(json["prompt_tokens"].size(), 2u);
  EXPECT_TRUE(json["metrics"]["kl_raw_final_bits"].is_null());  // tokens were cut
  EXPECT_FALSE(json["metrics"]["kl_raw_shaped_bits"].is_null());
  EXPECT_EQ(json["sampler"]["temperature"].dump(), "0.8");  // as the user wrote it, not as float32
}

// Rows and rest together are the whole distribution, at every stage.
TEST(Wire, RowsAndRestSumToOne) {
  const std::vector<float> logits = reference::HardLogits(1000)[0].x;
  const auto trace = Trace::Run(logits, {}, Resolve(R"({"temperature":1.3,"top_k":500,"top_p":0.95})").chain);
  for (const size_t top : {1u, 20u, 999u, 1000u, 0u}) {
    const RowOptions options{.top = top, .journey = true};
    const Json rows = RowsJson(*trace, options, PieceAt), rest = RestJson(*trace, options);
    double raw = rest["prob_raw"], final_mass = rest["prob"];
    std::vector<double> stages;
    std::vector<size_t> alive;
    for (const Json& stage : rest["journey"]) stages.push_back(stage["prob"]), alive.push_back(stage["n"]);
    for (const Json& row : rows) {
      raw += row["prob_raw"].get<double>();
      final_mass += row["prob"].get<double>();
      for (size_t i = 0; i < stages.size(); ++i) {
        if (row["journey"][i].is_null()) continue;
        stages[i] += row["journey"][i]["prob"].get<double>();
        ++alive[i];
      }
    }
    EXPECT_NEAR(raw, 1, 1e-6) << top;
    EXPECT_NEAR(final_mass, 1, 1e-6) << top;
    EXPECT_EQ(rows.size() + rest["n"].get<size_t>(), 1000u);
    for (size_t i = 0; i < stages.size(); ++i) {
      EXPECT_NEAR(stages[i], 1, 1e-6) << top << " stage " << i;
      EXPECT_EQ(alive[i], trace->stages()[i].n_out);
    }
  }
}

TEST(Wire, RanksOfBothOrders) {
  const std::vector<float> logits = {3, 2, 1, -kInf};
  const std::vector<TokenId> history = {0};
  const auto trace = Trace::Run(logits, Step::After(history), Resolve(R"({"repetition_penalty":10})").chain);
  const Json rows = RowsJson(*trace, {.top = 0}, PieceAt);
  EXPECT_EQ(rows[2]["id"], 0);  // 3 / 10 falls below 2 and 1
  EXPECT_EQ(rows[2]["rank"], 3);
  EXPECT_EQ(rows[2]["rank_raw"], 1);
  EXPECT_EQ(rows[3]["cut_by"], "mask");
  EXPECT_TRUE(rows[3]["logit"].is_null());
  EXPECT_EQ(rows[3]["prob_raw"], 0);
}

// What was ignored, assumed and filled in is said, beside what was in force.
TEST(Wire, ResolutionIsSpelledOut) {
  const std::vector<float> logits(1000, 0.0f);
  const Resolved resolved = Resolve(R"({"dialect":"vllm","temp":0.5,"typical_p":0.9})");
  const auto trace = Trace::Run(logits, {}, resolved.chain);
  const Json json = NextJson("", {}, *trace, resolved, {.top = 1}, PieceAt);
  EXPECT_TRUE(json["model"].is_null());
  EXPECT_EQ(json["sampler"]["dialect"], "vllm");
  EXPECT_EQ(json["sampler"]["temperature"].dump(), "0.5");
  EXPECT_FALSE(json["sampler"].contains("typical_p"));
  ASSERT_EQ(json["ignored"].size(), 1u);
  EXPECT_EQ(json["ignored"][0]["setting"], "typical_p");
  EXPECT_NE(json["ignored"][0]["reason"].get<std::string>().find("vLLM"), std::string::npos);
  EXPECT_FALSE(json["notes"].empty());
  EXPECT_NE(std::find(json["defaulted"].begin(), json["defaulted"].end(), "top_p"), json["defaulted"].end());
}

TEST(Wire, CompareShowsBothSides) {
  const std::vector<float> logits = {3, 2, 1, 0};
  const Resolved a = Resolve(R"({"top_k":2})"), b = Resolve(R"({"top_k":3})");
  const auto trace_a = Trace::Run(logits, {}, a.chain), trace_b = Trace::Run(logits, {}, b.chain);
  const Json json = CompareJson(*trace_a, a, *trace_b, b, {.top = 0}, PieceAt);
  EXPECT_EQ(json["n_common"], 2);
  EXPECT_EQ(json["n_only_b"], 1);
  EXPECT_EQ(json["only_b"][0]["id"], 2);
  EXPECT_TRUE(json["kl_b_a_bits"].is_null());
  const double z = 1 + std::exp(-1.0) + std::exp(-2.0);
  EXPECT_NEAR(json["kl_a_b_bits"].get<double>(), std::log2(z / (1 + std::exp(-1.0))), 1e-12);
  EXPECT_NEAR(json["total_variation"].get<double>(), std::exp(-2.0) / z, 1e-12);
  EXPECT_EQ(json["tokens"][2]["cut_by_a"], "top_k");
  EXPECT_TRUE(json["tokens"][2]["cut_by_b"].is_null());
  EXPECT_NEAR(json["tokens"][2]["change"].get<double>(), std::exp(-2.0) / z, 1e-12);
}

TEST(Wire, DialectsAreAllThere) {
  const Json json = DialectsJson({});
  EXPECT_EQ(json["dialects"].size(), std::size(kAllDialects));
  EXPECT_EQ(json["settings"].size(), AllSettings().size());
  EXPECT_EQ(json["dialects"][0]["chain"][0]["stage"], "repetition_penalty");
}

TEST(Wire, ParsesSettingsOrSaysWhichFieldIsWrong) {
  const auto ok = ParseSampler(
      Json::parse(R"({"dialect":"llama.cpp","temp":0.5,"top-k":40,"seed":18446744073709551615,"do_sample":true,
                      "logit_bias":{"5":-1.5},"bad_words_ids":[[1,2],[3]],"samplers":"kpt"})"),
      "/sampler");
  ASSERT_TRUE(ok.ok()) << ok.error().ToString();
  EXPECT_EQ(ok->dialect, Dialect::kLlamaCpp);
  EXPECT_EQ(ok->settings.temperature, 0.5);
  EXPECT_EQ(ok->settings.top_k, 40);
  EXPECT_EQ(ok->settings.top_p, std::nullopt);
  EXPECT_EQ(ok->settings.seed, UINT64_MAX);
  EXPECT_EQ(ok->settings.do_sample, true);
  EXPECT_EQ(ok->settings.bad_words_ids->size(), 2u);
  EXPECT_EQ(ok->settings.logit_bias->front(), (std::pair<TokenId, float>(5, -1.5f)));
  const struct {
    const char *json, *field;
  } kCases[] = {{R"([])", "/sampler"},
                {R"({"top_pp":1})", "/sampler/top_pp"},
                {R"({"temperature":"hot"})", "/sampler/temperature"},
                {R"({"top_k":1.5})", "/sampler/top_k"},
                {R"({"top_k":18446744073709551615})", "/sampler/top_k"},
                {R"({"do_sample":1})", "/sampler/do_sample"},
                {R"({"suppress_tokens":["a"]})", "/sampler/suppress_tokens"},
                {R"({"dialect":"klingon"})", "/sampler/dialect"},
                {R"({"chain":5})", "/sampler/chain"},
                {R"({"seed":-1})", "/sampler/seed"}};
  for (const auto& c : kCases) {
    const auto result = ParseSampler(Json::parse(c.json), "/sampler");
    ASSERT_FALSE(result.ok()) << c.json;
    EXPECT_EQ(result.error().where, c.field) << c.json;
    EXPECT_EQ(ErrorJson(result.error())["error"]["field"], c.field);
  }
}

}  // namespace
}  // namespace lp
