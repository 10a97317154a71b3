#include "wire/wire.h"

#include <gtest/gtest.h>

#include "support/reference_distribution.h"

namespace lp {
namespace {

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
  const auto trace = Trace::Run(logits, context, {.temperature = 0.8, .top_k = 40});
  const Json json = NextJson("m", context, *trace, {.top = 3, .journey = true}, PieceAt);
  EXPECT_EQ(Keys(json), (std::vector<std::string>{"model", "prompt_tokens", "vocab_size", "position", "sampler",
                                                  "metrics", "stages", "tokens", "rest"}));
  EXPECT_EQ(Keys(json["metrics"]),
            (std::vector<std::string>{"entropy_bits", "perplexity", "effective_vocab", "top1_prob", "n_kept",
                                      "raw_entropy_bits", "mass_cut", "kl_final_raw_bits", "kl_raw_final_bits",
                                      "kl_shaped_raw_bits", "kl_raw_shaped_bits"}));
  EXPECT_EQ(Keys(json["sampler"]),
            (std::vector<std::string>{"repetition_penalty", "repeat_last_n", "temperature", "top_k", "top_p", "seed"}));
  EXPECT_EQ(Keys(json["stages"][2]), (std::vector<std::string>{"stage", "params", "active", "threshold", "n_in",
                                                               "n_out", "mass_out", "entropy_bits"}));
  EXPECT_EQ(Keys(json["tokens"][0]),
            (std::vector<std::string>{"id", "text", "bytes_hex", "rank", "rank_raw", "logit", "prob_raw", "prob",
                                      "cut_by", "surprisal_bits", "journey"}));
  EXPECT_EQ(json["tokens"].size(), 3u);
  EXPECT_EQ(json["prompt_tokens"].size(), 2u);
  EXPECT_TRUE(json["metrics"]["kl_raw_final_bits"].is_null());  // tokens were cut
  EXPECT_FALSE(json["metrics"]["kl_raw_shaped_bits"].is_null());
  EXPECT_EQ(json["sampler"]["temperature"].dump(), "0.8");  // as the user wrote it, not as float32
}

// Rows and rest together are the whole distribution, at every stage.
TEST(Wire, RowsAndRestSumToOne) {
  const std::vector<float> logits = reference::HardLogits(1000)[0].x;
  const auto trace = Trace::Run(logits, {}, {.temperature = 1.3, .top_k = 500, .top_p = 0.95});
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
  const auto trace = Trace::Run(logits, std::vector<TokenId>{0}, {.repetition_penalty = 10});
  const Json rows = RowsJson(*trace, {.top = 0}, PieceAt);
  EXPECT_EQ(rows[2]["id"], 0);  // 3 / 10 falls below 2 and 1
  EXPECT_EQ(rows[2]["rank"], 3);
  EXPECT_EQ(rows[2]["rank_raw"], 1);
  EXPECT_EQ(rows[3]["cut_by"], "mask");
  EXPECT_TRUE(rows[3]["logit"].is_null());
  EXPECT_EQ(rows[3]["prob_raw"], 0);
}

TEST(Wire, ParsesSettingsOrSaysWhichFieldIsWrong) {
  const auto ok =
      ParseSettings(Json::parse(R"({"temperature":0.5,"top_k":40,"seed":18446744073709551615})"), "/sampler");
  EXPECT_EQ(ok->temperature, 0.5);
  EXPECT_EQ(ok->top_k, 40);
  EXPECT_EQ(ok->top_p, 1.0);
  EXPECT_EQ(ok->seed, UINT64_MAX);
  const struct {
    const char *json, *field;
  } kCases[] = {{R"([])", "/sampler"},
                {R"({"top_pp":1})", "/sampler/top_pp"},
                {R"({"temperature":"hot"})", "/sampler/temperature"},
                {R"({"temperature":-1})", "/sampler/temperature"},
                {R"({"top_k":1.5})", "/sampler/top_k"},
                {R"({"top_k":18446744073709551615})", "/sampler/top_k"},
                {R"({"top_p":0})", "/sampler/top_p"},
                {R"({"repeat_last_n":-2})", "/sampler/repeat_last_n"},
                {R"({"seed":-1})", "/sampler/seed"}};
  for (const auto& c : kCases) {
    const auto result = ParseSettings(Json::parse(c.json), "/sampler");
    ASSERT_FALSE(result.ok()) << c.json;
    EXPECT_EQ(result.error().where, c.field) << c.json;
    EXPECT_EQ(ErrorJson(result.error())["error"]["field"], c.field);
  }
}

}  // namespace
}  // namespace lp
