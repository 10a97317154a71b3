// Loops that are unrolled whatever the compiler's options say. Compiled once per SIMD target.

#if defined(LP_DISTRIBUTION_UNROLL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LP_DISTRIBUTION_UNROLL_INL_H_
#undef LP_DISTRIBUTION_UNROLL_INL_H_
#else
#define LP_DISTRIBUTION_UNROLL_INL_H_
#endif

#include <cstddef>
#include <type_traits>
#include <utility>

#include "hwy/highway.h"

// A lambda inside Highway code: compiled for the target, and always inlined.
#undef LP_LAMBDA
#define LP_LAMBDA HWY_ATTR __attribute__((always_inline))

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {

// body(0), ..., body(kN - 1) with constants: g++ -O2 unrolls no loop, and an array of vectors that a variable indexes
// lives in memory.
template <class Body, size_t... kI>
HWY_INLINE void EachImpl(const Body& body, std::index_sequence<kI...>) {
  (body(std::integral_constant<size_t, kI>()), ...);
}
template <size_t kN, class Body>
HWY_INLINE void Each(const Body& body) {
  EachImpl(body, std::make_index_sequence<kN>());
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
