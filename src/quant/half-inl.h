// Half-precision numbers to floats. Compiled once per SIMD target.

#if defined(LP_QUANT_HALF_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LP_QUANT_HALF_INL_H_
#undef LP_QUANT_HALF_INL_H_
#else
#define LP_QUANT_HALF_INL_H_
#endif

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// IEEE half -> float, exact. Highway's own where the processor has it; its emulation elsewhere takes infinity and NaN
// (exponent 31) for 65536 and up, which no finite half reaches, so those get their exponent here.
template <class D, class V16>
HWY_INLINE hn::Vec<D> FloatFromHalf(D d, V16 half) {
  const auto value = hn::PromoteTo(d, half);
  constexpr bool kHasConversion = HWY_TARGET <= HWY_AVX2;  // Highway numbers x86 targets below all others, best first
  if constexpr (kHasConversion) return value;
  const hn::RebindToUnsigned<D> du;
  const auto special = hn::BitCast(d, hn::Or(hn::BitCast(du, value), hn::Set(du, 0x7F800000u)));
  return hn::IfThenElse(hn::Ge(hn::Abs(value), hn::Set(d, 65536.0f)), special, value);
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
