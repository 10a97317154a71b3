// Plain numbers: decoding, and products with one vector.
#include <array>

#include "base/check.h"
#include "base/simd_targets.h"
#include "quant/kernels.h"
#include "quant/prefetch.h"

// Processors with SSSE3 but not SSE4 are from 2006 and run the scalar code: one target less to compile.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (LP_SCALABLE_TARGETS | HWY_SSSE3)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/floats.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/floats-inl.h"
#include "quant/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using internal::PrefetchAhead;

// The last `count` < 32 numbers of x, padded with zeros, which add nothing. A plain loop: g++ turns a short memcpy of
// unknown length into a string instruction that takes longer than a whole row.
HWY_INLINE void CopyTail(const float* HWY_RESTRICT x, size_t count, float* HWY_RESTRICT tail) {
  for (size_t i = 0; i < kLanes; ++i) tail[i] = i < count ? x[i] : 0.0f;
}

// The last `count` < 32 numbers of a row, padded with zeros.
template <class Format>
HWY_INLINE void DecodeTail(const uint8_t* chunk, size_t count, float* out) {
  const FloatTag d;
  alignas(64) uint8_t padded[Format::kChunkBytes] = {};
  for (size_t i = 0; i < count * (Format::kChunkBytes / kLanes); ++i) padded[i] = chunk[i];
  FloatVec w[kLaneVectors];
  Format::Decode(d, padded, w);
  ForChunk(d, [&](auto v) LP_LAMBDA { hn::StoreU(w[v], d, out + v * hn::MaxLanes(d)); });
}

// The lanes of a sum: of two vectors of a chunk that are so many apart, the first goes before the other.
static_assert(2 * kSumLanes == kLanes);
constexpr size_t kSumVectors = hn::MaxLanes(FloatTag()) <= kSumLanes ? kLaneVectors / 2 : 1;

// acc[kSumVectors] += w . x, lane by lane, for a chunk.
HWY_INLINE void AddProducts(const FloatVec* w, const FloatVec* x, FloatVec* acc) {
  Unrolled<kLaneVectors>([&](auto v) LP_LAMBDA { acc[v % kSumVectors] = hn::MulAdd(w[v], x[v], acc[v % kSumVectors]); });
}

HWY_INLINE void LoadChunk(const float* x, FloatVec* out) {
  Unrolled<kLaneVectors>([&](auto v) LP_LAMBDA { out[v] = hn::LoadU(FloatTag(), x + v * hn::MaxLanes(FloatTag())); });
}

// y[r] = rows[r] . x.
//   x_tail: [32] the numbers of x past the last whole chunk, padded with zeros
template <class Format, size_t kRows>
HWY_INLINE void DotRows(const std::array<const uint8_t*, kRows>& rows, const float* HWY_RESTRICT x, size_t cols,
                        const float* HWY_RESTRICT x_tail, const std::array<float*, kRows>& y) {
  constexpr size_t kBytes = Format::kChunkBytes;
  const FloatTag d;
  FloatVec acc[kRows * kSumVectors], xs[kLaneVectors], w[kLaneVectors];
  Unrolled<kRows * kSumVectors>([&](auto i) LP_LAMBDA { acc[i] = hn::Zero(d); });
  const size_t chunks = cols / kLanes;
  for (size_t c = 0; c < chunks; ++c) {
    LoadChunk(x + c * kLanes, xs);
    Unrolled<kRows>([&](auto r) LP_LAMBDA {
      const uint8_t* const chunk = rows[r] + c * kBytes;
      PrefetchAhead<kBytes, 1024>(chunk);
      Format::Decode(d, chunk, w);
      AddProducts(w, xs, acc + r * kSumVectors);
    });
  }
  Unrolled<kRows>([&](auto r) LP_LAMBDA {
    if (cols % kLanes != 0) {
      float w_tail[kLanes];
      DecodeTail<Format>(rows[r] + chunks * kBytes, cols % kLanes, w_tail);
      LoadChunk(w_tail, w), LoadChunk(x_tail, xs);
      AddProducts(w, xs, acc + r * kSumVectors);
    }
    *y[r] = SumHalves<kSumVectors>(d, acc + r * kSumVectors);
  });
}

template <class Format>
void DecodeFormat(const uint8_t* row, size_t begin, size_t end, float* HWY_RESTRICT out) {
  const FloatTag d;
  size_t i = begin;
  for (; i + kLanes <= end; i += kLanes, out += kLanes) {
    FloatVec w[kLaneVectors];
    Format::Decode(d, row + i / kLanes * Format::kChunkBytes, w);
    ForChunk(d, [&](auto v) LP_LAMBDA { hn::StoreU(w[v], d, out + v * hn::MaxLanes(d)); });
  }
  if (i < end) DecodeTail<Format>(row + i / kLanes * Format::kChunkBytes, end - i, out);
}

template <class Format>
void MultiplyFormat(const WeightMatrix& w, size_t row_begin, size_t row_end, const float* x, float* y) {
  const size_t whole = w.cols / kLanes * kLanes;
  float x_tail[kLanes];
  CopyTail(x + whole, w.cols - whole, x_tail);
  size_t r = row_begin, last = row_end;
  if constexpr (kSumVectors <= 4) {  // as many sums as registers hold
    last = internal::Halfway(row_begin, row_end);
    for (size_t other = last; other < row_end; ++r, ++other) {
      DotRows<Format, 2>({w.Row(r), w.Row(other)}, x, w.cols, x_tail, {y + r, y + other});
    }
  }
  for (; r < last; ++r) DotRows<Format, 1>({w.Row(r)}, x, w.cols, x_tail, {y + r});
}

// Calls body(Format()) for the struct of `type`.
template <class Body>
HWY_INLINE void WithFormat(GgmlType type, const Body& body) {
  switch (type) {
    case GgmlType::kF32:
      return body(F32());
    case GgmlType::kF16:
      return body(F16());
    case GgmlType::kBF16:
      return body(BF16());
    default:
      LP_CHECK(false);  // internal::IsPlain let no other in
  }
}

void DecodeFloatsTarget(GgmlType type, const uint8_t* row, size_t begin, size_t end, float* out) {
  WithFormat(type, [&](auto format) HWY_ATTR { DecodeFormat<decltype(format)>(row, begin, end, out); });
}

void MultiplyFloatsTarget(const WeightMatrix& w, size_t row_begin, size_t row_end, const float* x, float* y) {
  WithFormat(w.type, [&](auto format) HWY_ATTR { MultiplyFormat<decltype(format)>(w, row_begin, row_end, x, y); });
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
HWY_EXPORT(DecodeFloatsTarget);
HWY_EXPORT(MultiplyFloatsTarget);

namespace internal {

void DecodeFloats(GgmlType type, const uint8_t* row, size_t begin, size_t end, float* out) {
  LP_DCHECK(begin % 32 == 0);
  HWY_DYNAMIC_DISPATCH(DecodeFloatsTarget)(type, row, begin, end, out);
}

void MultiplyFloats(const WeightMatrix& w, size_t row_begin, size_t row_end, const float* x, float* y) {
  HWY_DYNAMIC_DISPATCH(MultiplyFloatsTarget)(w, row_begin, row_end, x, y);
}

}  // namespace internal
}  // namespace lp
#endif  // HWY_ONCE
