// Strips: making them, products with one vector, and decoding. The layout is in strips-inl.h.
#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "base/simd_targets.h"
#include "quant/copies.h"
#include "quant/kernels.h"
#include "quant/prefetch.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (LP_SCALABLE_TARGETS | HWY_SSSE3)  // as in quants.cc
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/strips.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/strips-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using internal::PrefetchAhead;
using internal::RoundedInputs;

// Strips that meet the inputs together, which are then loaded once; of two, the integers still fit the registers.
constexpr size_t kTogether = kScaleVectors == 1 ? 2 : 1;

// total[i] [kScaleVectors] += what eight rows' quants of a run add to its integer, sum(q x), for kN strips.
//   quants[i]: [kRunQuants]   x: [32]
template <size_t kN>
HWY_INLINE void AddProducts(const std::array<const uint8_t*, kN>& quants, const int16_t* HWY_RESTRICT x, SumVec* total) {
#if HWY_TARGET == HWY_SCALAR  // which knows no pairs
  static_assert(kN == 1);
  for (size_t row = 0; row < kStripRows; ++row) {
    int32_t sum = 0;
    for (size_t i = 0; i < 4; ++i) {
      const auto word = LoadBits<uint32_t>(quants[0] + 32 * i + 4 * row);
      for (size_t k = 0; k < 8; ++k) sum += NumberIn(word, k) * x[8 * i + k];
    }
    total[row] = hn::Add(total[row], hn::Set(SumTag(), sum));
  }
#else
  // Numbers 2 and 3 of a word stay where they are, 16 times as large, and numbers 4 and 5, 256 times: their sums are below 2^30, and are divided
  // once a run, exactly, instead of each number.
  const SumTag d;
  const QuantTag d16;
  const hn::RebindToUnsigned<QuantTag> du16;
  constexpr size_t kSums = kN * kScaleVectors;
  SumVec times16[kSums], times256[kSums];
  Unrolled<kSums>([&](auto s) LP_LAMBDA { times16[s] = times256[s] = hn::Zero(d); });
  Unrolled<4>([&](auto i) LP_LAMBDA {
    QuantVec words[kSums];
    Unrolled<kSums>([&](auto s) LP_LAMBDA {
      const auto* at = reinterpret_cast<const int32_t*>(quants[s / kScaleVectors] + 32 * i) + s % kScaleVectors * hn::MaxLanes(d);
      words[s] = hn::BitCast(d16, hn::LoadU(d, at));
    });
    // sums += neighbours j of every word, as `pick` leaves them, times their inputs.
    const auto add = [&](size_t j, SumVec* sums, const auto& pick) LP_LAMBDA {
      int32_t pair;
      std::memcpy(&pair, x + 8 * i + 2 * j, sizeof(pair));
      const auto inputs = hn::BitCast(d16, hn::Set(d, pair));
      Unrolled<kSums>([&](auto s) LP_LAMBDA { sums[s] = hn::Add(sums[s], MultiplyPairs(d, pick(words[s]), inputs)); });
    };
    add(0, total, [&](QuantVec w) LP_LAMBDA { return hn::And(w, hn::Set(d16, int16_t{0x00F})); });
    add(1, times16, [&](QuantVec w) LP_LAMBDA { return hn::And(w, hn::Set(d16, int16_t{0x0F0})); });
    add(2, times256, [&](QuantVec w) LP_LAMBDA { return hn::And(w, hn::Set(d16, int16_t{0xF00})); });
    add(3, total, [&](QuantVec w) LP_LAMBDA { return hn::BitCast(d16, hn::ShiftRight<12>(hn::BitCast(du16, w))); });
  });
  Unrolled<kSums>([&](auto s) LP_LAMBDA {
    total[s] = hn::Add(total[s], hn::Add(hn::ShiftRight<4>(times16[s]), hn::ShiftRight<8>(times256[s])));
  });
#endif
}

constexpr size_t kAccs = 8 * kStripRows;  // floats of a strip's sums: what quant/matrix.h calls a lane is a vector of eight rows here

// acc[i] [8] += a run of eight rows, for kN strips; k is its number in the row.
template <class Strips, size_t kN>
HWY_INLINE void AddRun(const std::array<const uint8_t*, kN>& group, const std::array<const uint8_t*, kN>& run, const RoundedInputs& x, size_t k,
                       float* HWY_RESTRICT acc) {
  using Format = typename Strips::From;
  const ScaleTag d;
  SumVec total[kN * kScaleVectors];
  const auto offset = hn::Set(SumTag(), -Format::kOffset * x.sum[k]);
  Unrolled<kN * kScaleVectors>([&](auto s) LP_LAMBDA { total[s] = offset; });
  std::array<const uint8_t*, kN> quants;
  Unrolled<kN>([&](auto i) LP_LAMBDA { quants[i] = run[i] + Strips::kRunHead; });
  AddProducts<kN>(quants, x.q + k * Format::kRun, total);
  const auto unit = hn::Set(d, x.unit[k]);
  Unrolled<kN>([&](auto i) LP_LAMBDA {
    ScaleVec scale[kScaleVectors], min[kScaleVectors];
    Strips::Scales(group[i], run[i], scale, min);
    Unrolled<kScaleVectors>([&](auto v) LP_LAMBDA {
      float* const at = acc + i * kAccs + v * hn::MaxLanes(d);
      auto sum = hn::Add(hn::Load(d, at), hn::Mul(hn::ConvertTo(d, total[i * kScaleVectors + v]), hn::Mul(scale[v], unit)));
      if constexpr (Format::kHasMin) sum = hn::Sub(sum, hn::Mul(min[v], hn::Set(d, x.scaled_sum[k])));
      hn::Store(sum, d, at);
    });
  });
}

// y[i] [8] = the rows of strips[i] . x.
template <class Strips, size_t kN>
HWY_INLINE void MultiplyStrips(std::array<const uint8_t*, kN> strips, size_t runs, const RoundedInputs& x, const std::array<float*, kN>& y) {
  alignas(64) float acc[kN * kAccs] = {};  // in memory: in registers they would push out the integers
  std::array<const uint8_t*, kN> group = strips;
  for (size_t k = 0; k < runs; ++k) {
    if (k % 8 == 0) {
      group = strips;
      for (auto& at : strips) at += Strips::kGroupHead;
    }
    Unrolled<kN>([&](auto i) LP_LAMBDA { PrefetchAhead<128, 2048>(strips[i]); });
    AddRun<Strips, kN>(group, strips, x, k, acc + k % 8 * kStripRows);
    for (auto& at : strips) at += kStripRunBytes<Strips>;
  }
  const ScaleTag d;
  Unrolled<kN>([&](auto i) LP_LAMBDA {
    float* const lanes = acc + i * kAccs;
    for (size_t half = 4; half > 0; half /= 2) {
      for (size_t at = 0; at < half * kStripRows; at += hn::MaxLanes(d)) {
        hn::Store(hn::Add(hn::Load(d, lanes + at), hn::Load(d, lanes + half * kStripRows + at)), d, lanes + at);
      }
    }
    std::copy_n(lanes, kStripRows, y[i]);
  });
}

template <class Strips>
void MultiplyRowsOf(const WeightMatrix& w, size_t row_begin, size_t row_end, const RoundedInputs& x, float* y) {
  const size_t runs = w.cols / Strips::From::kRun;
  // A strip of which only some rows are asked for.
  const auto multiply_part = [&](size_t begin, size_t end) {
    float part[kStripRows];
    const size_t first = begin / kStripRows * kStripRows;
    MultiplyStrips<Strips, 1>({w.Row(first)}, runs, x, {part});
    std::copy(part + (begin - first), part + (end - first), y + begin);
  };
  size_t r = row_begin;
  if (r % kStripRows != 0) {
    const size_t end = std::min(row_end, (r + kStripRows - 1) / kStripRows * kStripRows);
    multiply_part(r, end), r = end;
  }
  const size_t whole = r + (row_end - r) / kStripRows * kStripRows;
  size_t half = whole;
  if constexpr (kTogether == 2) {
    half = internal::Halfway(r, whole, kStripRows);
    for (size_t other = half; other < whole; r += kStripRows, other += kStripRows) {
      MultiplyStrips<Strips, 2>({w.Row(r), w.Row(other)}, runs, x, {y + r, y + other});
    }
  }
  for (; r < half; r += kStripRows) MultiplyStrips<Strips, 1>({w.Row(r)}, runs, x, {y + r});
  if (whole < row_end) multiply_part(whole, row_end);
}

void MultiplyStripsTarget(const WeightMatrix& w, size_t row_begin, size_t row_end, const RoundedInputs& x, float* y) {
  WithStrips(w.type, [&](auto strips) HWY_ATTR { MultiplyRowsOf<decltype(strips)>(w, row_begin, row_end, x, y); });
}

// One row of the runs of a group, as DecodeGroup of the file's rows.
template <class Strips>
void DecodeRuns(const uint8_t* group, size_t runs, size_t lane, internal::Group& out) {
  using Format = typename Strips::From;
  const ScaleTag d;
  out.run = Format::kRun, out.has_min = Format::kHasMin;
  std::fill_n(out.q, kGroup, int16_t{0}), std::fill_n(out.scale, 8, 0.0f), std::fill_n(out.min, 8, 0.0f);
  for (size_t r = 0; r < runs; ++r) {
    const uint8_t* const run = group + Strips::kGroupHead + r * kStripRunBytes<Strips>;
    ScaleVec scale[kScaleVectors], min[kScaleVectors];
    float lanes[kStripRows];
    Strips::Scales(group, run, scale, min);
    Unrolled<kScaleVectors>([&](auto v) LP_LAMBDA { hn::StoreU(scale[v], d, lanes + v * hn::MaxLanes(d)); });
    out.scale[r] = lanes[lane];
    if constexpr (Format::kHasMin) {
      Unrolled<kScaleVectors>([&](auto v) LP_LAMBDA { hn::StoreU(min[v], d, lanes + v * hn::MaxLanes(d)); });
      out.min[r] = lanes[lane];
    }
    for (size_t i = 0; i < 4; ++i) {
      const auto word = LoadBits<uint32_t>(run + Strips::kRunHead + 32 * i + 4 * lane);
      for (size_t k = 0; k < 8; ++k) out.q[r * kChunk + 8 * i + k] = static_cast<int16_t>(NumberIn(word, k) - Format::kOffset);
    }
  }
}

void DecodeStripTarget(const WeightMatrix& w, size_t row, size_t begin, internal::Group& out) {
  WithStrips(w.type, [&](auto strips) HWY_ATTR {
    using Strips = decltype(strips);
    const uint8_t* const group = w.Row(row / kStripRows * kStripRows) + StripBytes<Strips>(begin / kChunk);
    DecodeRuns<Strips>(group, std::min<size_t>(8, (w.cols - begin) / kChunk), row % kStripRows, out);
  });
}

// Row `lane` of the runs of a group at `group`.
template <class Strips>
void WriteRuns(const uint8_t* group, size_t runs, size_t lane, uint8_t* to) {
  using Format = typename Strips::From;
  const QuantTag d;
  Strips::WriteGroup(group, lane, to);
  Unrolled<8>([&](auto r) LP_LAMBDA {
    if (r >= runs) return;
    uint8_t* const run = to + Strips::kGroupHead + r * kStripRunBytes<Strips>;
    Strips::WriteRun(group, r, lane, run);
    QuantVec q[kQuantVectors];
    Format::template Quants<r>(d, group, q);
    int16_t numbers[kChunk];
    ForQuants([&](auto v) LP_LAMBDA { hn::StoreU(q[v], d, numbers + v * hn::MaxLanes(d)); });
    uint32_t pairs[kChunk / 2];
    std::memcpy(pairs, numbers, sizeof(pairs));
    for (size_t i = 0; i < 4; ++i) {
      const uint32_t word = pairs[4 * i] | pairs[4 * i + 1] << 4 | pairs[4 * i + 2] << 8 | pairs[4 * i + 3] << 12;
      std::memcpy(run + Strips::kRunHead + 32 * i + 4 * lane, &word, sizeof(word));
    }
  });
}

template <class Strips>
void CopyStrips(const WeightMatrix& w, size_t row_begin, size_t row_end, uint8_t* to) {
  using Format = typename Strips::From;
  const size_t strip_bytes = StripBytes<Strips>(w.cols / kChunk);
  for (size_t first = row_begin; first < row_end; first += kStripRows) {
    uint8_t* const strip = to + first / kStripRows * strip_bytes;
    const size_t rows = std::min(kStripRows, w.rows - first);
    if (rows < kStripRows) std::fill_n(strip, strip_bytes, uint8_t{0});
    for (size_t begin = 0; begin < w.cols; begin += kGroup) {
      for (size_t lane = 0; lane < rows; ++lane) {
        const uint8_t* const group = w.Row(first + lane) + begin / Format::kBlock * Format::kBlockBytes;
        WriteRuns<Strips>(group, std::min<size_t>(8, (w.cols - begin) / kChunk), lane, strip + StripBytes<Strips>(begin / kChunk));
      }
    }
  }
}

bool CopyStripsTarget(const WeightMatrix& w, size_t row_begin, size_t row_end, uint8_t* to) {
  return WithStrips(w.type, [&](auto strips) HWY_ATTR { CopyStrips<decltype(strips)>(w, row_begin, row_end, to); });
}

// Of a strip of `cols` numbers a row; 0 for a type that has none.
size_t StripBytesTarget(GgmlType type, size_t cols) {
  size_t bytes = 0;
  WithStrips(type, [&](auto strips) HWY_ATTR { bytes = StripBytes<decltype(strips)>(cols / kChunk); });
  return bytes;
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
HWY_EXPORT(MultiplyStripsTarget);
HWY_EXPORT(DecodeStripTarget);
HWY_EXPORT(CopyStripsTarget);
HWY_EXPORT(StripBytesTarget);

namespace internal {

void MultiplyStrips(const WeightMatrix& w, size_t row_begin, size_t row_end, const RoundedInputs& x, float* y) {
  HWY_DYNAMIC_DISPATCH(MultiplyStripsTarget)(w, row_begin, row_end, x, y);
}

void DecodeStrip(const WeightMatrix& w, size_t row, size_t begin, Group& out) {
  HWY_DYNAMIC_DISPATCH(DecodeStripTarget)(w, row, begin, out);
}

}  // namespace internal

WeightMatrix CopyAt(const WeightMatrix& w, const uint8_t* to) {
  LP_CHECK(!w.in_strips);
  WeightMatrix copy = w;
  copy.data = to;
  if (const size_t bytes = HWY_DYNAMIC_DISPATCH(StripBytesTarget)(w.type, w.cols); bytes > 0) {
    copy.in_strips = true, copy.row_bytes = bytes / kStripRows;
  }
  return copy;
}

size_t CopyBytes(const WeightMatrix& w) {
  const WeightMatrix copy = CopyAt(w, nullptr);
  return copy.in_strips ? (w.rows + kStripRows - 1) / kStripRows * kStripRows * copy.row_bytes : w.rows * w.row_bytes;
}

void CopyRows(const WeightMatrix& w, size_t row_begin, size_t row_end, uint8_t* to) {
  LP_DCHECK(!w.in_strips && row_begin % kStripRows == 0 && row_end <= w.rows && (row_end % kStripRows == 0 || row_end == w.rows));
  if (HWY_DYNAMIC_DISPATCH(CopyStripsTarget)(w, row_begin, row_end, to)) return;
  std::copy(w.Row(row_begin), w.Row(row_end), to + row_begin * w.row_bytes);
}

}  // namespace lp
#endif  // HWY_ONCE
