// The forward pass against an independent double-precision one, on random models of many shapes; and its invariances:
// the same bits whatever the batch split, cache history or number of threads.
#include "model/model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "hwy/highway.h"
#include "hwy/targets.h"
#include "support/random_model.h"
#include "support/reference_model.h"

namespace lp {
namespace {

using testing::Bytes;
using testing::RandomModel;

struct Loaded {
  explicit Loaded(const RandomModel& spec) : bytes(spec.Build()) {
    auto parsed = GgufFile::Parse(bytes);
    EXPECT_TRUE(parsed.ok()) << parsed.error().ToString();
    file = std::make_unique<GgufFile>(std::move(parsed).value());
    auto loaded = Model::Load(*file);
    EXPECT_TRUE(loaded.ok()) << loaded.error().ToString();
    model = std::move(loaded).value();
  }
  void UseCopies() const {
    ThreadPool pool(2);
    auto copies = model->CopyWeights(pool, [] { return true; });
    ASSERT_TRUE(copies.ok());
    model->UseCopies(std::move(copies).value());
  }
  Bytes bytes;
  std::unique_ptr<GgufFile> file;
  std::unique_ptr<Model> model;
};

std::vector<TokenId> RandomTokens(size_t n, uint32_t n_vocab, uint32_t seed) {
  std::mt19937 rng(seed);
  std::vector<TokenId> tokens(n);
  for (TokenId& t : tokens) t = static_cast<TokenId>(rng() % n_vocab);
  return tokens;
}

std::vector<float> AllLogits(const Model& model, std::span<const TokenId> tokens, ThreadPool& pool) {
  KvCache cache(model.config(), tokens.size());
  std::vector<float> logits(tokens.size() * model.config().n_vocab);
  const Status status = model.Evaluate(tokens, cache, tokens.size(), logits, pool);
  EXPECT_TRUE(status.ok()) << status.error().ToString();
  return logits;
}

void ExpectMatchesReference(const RandomModel& spec, size_t n_tokens) {
  const Loaded loaded(spec);
  const std::vector<TokenId> tokens = RandomTokens(n_tokens, spec.n_vocab, spec.seed + 7);
  ThreadPool pool(2);
  const std::vector<float> logits = AllLogits(*loaded.model, tokens, pool);
  const auto expected = testing::ReferenceModel(*loaded.file).Logits(tokens);
  double worst = 0, scale = 0;
  for (size_t t = 0; t < n_tokens; ++t) {
    for (size_t i = 0; i < spec.n_vocab; ++i) {
      const double e = expected[t][i];
      worst = std::max(worst, std::abs(static_cast<double>(logits[t * spec.n_vocab + i]) - e));
      scale = std::max(scale, std::abs(e));
    }
  }
  // float32 through a few layers, measured: below 3e-6; inputs of 16 bits where weights are quantised, measured: below 2e-4.
  EXPECT_LT(worst, (spec.type == GgmlType::kQ8_0 ? 6e-4 : 3e-5) * scale);
  EXPECT_GT(scale, 1.0);  // the model does something
}

class ModelTypes : public ::testing::TestWithParam<GgmlType> {};
INSTANTIATE_TEST_SUITE_P(All, ModelTypes, ::testing::Values(GgmlType::kF32, GgmlType::kF16, GgmlType::kQ8_0),
                         [](const auto& type) {
                           return std::string(FindGgmlType(static_cast<uint32_t>(type.param))->name);
                         });

TEST_P(ModelTypes, GroupedQueryAttentionTied) { ExpectMatchesReference({.type = GetParam()}, 70); }
TEST_P(ModelTypes, MultiHeadAttentionUntied) {
  ExpectMatchesReference({.n_head = 4, .n_kv_head = 4, .tied = false, .type = GetParam(), .seed = 2}, 20);
}
TEST_P(ModelTypes, OneKeyValueHeadOneLayer) {
  ExpectMatchesReference({.n_layer = 1, .n_embd = 96, .n_head = 6, .n_kv_head = 1, .type = GetParam(), .seed = 3}, 9);
}
TEST_P(ModelTypes, HeadsWiderThanTheirShareAndHalfRotated) {
  ExpectMatchesReference({.head_dim = 32, .rope_dim = 16, .type = GetParam(), .seed = 4}, 12);
}
// Mutation: rotate pairs (i / 2, i / 2 + rope_dim / 2); kv head = head % n_kv_head; gate * gate in SwiGlu; add 1e-3 to
// the mean in RmsNorm; leave w.output at token_embd -> each red.

TEST(Model, SizesThatFitNoVector) {
  for (const GgmlType type : {GgmlType::kF32, GgmlType::kF16}) {
    ExpectMatchesReference(
        {.n_embd = 42, .n_head = 7, .n_kv_head = 7, .n_ff = 37, .n_vocab = 33, .type = type, .seed = 5}, 67);
    ExpectMatchesReference(
        {.n_layer = 3, .n_embd = 2, .n_head = 1, .n_kv_head = 1, .n_ff = 1, .n_vocab = 3, .type = type}, 5);
    ExpectMatchesReference(
        {.n_embd = 70, .n_head = 1, .n_kv_head = 1, .n_ff = 65, .n_vocab = 41, .type = type, .seed = 6}, 3);
  }
}

TEST(Model, RopeFactorsAndLinearScaling) {
  ExpectMatchesReference({.rope_factors = true, .seed = 8}, 40);
  ExpectMatchesReference({.seed = 9,
                          .metadata =
                              [](testing::GgufWriter& w) {
                                w.Set("llama.rope.scaling.type", "linear").Set("llama.rope.scaling.factor", 4.0f);
                              }},
                         40);
}
// Mutation: ignore rope_factor -> red.

// Taps see every layer, change nothing, and tell probabilities; the last stream unembeds to the model's own logits.
TEST(Model, TapsWatchAndChangeNothing) {
  const Loaded loaded({.n_layer = 3});
  const std::vector<TokenId> tokens = RandomTokens(60, 50, 3);
  ThreadPool pool(2);
  std::vector<float> plain(50), watched(50), unembedded(50), last;
  KvCache first(loaded.model->config(), 60), second(loaded.model->config(), 60);
  ASSERT_TRUE(loaded.model->Evaluate(tokens, first, 1, plain, pool).ok());
  size_t layers = 0, heads = 0;
  const Taps taps{.residual =
                      [&](size_t layer, std::span<const float> stream) {
                        EXPECT_EQ(layer, layers++);
                        last.assign(stream.begin(), stream.end());
                      },
                  .attention =
                      [&](size_t, size_t, std::span<const float> weights) {
                        ++heads;
                        EXPECT_EQ(weights.size(), 60u);
                        double sum = 0;
                        for (const float w : weights) sum += static_cast<double>(w);
                        EXPECT_NEAR(sum, 1, 1e-5);
                      }};
  ASSERT_TRUE(loaded.model->Evaluate(tokens, second, 1, watched, pool, nullptr, &taps).ok());
  EXPECT_EQ(plain, watched);
  EXPECT_EQ(layers, 3u);
  EXPECT_EQ(heads, 3u * 4u);
  loaded.model->Unembed(last, unembedded, pool);
  EXPECT_EQ(plain, unembedded);
}

TEST(Model, TellsWhatItIs) {
  const Loaded loaded({.type = GgmlType::kQ8_0});
  const ModelConfig& c = loaded.model->config();
  EXPECT_EQ(c.architecture, "llama");
  EXPECT_EQ(c.n_vocab, 50u);
  EXPECT_EQ(c.head_dim, 16u);
  EXPECT_EQ(c.rope.dim, 16u);
  EXPECT_EQ(loaded.model->quantization(), "Q8_0");
  // embedding; per layer q, k, v, o, three of the feed-forward, two norms; the last norm
  EXPECT_EQ(loaded.model->n_parameters(), 50u * 64 + 2 * (64 * 64 + 2 * 64 * 32 + 64 * 64 + 3 * 64 * 96 + 2 * 64) + 64);
}

// ---- the same bits, however the work was cut

TEST(ModelInvariance, AnySplitAndAnyNumberOfThreadsGivesTheSameBits) {
  for (const GgmlType type : {GgmlType::kF32, GgmlType::kF16, GgmlType::kQ8_0, GgmlType::kQ4_0}) {
    // Wide enough that products and attention really are shared among threads.
    const RandomModel spec{
        .n_embd = 160, .n_head = 5, .n_kv_head = 5, .n_ff = 416, .n_vocab = 301, .type = type, .seed = 11};
    const Loaded loaded(spec);
    const std::vector<TokenId> tokens = RandomTokens(110, spec.n_vocab, 12);
    ThreadPool one(1);
    const std::vector<float> expected = AllLogits(*loaded.model, tokens, one);
    std::mt19937 rng(13);
    if (type != GgmlType::kF32) loaded.UseCopies();  // and whether the weights are in the file or copied
    for (const size_t threads : {1u, 2u, 3u}) {
      ThreadPool pool(threads);
      for (const size_t longest : {1u, 5u, 110u}) {
        KvCache cache(loaded.model->config(), 110);
        std::vector<float> logits(expected.size());
        for (size_t at = 0; at < tokens.size();) {
          const size_t n = std::min<size_t>(tokens.size() - at, 1 + rng() % longest);
          ASSERT_TRUE(loaded.model
                          ->Evaluate(std::span(tokens).subspan(at, n), cache, n,
                                     std::span(logits).subspan(at * spec.n_vocab), pool)
                          .ok());
          at += n;
        }
        ASSERT_EQ(0, std::memcmp(expected.data(), logits.data(), logits.size() * sizeof(float)))
            << threads << " threads, up to " << longest << " tokens at once";
      }
    }
  }
}
// Mutation: attend to the whole batch, position + n_ -> red.

TEST(ModelInvariance, CacheHistoryLeavesNoTrace) {
  const RandomModel spec{.seed = 21};
  const Loaded loaded(spec);
  ThreadPool pool(2);
  std::mt19937 rng(22);
  KvCache cache(loaded.model->config(), 100);
  std::vector<TokenId> path;
  for (int round = 0; round < 60; ++round) {
    const size_t keep = rng() % (path.size() + 1);
    cache.Truncate(keep);
    path.resize(keep);
    const size_t n = 1 + rng() % std::min<size_t>(20, 100 - keep + (keep == 100));
    if (keep + n > 100) continue;
    const auto more = RandomTokens(n, spec.n_vocab, static_cast<uint32_t>(rng()));
    path.insert(path.end(), more.begin(), more.end());
    std::vector<float> last(spec.n_vocab);
    ASSERT_TRUE(loaded.model->Evaluate(more, cache, 1, last, pool).ok());
    ASSERT_EQ(cache.size(), path.size());
    const std::vector<float> all = AllLogits(*loaded.model, path, pool);
    ASSERT_EQ(0, std::memcmp(last.data(), all.data() + (path.size() - 1) * spec.n_vocab, last.size() * sizeof(float)));
  }
}
// Mutation: write a batch's keys at row 0 of the layer -> red.

TEST(ModelCopies, StopWhenAskedAndCountTheirBytes) {
  const Loaded loaded({.tied = false, .type = GgmlType::kF16});
  ThreadPool pool(1);
  int asked = 0;
  EXPECT_EQ(loaded.model->CopyWeights(pool, [&] { return ++asked < 4; }).error().code, ErrorCode::kCancelled);
  EXPECT_EQ(asked, 4);
  // Per layer q, k, v, o, three of the feed-forward; the head: not the embedding, of which a token looks one row up.
  EXPECT_EQ(loaded.model->CopyBytes(), 2u * (2 * (64 * 64 + 2 * 64 * 32 + 64 * 64 + 3 * 64 * 96) + 50 * 64));
}

TEST(ModelInvariance, FewerLogitsAreTheLastOnes) {
  const RandomModel spec{.seed = 31};
  const Loaded loaded(spec);
  ThreadPool pool(2);
  const auto tokens = RandomTokens(101, spec.n_vocab, 32);  // more than two batches
  const std::vector<float> all = AllLogits(*loaded.model, tokens, pool);
  for (const size_t n_logits : {0u, 1u, 2u, 5u, 6u, 53u, 54u, 100u}) {
    KvCache cache(loaded.model->config(), 101);
    std::vector<float> some(n_logits * spec.n_vocab);
    ASSERT_TRUE(loaded.model->Evaluate(tokens, cache, n_logits, some, pool).ok());
    ASSERT_TRUE(std::equal(some.begin(), some.end(), all.end() - static_cast<std::ptrdiff_t>(some.size()))) << n_logits;
  }
}

TEST(ModelInvariance, TargetsAgree) {
  const RandomModel spec{.n_embd = 160, .n_head = 5, .n_kv_head = 5, .n_ff = 416, .type = GgmlType::kQ8_0, .seed = 41};
  const Loaded loaded(spec);
  ThreadPool pool(1);
  const auto tokens = RandomTokens(90, spec.n_vocab, 42);
  const std::vector<float> best = AllLogits(*loaded.model, tokens, pool);
  const float scale = *std::max_element(best.begin(), best.end());
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    const std::vector<float> logits = AllLogits(*loaded.model, tokens, pool);
    float worst = 0;
    for (size_t i = 0; i < best.size(); ++i) worst = std::max(worst, std::abs(best[i] - logits[i]));
    EXPECT_LT(worst, 6e-4f * scale) << hwy::TargetName(target);  // last bits decide where an input is rounded to
    if (target <= HWY_AVX2) {  // fused multiply-add: the same bits
      EXPECT_EQ(worst, 0.0f) << hwy::TargetName(target);
    }
  }
  hwy::SetSupportedTargetsForTest(0);
}

// ---- running: progress, limits, damage

TEST(ModelRun, ReportsProgressAndStopsWhenAsked) {
  const RandomModel spec;
  const Loaded loaded(spec);
  ThreadPool pool(1);
  const auto tokens = RandomTokens(200, spec.n_vocab, 51);
  KvCache cache(loaded.model->config(), 200);
  std::vector<float> logits(spec.n_vocab);
  // Two layers, two batches: asked in the middle and at the end of each.
  std::vector<size_t> seen;
  const auto stop_at = [&](size_t nth) {
    seen.clear();
    return loaded.model->Evaluate(std::span(tokens).subspan(cache.size()), cache, 1, logits, pool, [&, nth](size_t done, size_t) {
      seen.push_back(done);
      return seen.size() != nth;
    });
  };
  EXPECT_EQ(stop_at(1).error().code, ErrorCode::kCancelled);
  EXPECT_EQ(seen, (std::vector<size_t>{72}));
  EXPECT_EQ(cache.size(), 0u);
  EXPECT_EQ(cache.n_held(), 0u) << "keys and values of one layer of two are none";
  EXPECT_EQ(stop_at(3).error().code, ErrorCode::kCancelled);
  EXPECT_EQ(seen, (std::vector<size_t>{72, 144, 172}));
  EXPECT_EQ(cache.size(), 144u);
  EXPECT_EQ(cache.n_held(), 144u);
  // A path that is held already stays so, whoever stops on it.
  cache.Truncate(100);
  EXPECT_EQ(stop_at(1).error().code, ErrorCode::kCancelled);
  EXPECT_EQ(cache.size(), 100u);
  EXPECT_EQ(cache.Follow(tokens), 144u);
  // Going on from there gives what an evaluation without a break gives.
  ASSERT_TRUE(loaded.model->Evaluate(std::span(tokens).subspan(cache.size()), cache, 1, logits, pool).ok());
  const std::vector<float> all = AllLogits(*loaded.model, tokens, pool);
  EXPECT_EQ(0, std::memcmp(logits.data(), all.data() + 199 * spec.n_vocab, logits.size() * sizeof(float)));
  // A "stop" after the last batch comes too late to matter.
  cache.Truncate(0);
  EXPECT_TRUE(
      loaded.model->Evaluate(std::span(tokens).first(3), cache, 1, logits, pool, [](size_t done, size_t) { return done < 3; }).ok());
}

TEST(ModelRun, RefusesWhatDoesNotFit) {
  const RandomModel spec;
  const Loaded loaded(spec);
  ThreadPool pool(1);
  KvCache cache(loaded.model->config(), 4);
  std::vector<float> logits(spec.n_vocab);
  const auto code = [&](std::vector<TokenId> tokens) {
    const Status status = loaded.model->Evaluate(tokens, cache, 0, logits, pool);
    EXPECT_FALSE(status.ok());
    return status.ok() ? ErrorCode::kIo : status.error().code;
  };
  EXPECT_EQ(code({1, 2, 3, 4, 5}), ErrorCode::kOutOfRange);
  EXPECT_EQ(code({1, 50}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({-1}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(cache.size(), 0u);
  EXPECT_TRUE(loaded.model->Evaluate({}, cache, 0, logits, pool).ok());
  EXPECT_TRUE(loaded.model->Evaluate(std::vector<TokenId>{1, 2, 3, 4}, cache, 1, logits, pool).ok());
  EXPECT_EQ(code({1}), ErrorCode::kOutOfRange);
}

// A broken file must come out as NaN, which the engine reports, not as a crash or as numbers that look right.
TEST(ModelRun, NanWeightsGiveNanLogits) {
  for (const char* name :
       {"blk.0.attn_q.weight", "blk.0.attn_norm.weight", "blk.1.ffn_gate.weight", "output_norm.weight"}) {
    const RandomModel spec;
    Loaded loaded(spec);
    const GgufTensor* tensor = loaded.file->FindTensor(name);
    for (size_t i = 0; i < tensor->n_elements(); ++i) {
      const float nan = std::numeric_limits<float>::quiet_NaN();
      std::memcpy(loaded.bytes.data() + tensor->file_offset + 4 * i, &nan, 4);
    }
    auto model = Model::Load(*loaded.file);  // norms are copied when a model is loaded
    ASSERT_TRUE(model.ok());
    ThreadPool pool(1);
    const std::vector<float> logits = AllLogits(**model, RandomTokens(5, spec.n_vocab, 61), pool);
    EXPECT_TRUE(std::all_of(logits.begin(), logits.end(), [](float v) { return std::isnan(v); })) << name;
  }
}
// Mutation: ExpNonPositive in place of ExpOrNan -> red.

}  // namespace
}  // namespace lp
