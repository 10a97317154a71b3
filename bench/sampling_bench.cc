// What one step of the sampler costs, by vocabulary and shape of the distribution: microseconds on one thread.
//
//   build/release/bin/sampling_bench --benchmark_repetitions=5 --benchmark_report_aggregates_only=true
//
// Shapes: peaked = N(0, 2.2) with 30 raised tokens, what language models give; zipf = -1.1 ln(rank) + noise, shuffled;
// flat = N(0, 1). Chain A: penalties over 64 tokens, top-k 40, top-p 0.95, T 0.8. Chain B: top-p 0.95, T 0.8, no top-k.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "metrics/metrics.h"
#include "sampling/draw.h"

namespace lp {
namespace {

enum Shape { kPeaked, kZipf, kFlat };

std::vector<float> Logits(Shape shape, size_t n) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> x(n);
  for (size_t i = 0; i < n; ++i) {
    x[i] = shape == kPeaked ? 2.2f * normal(random)
           : shape == kZipf ? -1.1f * std::log(static_cast<float>(i + 1)) + 0.1f * normal(random)
                            : normal(random);
  }
  for (size_t i = 0; shape == kPeaked && i < 30; ++i) x[random() % n] = 12 + 2 * normal(random);
  if (shape == kZipf) std::shuffle(x.begin(), x.end(), random);
  return x;
}

std::vector<TokenId> History(size_t n_vocab) {
  std::mt19937 random(8);
  std::vector<TokenId> ids(64);
  for (TokenId& id : ids) id = static_cast<TokenId>(random() % n_vocab);
  return ids;
}

constexpr SamplerSettings kChainA = {
    .repetition_penalty = 1.1, .repeat_last_n = 64, .temperature = 0.8, .top_k = 40, .top_p = 0.95};
constexpr SamplerSettings kChainB = {.temperature = 0.8, .top_p = 0.95};

void Step(benchmark::State& state, const SamplerSettings& settings, bool with_metrics) {
  const auto n = static_cast<size_t>(state.range(0));
  const std::vector<float> logits = Logits(static_cast<Shape>(state.range(1)), n);
  const std::vector<TokenId> history = History(n);
  uint64_t position = 0;
  for (auto _ : state) {
    const auto trace = Trace::Run(logits, history, settings);
    benchmark::DoNotOptimize(Draw(*trace, position++).row.id);
    if (with_metrics) benchmark::DoNotOptimize(ComputeMetrics(*trace).kl_final_raw);
  }
}

void ChainA(benchmark::State& state) { Step(state, kChainA, false); }
void ChainB(benchmark::State& state) { Step(state, kChainB, false); }
void ChainAWithMetrics(benchmark::State& state) { Step(state, kChainA, true); }

void SoftmaxSums(benchmark::State& state) {
  const std::vector<float> logits = Logits(kPeaked, static_cast<size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(ComputeSoftmaxStats(logits).sum_exp);
}

const std::vector<int64_t> kVocabularies = {4096, 50257, 151936};
BENCHMARK(ChainA)->ArgsProduct({kVocabularies, {kPeaked, kZipf, kFlat}})->Unit(benchmark::kMicrosecond);
BENCHMARK(ChainB)->ArgsProduct({kVocabularies, {kPeaked, kZipf, kFlat}})->Unit(benchmark::kMicrosecond);
BENCHMARK(ChainAWithMetrics)->ArgsProduct({kVocabularies, {kPeaked}})->Unit(benchmark::kMicrosecond);
BENCHMARK(SoftmaxSums)->ArgsProduct({kVocabularies})->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace lp
