// Fused multiply-add with the same bits on every SIMD target. Compiled once per SIMD target.

#if defined(LP_DISTRIBUTION_FUSED_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LP_DISTRIBUTION_FUSED_INL_H_
#undef LP_DISTRIBUTION_FUSED_INL_H_
#else
#define LP_DISTRIBUTION_FUSED_INL_H_
#endif

#include "distribution/fused.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// a b + c, rounded once. Every x86 processor since 2013 does it in one instruction, every ARMv8, too.
template <class V>
HWY_INLINE V Fused(V a, V b, V c) {
#if HWY_NATIVE_FMA
  return hn::MulAdd(a, b, c);
#else
  const hn::DFromV<V> d;
  constexpr size_t kLanes = hn::MaxLanes(d);
  HWY_ALIGN float as[kLanes], bs[kLanes], cs[kLanes];
  hn::Store(a, d, as);
  hn::Store(b, d, bs);
  hn::Store(c, d, cs);
  for (size_t i = 0; i < kLanes; ++i) cs[i] = FusedMulAdd(as[i], bs[i], cs[i]);
  return hn::Load(d, cs);
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
