#include "distribution/exp.h"

#include <algorithm>

#include "base/simd_targets.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS LP_SCALABLE_TARGETS
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "distribution/exp.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// ExpNonPositiveDouble, operation by operation, on as many numbers as a vector holds; returns how many it did.
size_t ExpOfDoubles(double* HWY_RESTRICT x, size_t n) {
  const hn::CappedTag<double, 8> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const auto c = [&](double v) HWY_ATTR { return hn::Set(d, v); };
  const auto linear = [&](double a, double b, auto v) HWY_ATTR { return hn::Add(c(a), hn::Mul(v, c(b))); };
  size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    const auto y = hn::LoadU(d, x + i), biased = hn::Add(hn::Mul(y, c(1.4426950408889634)), c(kExpRound));
    const auto whole = hn::Sub(biased, c(kExpRound));
    const auto r = hn::Sub(hn::Sub(y, hn::Mul(whole, c(kLn2High))), hn::Mul(whole, c(kLn2Low)));
    const auto r2 = hn::Mul(r, r), r4 = hn::Mul(r2, r2);
    const auto p0 = hn::Add(c(1), r), p2 = linear(0.5, 1.0 / 6, r), p4 = linear(1.0 / 24, 1.0 / 120, r);
    const auto p6 = linear(1.0 / 720, 1.0 / 5040, r);
    const auto p8 = hn::Add(linear(1.0 / 40320, 1.0 / 362880, r), hn::Mul(r2, c(1.0 / 3628800)));
    const auto high = hn::Add(hn::Add(p4, hn::Mul(r2, p6)), hn::Mul(r4, p8));
    const auto p = hn::Add(hn::Add(p0, hn::Mul(r2, p2)), hn::Mul(r4, high));
    // The low bits of `biased` are the exponent.
    const auto power = hn::Add(hn::ShiftLeft<52>(hn::BitCast(du, biased)), hn::Set(du, uint64_t{1023} << 52));
    const auto e = hn::Mul(p, hn::BitCast(d, power));
    hn::StoreU(hn::IfThenElseZero(hn::Gt(y, c(kExpLowest)), e), d, x + i);
  }
  return i;
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
HWY_EXPORT(ExpOfDoubles);

void ExpNonPositiveDoubles(std::span<double> x) {
  const size_t done = HWY_DYNAMIC_DISPATCH(ExpOfDoubles)(x.data(), x.size());
  for (double& v : x.subspan(done)) v = ExpNonPositiveDouble(v);
}

}  // namespace lp
#endif  // HWY_ONCE
