// What one step of a sampler costs, by vocabulary and shape of the distribution: microseconds on one thread.
//
//   build/release/bin/sampling_bench --benchmark_repetitions=9 --benchmark_enable_random_interleaving=true
//     --benchmark_report_aggregates_only=true
//
// Chain A is llama.cpp's default: penalties over 64 tokens, top-k 40, top-p 0.95, min-p 0.05, T 0.8. Chain B is a
// nucleus over the whole vocabulary: top-p 0.95, T 0.8. Shapes: bench/logits.h.
// Beside llama.cpp and PyTorch: bench/peers/run.
//   Draw    nothing but the token
//   Full    the token with its row, every stage's numbers, cut reasons, and all metrics, raw and final
//   Rows    the 200 best rows of a finished trace, with all the page shows for them
//   Entropy one pass of maximum, sum and entropy over the same logits, ExpSum one of the sum alone: the yardsticks
#include <benchmark/benchmark.h>

#include <fstream>
#include <map>
#include <string>
#include <string_view>

#include "bench/exp_sum.h"
#include "bench/logits.h"
#include "dialect/dialect.h"
#include "metrics/compare.h"
#include "metrics/metrics.h"
#include "sampling/draw.h"

namespace lp {
namespace {

using bench::Shape;

const std::vector<float>& Logits(benchmark::State& state) {
  static std::map<std::pair<int64_t, int64_t>, std::vector<float>> made;
  std::vector<float>& x = made[{state.range(0), state.range(1)}];
  if (x.empty()) x = bench::Logits(static_cast<Shape>(state.range(1)), static_cast<size_t>(state.range(0)));
  state.SetLabel(bench::Name(static_cast<Shape>(state.range(1))));
  return x;
}

std::vector<TokenId> History(size_t n_vocab) {
  std::mt19937 random(8);
  std::vector<TokenId> ids(64);
  for (TokenId& id : ids) id = static_cast<TokenId>(random() % n_vocab);
  return ids;
}

Chain LlamaCpp(const Settings& settings) {
  auto resolved = Resolve(Dialect::kLlamaCpp, settings, ModelFacts{});
  LP_CHECK(resolved.ok());
  Chain chain = std::move(resolved)->chain;
  chain.draw = DrawRule::kInverseCdf;  // llama.cpp's own starts a Mersenne twister for every position
  return chain;
}

const Chain& ChainA() {
  static const Chain chain = LlamaCpp({.temperature = 0.8, .top_k = 40, .top_p = 0.95, .min_p = 0.05, .repetition_penalty = 1.1, .repeat_last_n = 64});
  return chain;
}
const Chain& ChainB() {
  static const Chain chain = LlamaCpp({.temperature = 0.8, .top_k = 0, .top_p = 0.95, .min_p = 0.0});
  return chain;
}

void Draw(benchmark::State& state, const Chain& chain) {
  const std::vector<float>& logits = Logits(state);
  const std::vector<TokenId> history = History(logits.size());
  uint64_t position = 64;
  for (auto _ : state) {
    const auto trace = Trace::Run(logits, {history, history.size(), position++}, chain, Sums::kMass);
    benchmark::DoNotOptimize(DrawId(*trace));
  }
}

// All but the rows.
double Finish(const Trace& trace) {
  double total = lp::Draw(trace).row.margin + ComputeMetrics(trace).kl_raw_shaped;
  for (size_t i = 0; i < trace.stages().size(); ++i) total += trace.MassOut(i) + trace.After(i).sums().Entropy();
  return total;
}

void Full(benchmark::State& state, const Chain& chain) {
  const std::vector<float>& logits = Logits(state);
  const std::vector<TokenId> history = History(logits.size());
  uint64_t position = 64;
  for (auto _ : state) {
    const auto trace = Trace::Run(logits, {history, history.size(), position++}, chain);
    benchmark::DoNotOptimize(Finish(*trace));
  }
}

void Rows(benchmark::State& state, const Chain& chain) {
  const std::vector<float>& logits = Logits(state);
  const std::vector<TokenId> history = History(logits.size());
  for (auto _ : state) {
    state.PauseTiming();
    const auto trace = Trace::Run(logits, Step::After(history), chain);
    benchmark::DoNotOptimize(Finish(*trace));
    state.ResumeTiming();
    const std::vector<TokenRow> rows = trace->Rows(200);
    std::vector<TokenId> ids;
    for (const TokenRow& row : rows) ids.push_back(row.id);
    benchmark::DoNotOptimize(trace->RawRanksOf(ids));
    benchmark::DoNotOptimize(trace->Journeys(ids));
  }
}

void Compared(benchmark::State& state) {
  const std::vector<float>& logits = Logits(state);
  for (auto _ : state) {
    const auto a = Trace::Run(logits, {}, ChainA()), b = Trace::Run(logits, {}, ChainB());
    benchmark::DoNotOptimize(Compare(*a, *b).jensen_shannon);
  }
}

void Entropy(benchmark::State& state) {
  const std::vector<float>& logits = Logits(state);
  for (auto _ : state) benchmark::DoNotOptimize(ComputeSums(LogitVector(logits), Sums::kEntropy).total.Entropy());
}

void Kl(benchmark::State& state) {
  const std::vector<float>& logits = Logits(state);
  const std::vector<float> other = bench::Logits(bench::kFlat, logits.size());
  for (auto _ : state) {
    benchmark::DoNotOptimize(KlDivergence(LogitVector(logits), LogitVector(other)));
  }
}

void ExpSum(benchmark::State& state) {
  const std::vector<float>& logits = Logits(state);
  const float max = bench::ReadPass(logits);
  for (auto _ : state) benchmark::DoNotOptimize(bench::ExpSum(logits, max));
}

const std::vector<std::vector<int64_t>> kAll = {{50257, 128256, 151936, 262144}, {bench::kPeaked, bench::kZipf, bench::kFlat}};

#define LP_BENCHMARK(...) BENCHMARK_CAPTURE(__VA_ARGS__)->ArgsProduct(kAll)->Unit(benchmark::kMicrosecond)
LP_BENCHMARK(Draw, A, ChainA());
LP_BENCHMARK(Draw, B, ChainB());
LP_BENCHMARK(Full, A, ChainA());
LP_BENCHMARK(Full, B, ChainB());
LP_BENCHMARK(Rows, A, ChainA());
LP_BENCHMARK(Rows, B, ChainB());
BENCHMARK(Compared)->ArgsProduct(kAll)->Unit(benchmark::kMicrosecond);
BENCHMARK(Entropy)->ArgsProduct(kAll)->Unit(benchmark::kMicrosecond);
BENCHMARK(Kl)->ArgsProduct(kAll)->Unit(benchmark::kMicrosecond);
BENCHMARK(ExpSum)->ArgsProduct(kAll)->Unit(benchmark::kMicrosecond);

void WriteLogits(const std::string& folder) {
  for (const Shape shape : {bench::kPeaked, bench::kZipf, bench::kFlat}) {
    for (const int64_t n : kAll[0]) {
      const std::vector<float> x = bench::Logits(shape, static_cast<size_t>(n));
      std::ofstream out(folder + "/" + bench::Name(shape) + "-" + std::to_string(n) + ".f32", std::ios::binary);
      out.write(reinterpret_cast<const char*>(x.data()), static_cast<std::streamsize>(x.size() * sizeof(float)));
    }
  }
}

}  // namespace
}  // namespace lp

int main(int argc, char** argv) {
  constexpr std::string_view kWrite = "--write-logits=";
  if (argc == 2 && std::string_view(argv[1]).starts_with(kWrite)) {
    lp::WriteLogits(std::string(std::string_view(argv[1]).substr(kWrite.size())));
    return 0;
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
