// The terms of SoftmaxSums. Compiled once per SIMD target.

#if defined(LP_DISTRIBUTION_SUMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LP_DISTRIBUTION_SUMS_INL_H_
#undef LP_DISTRIBUTION_SUMS_INL_H_
#else
#define LP_DISTRIBUTION_SUMS_INL_H_
#endif

#include "distribution/lanes-inl.h"
#include "distribution/sums.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t CountOf(Sums which) { return static_cast<size_t>(which) + 1; }

// Adds e, y e, y^2 e, e^2, as many as kSums says, of four vectors to acc[kFirst], acc[kFirst + 1], ...
template <class Lanes, size_t kFirst, size_t kSums, class Accumulators>
HWY_INLINE void AddTerms(Accumulators& acc, const RowVec* y, const RowVec* e) {
  Lanes::Accumulate(acc[kFirst], e);
  if constexpr (kSums > 1) Lanes::AccumulateProducts(acc[kFirst + 1], y, e);
  if constexpr (kSums > 3) Lanes::AccumulateProducts(acc[kFirst + 3], e, e);
  if constexpr (kSums > 2) {
    RowVec ye[4];
    Each<4>([&](auto v) LP_LAMBDA { ye[v] = hn::Mul(y[v], e[v]); });
    Lanes::AccumulateProducts(acc[kFirst + 2], y, ye);
  }
}
// What AddTerms of kSums added up, once it is reduced.
template <size_t kSums>
HWY_INLINE void StoreTerms(const float* sums, BlockSums& out) {
  out.sum_exp = sums[0];
  if constexpr (kSums > 1) out.sum_x_exp = sums[1];
  if constexpr (kSums > 2) out.sum_xx_exp = sums[2];
  if constexpr (kSums > 3) out.sum_exp2 = sums[3];
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
