// 32 numbers at a time, as vectors of whatever width the target has: 2 of 16, 4 of 8, 8 of 4, or 32 scalars; and sums whose lanes
// are added in halves, in the same order on every target. Compiled once per SIMD target.

#if defined(LP_QUANT_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LP_QUANT_LANES_INL_H_
#undef LP_QUANT_LANES_INL_H_
#else
#define LP_QUANT_LANES_INL_H_
#endif

#include <cstddef>
#include <cstring>
#include <type_traits>
#include <utility>

#include "hwy/highway.h"

// A lambda inside Highway code: compiled for the target, and always inlined, so that arrays of vectors become
// registers.
#undef LP_LAMBDA
#define LP_LAMBDA HWY_ATTR __attribute__((always_inline))

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kLanes = 32;
using FloatTag = hn::CappedTag<float, kLanes>;
using FloatVec = hn::Vec<FloatTag>;
template <class D>
constexpr size_t kVectors = kLanes / hn::MaxLanes(D());
constexpr size_t kLaneVectors = kVectors<FloatTag>;
constexpr size_t kSumLanes = 16;  // of a product of plain numbers (quant/matrix.h)

// body(0), ..., body(kN - 1) with constants, not a loop: g++ -O2 unrolls no loop, and an array of vectors that a
// variable indexes lives in memory. The scalar target's 32 go in a loop: they fit no registers, and took minutes to
// compile with sanitizers.
template <class Body, size_t... kI>
HWY_INLINE void UnrolledImpl(const Body& body, std::index_sequence<kI...>) {
  (body(std::integral_constant<size_t, kI>()), ...);
}
template <size_t kN, class Body>
HWY_INLINE void Unrolled(const Body& body) {
  if constexpr (kN <= 24) {
    UnrolledImpl(body, std::make_index_sequence<kN>());
  } else {
    for (size_t i = 0; i < kN; ++i) body(i);
  }
}

// The sum of all lanes of kN vectors, in halves.
template <size_t kN, class D>
HWY_INLINE float SumHalves(D d, hn::Vec<D>* acc) {
  if constexpr (kN == 1) {
    return hn::GetLane(hn::SumOfLanes(d, acc[0]));
  } else {
    Unrolled<kN / 2>([&](auto v) LP_LAMBDA { acc[v] = hn::Add(acc[v], acc[v + kN / 2]); });
    return SumHalves<kN / 2>(d, acc);
  }
}
HWY_INLINE float SumHalves(FloatVec* acc) { return SumHalves<kLaneVectors>(FloatTag(), acc); }

// a . b over n floats, any n and alignment, in the order of quant/matrix.h but with kCount lanes.
template <size_t kCount = kLanes>
HWY_INLINE float Dot(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, size_t n) {
  const hn::CappedTag<float, kCount> d;
  constexpr size_t kN = kCount / hn::MaxLanes(d);
  hn::Vec<decltype(d)> acc[kN];
  Unrolled<kN>([&](auto v) LP_LAMBDA { acc[v] = hn::Zero(d); });
  size_t i = 0;
  for (; i + kCount <= n; i += kCount) {
    Unrolled<kN>([&](auto v) LP_LAMBDA {
      const size_t at = i + v * hn::MaxLanes(d);
      acc[v] = hn::MulAdd(hn::LoadU(d, a + at), hn::LoadU(d, b + at), acc[v]);
    });
  }
  if (i < n) {  // zeros add nothing
    float a_tail[kCount] = {}, b_tail[kCount] = {};
    for (size_t t = 0; i + t < n; ++t) a_tail[t] = a[i + t], b_tail[t] = b[i + t];
    Unrolled<kN>([&](auto v) LP_LAMBDA {
      const size_t at = v * hn::MaxLanes(d);
      acc[v] = hn::MulAdd(hn::LoadU(d, a_tail + at), hn::LoadU(d, b_tail + at), acc[v]);
    });
  }
  return SumHalves<kN>(d, acc);
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
