// Rows side by side to columns, four at a time. Compiled once per SIMD target.

#if defined(LP_QUANT_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LP_QUANT_TRANSPOSE_INL_H_
#undef LP_QUANT_TRANSPOSE_INL_H_
#else
#define LP_QUANT_TRANSPOSE_INL_H_
#endif

#include <array>
#include <cstddef>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR  // which has no operations between lanes
template <class D>
HWY_INLINE void TransposeFour(D, const float* HWY_RESTRICT in, size_t, const std::array<float*, 4>& out) {
  for (size_t i = 0; i < 4; ++i) *out[i] = in[i];
}
#else
// 4 numbers each of rows first, first + stride, ...: one row to a block of 4 lanes.
template <class D>
HWY_INLINE hn::Vec<D> LoadBlocks(D d, const float* first, size_t stride) {
  if constexpr (hn::MaxLanes(d) == 4) {
    return hn::LoadU(d, first);
  } else {
    const hn::Half<D> dh;
    const float* upper = first + hn::MaxLanes(dh) / 4 * stride;
    return hn::Combine(d, LoadBlocks(dh, upper, stride), LoadBlocks(dh, first, stride));
  }
}

// out[i][r] = in[r * stride + i] for i < 4, r < Lanes(d). Floats, or any 32 bits seen as floats: nothing is computed.
template <class D>
HWY_INLINE void TransposeFour(D d, const float* HWY_RESTRICT in, size_t stride, const std::array<float*, 4>& out) {
  const hn::Repartition<double, D> d64;
  const auto a = LoadBlocks(d, in, 4 * stride), b = LoadBlocks(d, in + stride, 4 * stride);
  const auto c = LoadBlocks(d, in + 2 * stride, 4 * stride), e = LoadBlocks(d, in + 3 * stride, 4 * stride);
  const auto ab01 = hn::BitCast(d64, hn::InterleaveLower(d, a, b)), ab23 = hn::BitCast(d64, hn::InterleaveUpper(d, a, b));
  const auto ce01 = hn::BitCast(d64, hn::InterleaveLower(d, c, e)), ce23 = hn::BitCast(d64, hn::InterleaveUpper(d, c, e));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d64, ab01, ce01)), d, out[0]);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d64, ab01, ce01)), d, out[1]);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d64, ab23, ce23)), d, out[2]);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d64, ab23, ce23)), d, out[3]);
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
