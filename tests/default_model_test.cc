// The shipped model against figures from another implementation: training/reference.py, float64 NumPy over the
// dequantised weights. The fixtures name the file they belong to by its SHA-256, so a new model without new figures is
// noticed.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "distribution/sums.h"
#include "engine/generate.h"
#include "engine/models.h"
#include "engine/score.h"

namespace lp {
namespace {

using nlohmann::json;

json Fixture(const std::string& name) {
  std::ifstream file(LP_SOURCE_DIR "/tests/fixtures/" + name);
  EXPECT_TRUE(file.good()) << name << " is missing";
  return json::parse(file);
}

Engine& Model() {
  static const std::unique_ptr<Engine> engine = std::move(Engine::Open(*ResolveModel(""), {.n_threads = 2})).value();
  return *engine;
}

// Inputs of 16 bits against float64 through six layers: the largest difference seen was 4e-4, 1e-6 before they were rounded.
TEST(DefaultModel, LogitsEqualTheReference) {
  const json reference = Fixture("default_model_reference.json");
  EXPECT_EQ(Model().info().context_length, reference["context"].get<size_t>());
  ASSERT_GE(reference["cases"].size(), 5u);
  for (const json& c : reference["cases"]) {
    SCOPED_TRACE(c["prompt"].get<std::string>());
    const auto ids = c["ids_with_bos"].get<std::vector<TokenId>>();
    const auto evaluation = Model().Evaluate(ids);
    ASSERT_TRUE(evaluation.ok());
    const std::vector<float>& logits = *evaluation->logits;
    const SoftmaxSums stats = ComputeSums(LogitVector(logits)).total;
    for (const json& top : c["top20"]) {
      EXPECT_NEAR(static_cast<double>(logits[top["id"].get<size_t>()]), top["logit"].get<double>(), 2e-3);
    }
    EXPECT_NEAR(stats.LogSumExp(), c["logsumexp"].get<double>(), 2e-3);
    EXPECT_NEAR(stats.Entropy(), c["entropy_nats"].get<double>(), 2e-3);
  }
}

TEST(DefaultModel, GreedyContinuationEqualsTheReference) {
  const json reference = Fixture("default_model_reference.json");
  for (const json& c : reference["cases"]) {
    auto context = c["ids_with_bos"].get<std::vector<TokenId>>();
    const size_t prompt = context.size();
    const auto expected = c["greedy_ids"].get<std::vector<TokenId>>();
    ASSERT_GT(c["greedy_smallest_lead"].get<double>(), 1e-3)
        << "the fixture's choice is too close to call; take another prompt";
    // the reference does not stop at end of text
    while (context.size() < prompt + expected.size()) {
      ASSERT_TRUE(
          Generate(Model(), context, {.stages = {Temperature{0}}}, prompt + expected.size() - context.size(), [](const auto&) {
            return true;
          }).ok());
    }
    EXPECT_EQ(std::vector<TokenId>(context.begin() + static_cast<std::ptrdiff_t>(prompt), context.end()), expected);
  }
}

TEST(DefaultModel, TokenizerEqualsTheOneThatTrainedIt) {
  const json reference = Fixture("default_model_tokens.json");
  ASSERT_GE(reference["cases"].size(), 30u);
  for (const json& c : reference["cases"]) {
    const std::string text = c["text"];
    const auto ids = Model().tokenizer().Encode(text);
    ASSERT_TRUE(ids.ok());
    EXPECT_EQ(*ids, c["ids"].get<std::vector<TokenId>>()) << text;
    EXPECT_EQ(Model().tokenizer().Decode(*ids), text);
  }
}

// More text than the context holds, so the windows count as well. Within 0.5 % is what was asked; float rounding is far
// below.
TEST(DefaultModel, ScoreEqualsTheReference) {
  const json expected = Fixture("default_model_reference.json")["score"];
  const auto score = ScoreText(Model(), expected["text"].get<std::string>());
  ASSERT_TRUE(score.ok());
  EXPECT_EQ(score->tokens.size(), expected["n_tokens"].get<size_t>());
  EXPECT_GT(score->tokens.size(), Model().info().context_length);
  EXPECT_EQ(score->n_bytes, expected["n_bytes"].get<size_t>());
  EXPECT_NEAR(score->nll / expected["nll_nats"].get<double>(), 1, 1e-5);
}

}  // namespace
}  // namespace lp
