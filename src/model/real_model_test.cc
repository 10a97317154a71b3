// Trained models against logits from an independent float64 forward pass (shared/data/weights/reference_outputs.json,
// made with NumPy; the first 200 greedy steps of stories260K also equal the published output of karpathy/llama2.c).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "model/model.h"
#include "support/shared_data.h"

namespace lp {
namespace {

using nlohmann::json;

struct Real {
  MappedFile mapped;
  std::unique_ptr<Model> model;
};

Real Open(const std::string& path) {
  auto mapped = MappedFile::Open(path);
  EXPECT_TRUE(mapped.ok());
  auto file = GgufFile::Parse(mapped->bytes());
  EXPECT_TRUE(file.ok());
  auto model = Model::Load(*file);
  EXPECT_TRUE(model.ok()) << model.error().ToString();
  return {std::move(mapped).value(), std::move(model).value()};
}

double LogSumExp(std::span<const float> x) {
  const double max = static_cast<double>(*std::max_element(x.begin(), x.end()));
  double sum = 0;
  for (const float v : x) sum += std::exp(static_cast<double>(v) - max);
  return max + std::log(sum);
}

TokenId ArgMax(std::span<const float> x) {
  return static_cast<TokenId>(std::max_element(x.begin(), x.end()) - x.begin());
}

// Greedy continuation of `tokens`, and the logits after them in `first`.
std::vector<TokenId> Greedy(const Model& model, std::vector<TokenId> tokens, size_t steps, std::vector<float>& first) {
  ThreadPool pool(2);
  KvCache cache(model.config(), model.config().n_ctx);
  std::vector<float> logits(model.config().n_vocab);
  std::vector<TokenId> out;
  for (size_t i = 0; i <= steps; ++i) {
    const Status status = model.Evaluate(tokens, cache, 1, logits, pool);
    EXPECT_TRUE(status.ok()) << status.error().ToString();
    if (i == 0) first = logits;
    out.push_back(ArgMax(logits));
    tokens = {out.back()};
  }
  out.resize(steps);
  return out;
}

// `tolerance`: float32 against float64, or what the stored type is known to lose (the file's max_abs_logit_difference
// fields).
void ExpectReference(const std::string& name, const std::string& file, double tolerance, bool same_tokens) {
  LP_SHARED_OR_SKIP(reference_path, "data/weights/reference_outputs.json");
  LP_SHARED_OR_SKIP(model_path, "data/weights/" + file);
  const json reference = json::parse(std::ifstream(reference_path)).at("models").at(name);
  const Real real = Open(model_path);
  for (const json& c : reference.at("cases")) {
    const auto ids = c.at("token_ids_with_bos").get<std::vector<TokenId>>();
    const auto expected = c.at("greedy_continuation_ids").get<std::vector<TokenId>>();
    std::vector<float> logits;
    const std::vector<TokenId> tokens = Greedy(*real.model, ids, expected.size(), logits);
    double worst = 0;
    for (const json& top : c.at("last_position_top20")) {
      const double logit = static_cast<double>(logits[top.at("id").get<size_t>()]);
      worst = std::max(worst, std::abs(logit - top.at("logit").get<double>()));
    }
    EXPECT_LT(worst, tolerance) << c.at("prompt");
    EXPECT_NEAR(LogSumExp(logits), c.at("logsumexp").get<double>(), tolerance) << c.at("prompt");
    if (same_tokens) {
      EXPECT_EQ(tokens, expected) << c.at("prompt");
    }
  }
}

TEST(RealModel, Stories260KF32) { ExpectReference("stories260K", "stories260K-f32.gguf", 1e-4, true); }
TEST(RealModel, TinyStories656KF32) { ExpectReference("tinystories-656k", "tinystories-656k-f32.gguf", 1e-4, true); }
// This file's weights were halves to begin with.
TEST(RealModel, TinyStories656KF16) { ExpectReference("tinystories-656k", "tinystories-656k-f16.gguf", 1e-4, true); }
TEST(RealModel, Stories260KF16) { ExpectReference("stories260K", "stories260K-f16.gguf", 0.0116, true); }
TEST(RealModel, TinyStories656KQ8_0) {
  ExpectReference("tinystories-656k", "tinystories-656k-q8_0.gguf", 0.234, false);
}
// Mutation: rope_base 1 % larger; add 1e-3 to norm_epsilon -> red.

TEST(RealModel, GptNanoSort) {
  LP_SHARED_OR_SKIP(reference_path, "data/weights/reference_outputs.json");
  LP_SHARED_OR_SKIP(model_path, "data/weights/gpt-nano-sort-f32.gguf");
  const json reference = json::parse(std::ifstream(reference_path)).at("models").at("gpt-nano-sort");
  const Real real = Open(model_path);
  ThreadPool pool(1);
  for (const json& c : reference.at("cases")) {
    const auto ids = c.at("token_ids").get<std::vector<TokenId>>();
    KvCache cache(real.model->config(), ids.size());
    std::vector<float> logits(ids.size() * 3);
    ASSERT_TRUE(real.model->Evaluate(ids, cache, ids.size(), logits, pool).ok());
    for (size_t i = 0; i < logits.size(); ++i) {
      // The file's numbers have six decimals.
      EXPECT_NEAR(logits[i], c.at("logits_per_position").at(i / 3).at(i % 3).get<float>(), 1e-5) << i;
    }
  }
}

TEST(RealModel, TwoHundredGreedyStepsEqualTheReference) {
  LP_SHARED_OR_SKIP(reference_path, "data/weights/reference_outputs.json");
  LP_SHARED_OR_SKIP(model_path, "data/weights/stories260K-f32.gguf");
  const json reference =
      json::parse(std::ifstream(reference_path)).at("models").at("stories260K").at("greedy_from_bos");
  const auto expected = reference.at("token_ids").get<std::vector<TokenId>>();
  const Real real = Open(model_path);
  std::vector<float> logits;
  std::vector<TokenId> tokens = Greedy(*real.model, {expected[0]}, expected.size() - 1, logits);
  tokens.insert(tokens.begin(), expected[0]);
  EXPECT_EQ(tokens, expected);
}

}  // namespace
}  // namespace lp
