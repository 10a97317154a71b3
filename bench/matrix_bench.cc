// What matrix products cost by weight type: GB/s of weights read for one token, GFLOP/s for a batch.
//
//   build/release/bin/matrix_bench --benchmark_filter='(Read|Decode(Copied)?)/s135/.*/1/' --benchmark_repetitions=9
//       --benchmark_enable_random_interleaving=true --benchmark_report_aggregates_only=true
//
// A "token" is every product of a model of that shape, from weights in memory larger than the caches: what decoding
// reads; *Copied: from copies as quant/copies.h makes them, in huge pages. Two yardsticks in the same run: Read streams the bytes
// that are not copied and adds them up; Fma keeps registers busy.
// Shapes: s135 = SmolLM2-135M, all of it; tl11 = TinyLlama-1.1B, 4 of its 22 layers and the head.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/huge_memory.h"
#include "base/thread_pool.h"
#include "quant/copies.h"
#include "quant/matrix.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "../bench/matrix_bench.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The sum of n floats, 8 vectors at a time: nothing but loads.
float ReadTarget(const float* p, size_t n) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  auto a = hn::Zero(d), b = a, c = a, e = a;
  for (size_t i = 0; i + 4 * lanes <= n; i += 4 * lanes) {
    a = hn::Add(a, hn::LoadU(d, p + i));
    b = hn::Add(b, hn::LoadU(d, p + i + lanes));
    c = hn::Add(c, hn::LoadU(d, p + i + 2 * lanes));
    e = hn::Add(e, hn::LoadU(d, p + i + 3 * lanes));
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a, b), hn::Add(c, e))));
}

// 8 independent chains of `n` multiply-adds each; returns the number of floating-point operations.
size_t FmaTarget(size_t n, float seed, float* out) {
  const hn::ScalableTag<float> d;
  const auto m = hn::Set(d, 0.999f), s = hn::Set(d, seed);
  auto a0 = s, a1 = hn::Add(a0, s), a2 = hn::Add(a1, s), a3 = hn::Add(a2, s);  // all different, or they are merged
  auto a4 = hn::Add(a3, s), a5 = hn::Add(a4, s), a6 = hn::Add(a5, s), a7 = hn::Add(a6, s);
  for (size_t i = 0; i < n; ++i) {
    a0 = hn::MulAdd(a0, m, s), a1 = hn::MulAdd(a1, m, s), a2 = hn::MulAdd(a2, m, s), a3 = hn::MulAdd(a3, m, s);
    a4 = hn::MulAdd(a4, m, s), a5 = hn::MulAdd(a5, m, s), a6 = hn::MulAdd(a6, m, s), a7 = hn::MulAdd(a7, m, s);
  }
  const auto sum = hn::Add(hn::Add(hn::Add(a0, a1), hn::Add(a2, a3)), hn::Add(hn::Add(a4, a5), hn::Add(a6, a7)));
  *out = hn::GetLane(hn::SumOfLanes(d, sum));
  return 16 * hn::Lanes(d) * n;
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
namespace {

HWY_EXPORT(ReadTarget);
HWY_EXPORT(FmaTarget);

struct Shape {
  const char* name;
  size_t n_layer, n_embd, kv_dim, n_ff, n_vocab;
};
constexpr Shape kShapes[] = {{"s135", 30, 576, 192, 1536, 49152}, {"tl11", 4, 2048, 256, 5632, 32000}};

// Bytes of a block at which a half stands: those must be ordinary numbers, the rest of a block may be anything.
std::vector<size_t> HalfOffsets(GgmlType type) {
  switch (type) {
    case GgmlType::kQ4_1:
    case GgmlType::kQ5_1:
    case GgmlType::kQ4_K:
    case GgmlType::kQ5_K:
      return {0, 2};
    case GgmlType::kQ2_K:
      return {80, 82};
    case GgmlType::kQ3_K:
      return {108};
    case GgmlType::kQ6_K:
      return {208};
    default:
      return {0};
  }
}

// All matrices of a model, one after the other, as in a file.
class Weights {
 public:
  Weights(const Shape& shape, GgmlType type) {
    std::vector<std::pair<size_t, size_t>> sizes;  // rows, cols
    for (size_t i = 0; i < shape.n_layer; ++i) {
      sizes.insert(sizes.end(), {{shape.n_embd, shape.n_embd},
                                 {shape.kv_dim, shape.n_embd},
                                 {shape.kv_dim, shape.n_embd},
                                 {shape.n_embd, shape.n_embd},
                                 {shape.n_ff, shape.n_embd},
                                 {shape.n_ff, shape.n_embd},
                                 {shape.n_embd, shape.n_ff}});
    }
    sizes.emplace_back(shape.n_vocab, shape.n_embd);
    const GgmlTypeInfo& info = *FindGgmlType(static_cast<uint32_t>(type));
    size_t n = 0, at = 0;
    for (const auto& [rows, cols] : sizes) n += rows * RowBytes(info, cols);
    Fill(info, n);
    for (const auto& [rows, cols] : sizes) {
      const size_t matrix_bytes = rows * RowBytes(info, cols);
      // A row that is no whole number of K-quant blocks (576 columns) is timed with as many columns as fit.
      const size_t whole = cols / info.block_size * info.block_size;
      matrices_.push_back(MakeWeightMatrix(type, rows, whole, std::span(bytes_).subspan(at, matrix_bytes)));
      widest_ = std::max(widest_, cols), tallest_ = std::max(tallest_, rows);
      flops_ += 2 * rows * whole;
      at += matrix_bytes;
    }
  }

  // y = W x for every W; x and y are as large as the largest asks for.
  void Multiply(size_t n_tokens, bool head, ThreadPool& pool) {
    x_.resize(n_tokens * widest_, 0.5f);
    y_.resize(n_tokens * tallest_);
    for (const WeightMatrix& w : *used_) {
      if (!head && &w == &used_->back()) continue;
      inputs_.Reset(MatMulInputs::KindFor(w.type), x_.data(), n_tokens, w.cols);
      pool.ParallelFor(n_tokens, MatMulInputs::kStep, [&](size_t begin, size_t end) { inputs_.Fill(begin, end); });
      pool.ParallelFor(w.rows, MatMulRowStep(), [&](size_t begin, size_t end) {
        MatMulRows(w, begin, end, inputs_, y_.data(), w.rows);
      });
    }
    benchmark::DoNotOptimize(y_.data());
  }

  // The products read copies from here on (quant/copies.h).
  void UseCopies() {
    if (copied_.empty()) {
      size_t n = 0, at = 0;
      for (const WeightMatrix& w : matrices_) n += CopyBytes(w);
      copies_ = HugeMemory::Allocate(n).value();
      for (const WeightMatrix& w : matrices_) {
        uint8_t* const to = copies_.bytes().data() + at;
        CopyRows(w, 0, w.rows, to);
        at += CopyBytes(w);
        copied_.push_back(CopyAt(w, to));
      }
    }
    used_ = &copied_;
  }
  void UseRows() { used_ = &matrices_; }

  std::span<const uint8_t> bytes() const { return bytes_; }
  size_t flops(bool head) const { return flops_ - (head ? 0 : 2 * matrices_.back().rows * matrices_.back().cols); }

 private:
  static size_t RowBytes(const GgmlTypeInfo& info, size_t cols) { return cols / info.block_size * info.block_bytes; }

  void Fill(const GgmlTypeInfo& info, size_t n) {
    bytes_.resize(n);
    std::mt19937_64 random(1);
    for (size_t i = 0; i + 8 <= n; i += 8) {
      const uint64_t r = random();
      std::memcpy(bytes_.data() + i, &r, 8);
    }
    if (info.block_size == 1) {  // the top byte of a number: its exponent, about 2^-7 for every float type
      for (size_t i = info.block_bytes - 1; i < n; i += info.block_bytes)
        bytes_[i] = info.type == GgmlType::kF16 ? 0x20 : 0x3C;
      return;
    }
    for (size_t block = 0; block < n; block += info.block_bytes) {
      for (const size_t at : HalfOffsets(info.type)) bytes_[block + at + 1] = 0x20;
    }
  }

  std::vector<uint8_t> bytes_;
  HugeMemory copies_;
  std::vector<WeightMatrix> matrices_, copied_;
  const std::vector<WeightMatrix>* used_ = &matrices_;
  size_t widest_ = 0, tallest_ = 0, flops_ = 0;
  std::vector<float> x_, y_;
  MatMulInputs inputs_;
};

// One model at a time in memory; benchmarks of one model are registered next to each other, but may be interleaved.
Weights& WeightsOf(const Shape& shape, GgmlType type) {
  static std::vector<std::pair<std::pair<const Shape*, GgmlType>, std::unique_ptr<Weights>>> cache;
  for (auto& [key, weights] : cache) {
    if (key == std::pair(&shape, type)) return *weights;
  }
  if (cache.size() >= 8) cache.erase(cache.begin());
  cache.emplace_back(std::pair(&shape, type), std::make_unique<Weights>(shape, type));
  return *cache.back().second;
}

using benchmark::Counter;

void SetRate(benchmark::State& state, const char* name, size_t amount) {
  state.counters[name] = Counter(static_cast<double>(amount) * 1e-9, Counter::kIsIterationInvariantRate);
}

void Decode(benchmark::State& state, const Shape& shape, GgmlType type, size_t n_threads, bool copied) {
  Weights& weights = WeightsOf(shape, type);
  copied ? weights.UseCopies() : weights.UseRows();
  ThreadPool pool(n_threads);
  for (auto _ : state) weights.Multiply(1, true, pool);
  SetRate(state, "GB/s", weights.bytes().size());
}

void Prompt(benchmark::State& state, const Shape& shape, GgmlType type, size_t n_tokens, size_t n_threads, bool copied) {
  Weights& weights = WeightsOf(shape, type);
  copied ? weights.UseCopies() : weights.UseRows();
  ThreadPool pool(n_threads);
  for (auto _ : state) weights.Multiply(n_tokens, false, pool);
  SetRate(state, "GFLOP/s", n_tokens * weights.flops(false));
}

void Read(benchmark::State& state, const Shape& shape, GgmlType type, size_t n_threads) {
  const std::span<const uint8_t> bytes = WeightsOf(shape, type).bytes();
  ThreadPool pool(n_threads);
  const auto* p = reinterpret_cast<const float*>(bytes.data());
  for (auto _ : state) {
    pool.ParallelFor(bytes.size() / 4, 4096, [&](size_t begin, size_t end) {
      benchmark::DoNotOptimize(HWY_DYNAMIC_DISPATCH(ReadTarget)(p + begin, end - begin));
    });
  }
  SetRate(state, "GB/s", bytes.size());
}

void Fma(benchmark::State& state) {
  size_t flops = 0;
  float out = 0;
  for (auto _ : state) {
    flops = HWY_DYNAMIC_DISPATCH(FmaTarget)(100000, out + 1e-3f, &out);
    benchmark::DoNotOptimize(out);
  }
  SetRate(state, "GFLOP/s", flops);
}

void RegisterAll() {
  benchmark::RegisterBenchmark("Fma", Fma)->UseRealTime();
  for (const Shape& shape : kShapes) {
    for (uint32_t number = 0; number <= static_cast<uint32_t>(GgmlType::kBF16); ++number) {
      const GgmlTypeInfo* info = FindGgmlType(number);
      if (info == nullptr || !IsWeightType(info->type)) continue;
      const GgmlType type = info->type;
      const std::string name = std::string(shape.name) + "/" + std::string(info->name) + "/";
      const auto add = [](const std::string& full, auto body) {
        benchmark::RegisterBenchmark(full.c_str(), body)->UseRealTime()->Unit(benchmark::kMillisecond);
      };
      for (const size_t threads : {size_t{1}, size_t{2}}) {
        const std::string end = std::to_string(threads);
        add("Read/" + name + end, [=, &shape](benchmark::State& s) { Read(s, shape, type, threads); });
        for (const bool copied : {false, true}) {
          const std::string which = copied ? "Copied/" : "/";
          add("Decode" + which + name + end, [=, &shape](benchmark::State& s) { Decode(s, shape, type, threads, copied); });
          for (const size_t tokens : {size_t{16}, size_t{128}}) {
            add("Prompt" + which + name + std::to_string(tokens) + "/" + end,
                [=, &shape](benchmark::State& s) { Prompt(s, shape, type, tokens, threads, copied); });
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace lp

int main(int argc, char** argv) {
  lp::RegisterAll();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
#endif  // HWY_ONCE
