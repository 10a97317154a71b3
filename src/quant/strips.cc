// Strips: making them, products with one vector, and decoding. The layout is in strips-inl.h.
#include <algorithm>
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

// Adds up to the kScaleVectors vectors of `total` what eight rows' quants of a run add to its integer: sum(q x).
//   quants: [kRunQuants]   x: [32]
HWY_INLINE void AddProducts(const uint8_t* HWY_RESTRICT quants, const int16_t* HWY_RESTRICT x, SumVec* total) {
#if HWY_TARGET == HWY_SCALAR  // which knows no pairs
  for (size_t row = 0; row < kStripRows; ++row) {
    int32_t sum = 0;
    for (size_t i = 0; i < 4; ++i) {
      const auto word = LoadBits<uint32_t>(quants + 32 * i + 4 * row);
      for (size_t k = 0; k < 8; ++k) sum += static_cast<int32_t>(word >> (k / 2 * 4 + k % 2 * 16) & 15) * x[8 * i + k];
    }
    total[row] = hn::Add(total[row], hn::Set(SumTag(), sum));
  }
#else
  const SumTag d;
  Unrolled<4>([&](auto i) LP_LAMBDA {
    SumVec words[kScaleVectors];
    Unrolled<kScaleVectors>([&](auto v) LP_LAMBDA {
      words[v] = hn::LoadU(d, reinterpret_cast<const int32_t*>(quants + 32 * i) + v * hn::MaxLanes(d));
    });
    Unrolled<4>([&](auto j) LP_LAMBDA {
      int32_t pair;
      std::memcpy(&pair, x + 8 * i + 2 * j, sizeof(pair));
      const auto inputs = hn::BitCast(QuantTag(), hn::Set(d, pair));
      Unrolled<kScaleVectors>([&](auto v) LP_LAMBDA { total[v] = hn::Add(total[v], MultiplyPairs(d, PairOf<j>(d, words[v]), inputs)); });
    });
  });
#endif
}

// acc [8] += one run of eight rows; k is its number in the row.
template <class Strips>
HWY_INLINE void AddRun(const uint8_t* HWY_RESTRICT group, const uint8_t* HWY_RESTRICT run, const RoundedInputs& x, size_t k,
                       float* HWY_RESTRICT acc) {
  using Format = typename Strips::From;
  const ScaleTag d;
  SumVec total[kScaleVectors];
  Unrolled<kScaleVectors>([&](auto v) LP_LAMBDA { total[v] = hn::Set(SumTag(), -Format::kOffset * x.sum[k]); });
  AddProducts(run + Strips::kRunHead, x.q + k * Format::kRun, total);
  ScaleVec scale[kScaleVectors], min[kScaleVectors];
  Strips::Scales(group, run, scale, min);
  Unrolled<kScaleVectors>([&](auto v) LP_LAMBDA {
    float* const at = acc + v * hn::MaxLanes(d);
    auto sum = hn::Add(hn::Load(d, at), hn::Mul(hn::ConvertTo(d, total[v]), hn::Mul(scale[v], hn::Set(d, x.unit[k]))));
    if constexpr (Format::kHasMin) sum = hn::Sub(sum, hn::Mul(min[v], hn::Set(d, x.scaled_sum[k])));
    hn::Store(sum, d, at);
  });
}

// y[0..8) = the rows of a strip . x.
template <class Strips>
HWY_INLINE void MultiplyStrip(const uint8_t* HWY_RESTRICT strip, size_t runs, const RoundedInputs& x, float* HWY_RESTRICT y) {
  // What quant/matrix.h calls a lane, r mod 8, is a vector of eight rows here. In memory: in registers they would push out the integers.
  alignas(64) float acc[8 * kStripRows] = {};
  const uint8_t* group = strip;
  for (size_t k = 0; k < runs; ++k, strip += kStripRunBytes<Strips>) {
    if (k % 8 == 0) group = strip, strip += Strips::kGroupHead;
    PrefetchAhead<128, 2048>(strip);
    AddRun<Strips>(group, strip, x, k, acc + k % 8 * kStripRows);
  }
  const ScaleTag d;
  for (size_t half = 4; half > 0; half /= 2) {
    for (size_t i = 0; i < half * kStripRows; i += hn::MaxLanes(d)) {
      hn::Store(hn::Add(hn::Load(d, acc + i), hn::Load(d, acc + half * kStripRows + i)), d, acc + i);
    }
  }
  std::copy_n(acc, kStripRows, y);
}

// One strip after another: these products are bound by their instructions, not by where memory is read.
template <class Strips>
void MultiplyRowsOf(const WeightMatrix& w, size_t row_begin, size_t row_end, const RoundedInputs& x, float* y) {
  const size_t runs = w.cols / Strips::From::kRun;
  for (size_t first = row_begin / kStripRows * kStripRows; first < row_end; first += kStripRows) {
    const uint8_t* const strip = w.Row(first);
    if (first >= row_begin && first + kStripRows <= row_end) {
      MultiplyStrip<Strips>(strip, runs, x, y + first);
      continue;
    }
    float part[kStripRows];
    MultiplyStrip<Strips>(strip, runs, x, part);
    const size_t from = std::max(first, row_begin), to = std::min(first + kStripRows, row_end);
    std::copy(part + (from - first), part + (to - first), y + from);
  }
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
      for (size_t k = 0; k < 8; ++k) {
        out.q[r * kChunk + 8 * i + k] = static_cast<int16_t>(static_cast<int>(word >> (k / 2 * 4 + k % 2 * 16) & 15) - Format::kOffset);
      }
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
