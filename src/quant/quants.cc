// Block types: decoding a group of 256 numbers, and products with one vector.
#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "base/simd_targets.h"
#include "quant/kernels.h"
#include "quant/prefetch.h"

// Processors with SSSE3 but not SSE4 are from 2006 and run the scalar code: one target less to compile.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (LP_SCALABLE_TARGETS | HWY_SSSE3)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/quants.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/quants256-inl.h"
#include "quant/quants32-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using internal::PrefetchAhead;
using internal::RoundedInputs;

// The sums of the lanes of each of eight vectors, as kScaleVectors vectors.
HWY_INLINE void SumEight(const SumVec* HWY_RESTRICT in, SumVec* HWY_RESTRICT out) {
#if HWY_TARGET == HWY_SCALAR
  for (size_t i = 0; i < 8; ++i) out[i] = in[i];
#else
  const SumTag d;
  // Four vectors: pairs by halves of 4 lanes, twice; each block of 4 lanes then has its part of the four sums.
  const auto four = [&](const SumVec* v) LP_LAMBDA {
    const hn::RepartitionToWide<SumTag> d64;
    const auto ab = hn::Add(hn::InterleaveLower(d, v[0], v[1]), hn::InterleaveUpper(d, v[0], v[1]));
    const auto ce = hn::Add(hn::InterleaveLower(d, v[2], v[3]), hn::InterleaveUpper(d, v[2], v[3]));
    const auto ab64 = hn::BitCast(d64, ab), ce64 = hn::BitCast(d64, ce);
    return hn::Add(hn::BitCast(d, hn::InterleaveLower(d64, ab64, ce64)), hn::BitCast(d, hn::InterleaveUpper(d64, ab64, ce64)));
  };
  const auto low = four(in), high = four(in + 4);
  if constexpr (hn::MaxLanes(d) == 8) {
    out[0] = hn::Add(hn::ConcatLowerLower(d, high, low), hn::ConcatUpperUpper(d, high, low));
  } else {
    out[0] = low, out[1] = high;
  }
#endif
}

// What eight runs add to their lanes: scale unit sum(q x), and what they take off: min unit sum(x). Sums are exact integers: below
// 2^15 2^8 2^5.
template <class Format>
HWY_INLINE ScaleVec Added(SumVec sums, const float* scale, const float* unit, const int32_t* sum) {
  const ScaleTag d;
  const SumTag di;
  if constexpr (Format::kOffset > 0) sums = hn::Sub(sums, hn::Mul(hn::Set(di, Format::kOffset), hn::Load(di, sum)));
  return hn::Mul(hn::ConvertTo(d, sums), hn::Mul(hn::Load(d, scale), hn::Load(d, unit)));
}
HWY_INLINE ScaleVec TakenOff(const float* min, const float* scaled_sum) {
  const ScaleTag d;
  return hn::Mul(hn::Load(d, min), hn::Load(d, scaled_sum));
}

// Both, lane by lane, for the runs [8 kEight, 8 kEight + 8) of a group.
template <class Format, size_t kEight>
HWY_INLINE void AddRuns(const SumVec* sums, const RunScales& scales, const float* unit, const int32_t* sum, const float* scaled_sum,
                        ScaleVec* acc) {
  Unrolled<kScaleVectors>([&](auto v) LP_LAMBDA {
    const size_t at = 8 * kEight + v * hn::MaxLanes(ScaleTag());
    acc[v] = hn::Add(acc[v], Added<Format>(sums[v], scales.scale + at, unit + at, sum + at));
    if constexpr (Format::kHasMin) acc[v] = hn::Sub(acc[v], TakenOff(scales.min + at, scaled_sum + at));
  });
}

// Adds what the quants [kChunk kAt, ...) of a group add to its runs, the first of which is runs[0].
template <class Format, size_t kAt>
HWY_INLINE void MultiplyChunk(const uint8_t* HWY_RESTRICT group, const int16_t* HWY_RESTRICT q, SumVec* runs) {
  const QuantTag d;
  QuantVec w[kQuantVectors];
  Format::template Quants<kAt>(d, group, w);
  ForQuants([&](auto v) LP_LAMBDA {
    const size_t first = v * hn::MaxLanes(d), run = first / Format::kRun;
    runs[run] = hn::Add(runs[run], MultiplyPairs(SumTag(), w[v], hn::Load(d, q + first)));
  });
}

// acc += group . x.
template <class Format>
HWY_INLINE void AddGroup(const uint8_t* HWY_RESTRICT group, const RoundedInputs& x, size_t g, ScaleVec* acc) {
  constexpr size_t kRuns = kGroupRuns<Format>;
  RunScales scales;
  Format::Scales(group, scales);
  Unrolled<kRuns / 8>([&](auto eight) LP_LAMBDA {
    SumVec runs[8];
    Unrolled<8>([&](auto i) LP_LAMBDA { runs[i] = hn::Zero(SumTag()); });
    constexpr size_t kChunks = 8 * Format::kRun / kChunk;  // of eight runs
    Unrolled<kChunks>([&](auto c) LP_LAMBDA {
      constexpr size_t kAt = eight * kChunks + c;
      MultiplyChunk<Format, kAt>(group, x.q + g * kGroup + kAt * kChunk, runs + c * (kChunk / Format::kRun));
    });
    SumVec sums[kScaleVectors];
    SumEight(runs, sums);
    AddRuns<Format, eight>(sums, scales, x.unit + g * kRuns, x.sum + g * kRuns, x.scaled_sum + g * kRuns, acc);
  });
}

// The blocks of 32 past the last whole group, followed by zeros.
template <class Format>
struct LastBlocks {
  alignas(64) uint8_t bytes[kGroupBytes<Format>] = {};

  HWY_INLINE void Load(const uint8_t* from, size_t count) {
    for (size_t i = 0; i < count; ++i) std::memcpy(bytes + i * Format::kBlockBytes, from + i * Format::kBlockBytes, Format::kBlockBytes);
  }
};

// acc += the `count` < 8 blocks of 32 past the last whole group.
template <class Format>
HWY_INLINE void AddLastBlocks(const uint8_t* blocks, size_t count, const RoundedInputs& x, size_t g, LastBlocks<Format>& last,
                              ScaleVec* acc) {
  last.Load(blocks, count);
  AddGroup<Format>(last.bytes, x, g, acc);
}

// The first kCount of eight lanes, at any address, and zeros. What follows them is read, too.
template <size_t kCount>
HWY_INLINE void LoadFirst(const float* lanes, ScaleVec* out) {
  const ScaleTag d;
  Unrolled<kScaleVectors>([&](auto v) LP_LAMBDA {
    constexpr size_t kFirst = v * hn::MaxLanes(d);
    if constexpr (kFirst + hn::MaxLanes(d) <= kCount) {
      out[v] = hn::LoadU(d, lanes + kFirst);
    } else if constexpr (kFirst < kCount) {
      out[v] = hn::IfThenElseZero(hn::FirstN(d, kCount - kFirst), hn::LoadU(d, lanes + kFirst));
    } else {
      out[v] = hn::Zero(d);
    }
  });
}

// One row, or two that are read in turns (quant/prefetch.h). Loops over them are loops, not unrolled: a group is long, and a copy of its
// code for each row would make this file three times as slow to compile.
using Rows = std::array<const uint8_t*, 2>;

// acc[n][8] = whole groups of n rows . x.
template <class Format>
HWY_INLINE void MultiplyGroups(const Rows& rows, size_t n, size_t groups, const RoundedInputs& x, ScaleVec (*acc)[kScaleVectors]) {
  for (size_t r = 0; r < n; ++r) {
    for (size_t v = 0; v < kScaleVectors; ++v) acc[r][v] = hn::Zero(ScaleTag());
  }
  for (size_t g = 0; g < groups; ++g) {
    for (size_t r = 0; r < n; ++r) {
      const uint8_t* const group = rows[r] + g * kGroupBytes<Format>;
      PrefetchAhead<kGroupBytes<Format>, 2048>(group);
      AddGroup<Format>(group, x, g, acc[r]);
    }
  }
}

// Rows that have kCount blocks of 32 past their last whole group, as many at a time as fill a group with those: what eight runs cost is
// then paid once, not for each row (576 numbers in SmolLM2-135M, 896 in Qwen2.5-0.5B). Returns the first row that is left.
template <class Format, size_t kCount>
size_t MultiplyRows(const WeightMatrix& w, size_t row_begin, size_t row_end, const RoundedInputs& x, float* y) {
  constexpr size_t kRows = 8 / kCount;
  const ScaleTag d;
  const size_t groups = w.cols / kGroup, first = groups * 8;  // run
  alignas(64) float unit[8], scaled_sum[8];
  alignas(64) int32_t sum[8];
  for (size_t i = 0; i < 8; ++i) {
    const size_t run = first + i % kCount;
    unit[i] = x.unit[run], sum[i] = x.sum[run], scaled_sum[i] = x.scaled_sum[run];
  }
  // What whole groups came to, row by row.
  using Sums = float[kRows * 8];
  // The last blocks of rows r, ..., r + kRows - 1.
  const auto finish = [&](size_t r, const Sums& so_far) LP_LAMBDA {
    const auto block = [&](size_t i) { return w.Row(r + i / kCount) + groups * kGroupBytes<Format> + i % kCount * Format::kBlockBytes; };
    RunScales scales;
    Format::ScalesOf(block, scales);
    SumVec runs[8], sums[kScaleVectors];
    Unrolled<8>([&](auto i) LP_LAMBDA {
      runs[i] = hn::Zero(SumTag());
      MultiplyChunk<Format, 0>(block(i), x.q + groups * kGroup + i % kCount * kChunk, runs + i);
    });
    SumEight(runs, sums);
    alignas(64) float added[16] = {}, taken_off[16] = {};
    Unrolled<kScaleVectors>([&](auto v) LP_LAMBDA {
      const size_t at = v * hn::MaxLanes(d);
      hn::Store(Added<Format>(sums[v], scales.scale + at, unit + at, sum + at), d, added + at);
      if constexpr (Format::kHasMin) hn::Store(TakenOff(scales.min + at, scaled_sum + at), d, taken_off + at);
    });
    for (size_t i = 0; i < kRows; ++i) {
      ScaleVec acc[kScaleVectors], part[kScaleVectors];
      LoadFirst<kCount>(added + i * kCount, part);
      Unrolled<kScaleVectors>([&](auto v) LP_LAMBDA { acc[v] = hn::Add(hn::Load(d, so_far + i * 8 + v * hn::MaxLanes(d)), part[v]); });
      if constexpr (Format::kHasMin) {
        LoadFirst<kCount>(taken_off + i * kCount, part);
        Unrolled<kScaleVectors>([&](auto v) LP_LAMBDA { acc[v] = hn::Sub(acc[v], part[v]); });
      }
      y[r + i] = SumHalves<kScaleVectors>(d, acc);
    }
  };
  const size_t end = row_begin + (row_end - row_begin) / kRows * kRows, half = internal::Halfway(row_begin, end, kRows);
  alignas(64) Sums so_far[2];
  for (size_t r = row_begin, other = half; r < half; r += kRows, other += kRows) {
    const size_t n = other < end ? 2 : 1;
    for (size_t i = 0; i < kRows; ++i) {
      ScaleVec acc[2][kScaleVectors];
      MultiplyGroups<Format>({w.Row(r + i), w.Row(n == 2 ? other + i : r + i)}, n, groups, x, acc);
      for (size_t k = 0; k < n; ++k) {
        Unrolled<kScaleVectors>([&](auto v) LP_LAMBDA { hn::Store(acc[k][v], d, so_far[k] + i * 8 + v * hn::MaxLanes(d)); });
      }
    }
    for (size_t k = 0; k < n; ++k) finish(k == 0 ? r : other, so_far[k]);
  }
  return end;
}

template <class Format>
void MultiplyFormat(const WeightMatrix& w, size_t row_begin, size_t row_end, const RoundedInputs& x, float* y) {
  LP_DCHECK(x.run == Format::kRun);
  const size_t groups = w.cols / kGroup, last = w.cols % kGroup / Format::kBlock;
  [[maybe_unused]] LastBlocks<Format> last_blocks;
  size_t begin = row_begin;
  if constexpr (Format::kBlock == 32) {
    if (last == 2) begin = MultiplyRows<Format, 2>(w, row_begin, row_end, x, y);
    if (last == 4) begin = MultiplyRows<Format, 4>(w, row_begin, row_end, x, y);
  }
  const size_t half = internal::Halfway(begin, row_end);
  for (size_t r = begin, other = half; r < half; ++r, ++other) {
    const size_t n = other < row_end ? 2 : 1;
    const Rows rows = {w.Row(r), w.Row(n == 2 ? other : r)};
    ScaleVec acc[2][kScaleVectors];
    MultiplyGroups<Format>(rows, n, groups, x, acc);
    for (size_t k = 0; k < n; ++k) {
      if constexpr (Format::kBlock == 32) {
        if (last > 0) AddLastBlocks<Format>(rows[k] + groups * kGroupBytes<Format>, last, x, groups, last_blocks, acc[k]);
      }
      y[k == 0 ? r : other] = SumHalves<kScaleVectors>(ScaleTag(), acc[k]);
    }
  }
}

template <class Format>
void DecodeFormat(const uint8_t* group, int16_t* HWY_RESTRICT q, RunScales& scales) {
  const QuantTag d;
  Format::Scales(group, scales);
  Unrolled<kGroupChunks>([&](auto c) LP_LAMBDA {
    QuantVec w[kQuantVectors];
    Format::template Quants<c>(d, group, w);
    ForQuants([&](auto v) LP_LAMBDA {
      hn::StoreU(hn::Sub(w[v], hn::Set(d, Format::kOffset)), d, q + c * kChunk + v * hn::MaxLanes(d));
    });
  });
}

// Calls body(Format()) for the struct of `type`; adding a type is adding it here and to kWeightTypes in matrix.cc.
template <class Body>
HWY_INLINE void WithFormat(GgmlType type, const Body& body) {
  switch (type) {
#define LP_FORMAT(Name) \
  case GgmlType::k##Name: \
    return body(Name())
    LP_FORMAT(Q8_0);
    LP_FORMAT(Q4_0);
    LP_FORMAT(Q4_1);
    LP_FORMAT(Q5_0);
    LP_FORMAT(Q5_1);
    LP_FORMAT(IQ4_NL);
    LP_FORMAT(Q2_K);
    LP_FORMAT(Q3_K);
    LP_FORMAT(Q4_K);
    LP_FORMAT(Q5_K);
    LP_FORMAT(Q6_K);
    LP_FORMAT(IQ4_XS);
#undef LP_FORMAT
    default:
      LP_CHECK(false);  // MakeWeightMatrix let no other in
  }
}

void DecodeGroupTarget(const WeightMatrix& w, size_t row, size_t begin, internal::Group& out) {
  WithFormat(w.type, [&](auto format) HWY_ATTR {
    using Format = decltype(format);
    const uint8_t* group = w.Row(row) + begin / Format::kBlock * Format::kBlockBytes;
    out.run = Format::kRun, out.has_min = Format::kHasMin;
    if constexpr (Format::kBlock == 32) {
      if (w.cols - begin < kGroup) {
        LastBlocks<Format> last;
        last.Load(group, (w.cols - begin) / Format::kBlock);
        return DecodeFormat<Format>(last.bytes, out.q, out);
      }
    }
    DecodeFormat<Format>(group, out.q, out);
  });
}

void MultiplyQuantsTarget(const WeightMatrix& w, size_t row_begin, size_t row_end, const RoundedInputs& x, float* y) {
  WithFormat(w.type, [&](auto format) HWY_ATTR { MultiplyFormat<decltype(format)>(w, row_begin, row_end, x, y); });
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
HWY_EXPORT(DecodeGroupTarget);
HWY_EXPORT(MultiplyQuantsTarget);

namespace internal {

void DecodeGroup(const WeightMatrix& w, size_t row, size_t begin, Group& out) {
  LP_DCHECK(begin % 256 == 0 && begin < w.cols);
  if (w.in_strips) return DecodeStrip(w, row, begin, out);
  HWY_DYNAMIC_DISPATCH(DecodeGroupTarget)(w, row, begin, out);
}

void MultiplyQuants(const WeightMatrix& w, size_t row_begin, size_t row_end, const RoundedInputs& x, float* y) {
  if (w.in_strips) return MultiplyStrips(w, row_begin, row_end, x, y);
  HWY_DYNAMIC_DISPATCH(MultiplyQuantsTarget)(w, row_begin, row_end, x, y);
}

}  // namespace internal
}  // namespace lp
#endif  // HWY_ONCE
