// What the parts of src/distribution cost on one thread: microseconds by vocabulary and shape (bench/logits.h).
//
//   build/release/bin/distribution_bench --benchmark_repetitions=9 --benchmark_report_aggregates_only=true
//
// The yardsticks are ReadPass and ExpSum (bench/exp_sum.h). --target=AVX2 (or SSE4, ...) keeps to that instruction set.
#include <benchmark/benchmark.h>

#include <string>

#include <hwy/targets.h>

#include "bench/exp_sum.h"
#include "bench/logits.h"
#include "distribution/select.h"

namespace lp {
namespace {

using bench::Shape;

// What every measurement starts from.
struct Given {
  std::vector<float> logits, cooler_logits;
  LogitVector x, cooler;
  Scan scan;
  VectorSums sums, cooler_sums;
  std::vector<float> p;

  Given(Shape shape, size_t n)
      : logits(bench::Logits(shape, n)),
        x(logits),
        cooler(Divide(x, 0.8f)),
        scan(ScanLogits(x)),
        sums(ComputeSums(x)),
        cooler_sums(ComputeSums(cooler)),
        p(n) {}
};

using Body = double (*)(Given&);
struct Measured {
  const char* name;
  Body body;
  bool depends_on_shape;
};

double Mass(const Given& g, double target) { return FindMass(g.x, g.sums, Weight::kProbability, target).through; }

const Measured kMeasured[] = {
    {"ReadPass", [](Given& g) { return static_cast<double>(bench::ReadPass(g.logits)); }, false},
    {"ExpSum", [](Given& g) { return bench::ExpSum(g.logits, g.scan.max); }, false},
    {"ScanLogits", [](Given& g) { return static_cast<double>(ScanLogits(g.x).max); }, false},
    {"ComputeSums", [](Given& g) { return ComputeSums(g.x).total.sum_exp; }, false},
    {"Softmax", [](Given& g) { return Softmax(g.x, g.sums.total, g.p), static_cast<double>(g.p[0]); }, false},
    {"KlDivergence", [](Given& g) { return KlDivergence(g.x, g.sums.total, g.cooler, g.cooler_sums.total); }, false},
    {"Divide", [](Given& g) { return static_cast<double>(Divide(g.x, 0.8f)[0]); }, false},
    {"LogitMoments", [](Given& g) { return LogitMoments(g.x).deviation; }, false},
    {"CountAbove", [](Given& g) { return static_cast<double>(CountAbove(g.x, 0.5f).above); }, false},
    {"Top40", [](Given& g) { return static_cast<double>(TopRanked(g.x, g.scan.block_max, 40)[39].value); }, true},
    {"Top200", [](Given& g) { return static_cast<double>(TopRanked(g.x, g.scan.block_max, 200)[199].value); }, true},
    {"RanksOf64",
     [](Given& g) {
       std::vector<TokenId> ids;
       for (const Candidate& c : TopRanked(g.x, g.scan.block_max, 64)) ids.push_back(c.id);
       return static_cast<double>(RanksOf(g.cooler, ids)[63]);
     },
     true},
    {"KeepTop40",
     [](Given& g) {
       const Candidate last = TopRanked(g.x, g.scan.block_max, 40)[39];
       return static_cast<double>(KeepRange(g.x, last.value, last.id, 1e30f)[0]);
     },
     true},
    {"KeepHalf", [](Given& g) { return static_cast<double>(KeepRange(g.x, 0, 0, 1e30f)[0]); }, true},
    {"FindMass0.5", [](Given& g) { return Mass(g, 0.5); }, true},
    {"FindMass0.95", [](Given& g) { return Mass(g, 0.95); }, true},
    {"FindMass0.999", [](Given& g) { return Mass(g, 0.999); }, true},
    {"FindEntropy0.9",
     [](Given& g) { return FindMass(g.x, g.sums, Weight::kEntropy, 0.9 * g.sums.total.Entropy()).through; }, true},
    {"Typical0.95",
     [](Given& g) {
       return FindMassAround(g.x, g.sums, g.sums.total.LogSumExp() - g.sums.total.Entropy(), 0.95).through;
     },
     true},
};

void Register() {
  for (const Measured& m : kMeasured) {
    for (const Shape shape : {bench::kPeaked, bench::kZipf, bench::kFlat}) {
      if (!m.depends_on_shape && shape != bench::kPeaked) continue;
      for (const size_t n : {size_t{50257}, size_t{128256}, size_t{151936}, size_t{262144}}) {
        const std::string name = std::string(m.name) +
                                 (m.depends_on_shape ? std::string("/") + bench::Name(shape) : "") + "/" +
                                 std::to_string(n);
        benchmark::RegisterBenchmark(name.c_str(), [m, shape, n](benchmark::State& state) {
          Given given(shape, n);
          for (auto _ : state) benchmark::DoNotOptimize(m.body(given));
        })->Unit(benchmark::kMicrosecond);
      }
    }
  }
}

}  // namespace
}  // namespace lp

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
      if (std::string(argv[i]) == std::string("--target=") + hwy::TargetName(target))
        hwy::SetSupportedTargetsForTest(target);
    }
  }
  lp::Register();
  benchmark::RunSpecifiedBenchmarks();
}
