#include "bench/exp_sum.h"

#include "base/simd_targets.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS LP_SCALABLE_TARGETS
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/exp_sum.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "distribution/exp-inl.h"
#include "distribution/lanes-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

double ExpSumTarget(const float* HWY_RESTRICT x, size_t n, float max) {
  const RowTag d;
  const auto m = hn::Set(d, max);
  double sum = 0;
  for (size_t b = 0; b + kBlock <= n; b += kBlock) {
    LaneSums<1> lanes;
    lanes.AddFour([&](const auto& at, auto& acc) LP_LAMBDA {
      RowVec y[4], e[4];
      Each<4>([&](auto v) LP_LAMBDA { y[v] = hn::Sub(hn::LoadU(d, x + b + at(v)), m); });
      ExpFlush<4>(d, y, e);
      LaneSums<1>::Accumulate(acc[0], e);
    });
    float s;
    lanes.Reduce(&s);
    sum += static_cast<double>(s);
  }
  return sum;
}

float ReadPassTarget(const float* HWY_RESTRICT x, size_t n) {
  const RowTag d;
  auto a = hn::LoadU(d, x), b = a, c = a, e = a;
  for (size_t i = 0; i + 4 * kPart <= n; i += 4 * kPart) {
    a = hn::Max(a, hn::LoadU(d, x + i));
    b = hn::Max(b, hn::LoadU(d, x + i + kPart));
    c = hn::Max(c, hn::LoadU(d, x + i + 2 * kPart));
    e = hn::Max(e, hn::LoadU(d, x + i + 3 * kPart));
  }
  return hn::GetLane(hn::MaxOfLanes(d, hn::Max(hn::Max(a, b), hn::Max(c, e))));
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
HWY_EXPORT(ExpSumTarget);
HWY_EXPORT(ReadPassTarget);

double bench::ExpSum(std::span<const float> x, float max) {
  return HWY_DYNAMIC_DISPATCH(ExpSumTarget)(x.data(), x.size(), max);
}
float bench::ReadPass(std::span<const float> x) { return HWY_DYNAMIC_DISPATCH(ReadPassTarget)(x.data(), x.size()); }

}  // namespace lp
#endif  // HWY_ONCE
