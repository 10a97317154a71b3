#include "distribution/mass_pass.h"

#include <algorithm>

#include "base/simd_targets.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS LP_SCALABLE_TARGETS
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "distribution/mass_pass.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "distribution/exp-inl.h"
#include "distribution/lanes-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using RowMask = hn::Mask<RowTag>;

HWY_INLINE RowMask InInterval(RowVec v, Interval interval) {
  const RowTag d;
  return hn::And(hn::Ge(v, hn::Set(d, interval.low)), hn::Le(v, hn::Set(d, interval.high)));
}

// Of four vectors at once.
template <bool kEntropy>
HWY_INLINE void WeightsOfFour(const RowVec* x, RowVec max, RowVec log_sum, RowVec* w) {
  const RowTag d;
  RowVec y[4];
  Each<4>([&](auto v) LP_LAMBDA { y[v] = hn::Sub(x[v], max); });
  ExpFlush<4>(d, y, w);
  if constexpr (kEntropy) Each<4>([&](auto v) LP_LAMBDA { w[v] = hn::Mul(w[v], hn::Sub(log_sum, y[v])); });
}

template <bool kEntropy>
HWY_INLINE void WeightsImpl(const float* HWY_RESTRICT x, size_t n, float max, float log_sum, float* HWY_RESTRICT w) {
  const RowTag d;
  const auto m = hn::Set(d, max), l = hn::Set(d, log_sum);
  for (size_t i = 0; i < n; i += 4 * kPart) {
    RowVec in[4], out[4];
    Each<4>([&](auto v) LP_LAMBDA { in[v] = hn::LoadU(d, x + i + v * kPart); });
    WeightsOfFour<kEntropy>(in, m, l, out);
    Each<4>([&](auto v) LP_LAMBDA { hn::StoreU(out[v], d, w + i + v * kPart); });
  }
}
void Weights(Weight weight, const float* x, size_t n, float max, float log_sum, float* w) {
  weight == Weight::kEntropy ? WeightsImpl<true>(x, n, max, log_sum, w) : WeightsImpl<false>(x, n, max, log_sum, w);
}

// The sum of w where is(x).
template <class Is>
HWY_INLINE double SumWhere(const float* HWY_RESTRICT x, const float* HWY_RESTRICT w, size_t n, const Is& is) {
  const RowTag d;
  double sum = 0;
  for (size_t b = 0; b < n; b += kBlock) {
    LaneSums<1> lanes;
    lanes.Add([&](size_t i, RowVec* out) LP_LAMBDA {
      out[0] = hn::IfThenElseZero(is(hn::LoadU(d, x + b + i)), hn::LoadU(d, w + b + i));
    });
    float s;
    lanes.Reduce(&s);
    sum += static_cast<double>(s);
  }
  return sum;
}
double SumSide(const float* x, const float* w, size_t n, Interval interval, bool outside) {
  // By rank there is no upper end, and one comparison does.
  if (interval.high == kEverything.high) {
    const auto low = hn::Set(RowTag(), interval.low);
    if (outside) return SumWhere(x, w, n, [&](RowVec v) LP_LAMBDA { return hn::Lt(v, low); });
    return SumWhere(x, w, n, [&](RowVec v) LP_LAMBDA { return hn::Ge(v, low); });
  }
  if (outside) return SumWhere(x, w, n, [&](RowVec v) LP_LAMBDA { return hn::Not(InInterval(v, interval)); });
  return SumWhere(x, w, n, [&](RowVec v) LP_LAMBDA { return InInterval(v, interval); });
}

SoftmaxSums Terms(const float* HWY_RESTRICT x, const float* HWY_RESTRICT w, size_t n, float max, Interval interval,
                  bool outside) {
  const RowTag d;
  const auto m = hn::Set(d, max), zero = hn::Zero(d);
  const auto flip = outside ? hn::Eq(zero, zero) : hn::Lt(zero, zero);  // all lanes, or none
  SoftmaxSums total;
  for (size_t b = 0; b < n; b += kBlock) {
    LaneSums<3> lanes;
    size_t count = 0;
    lanes.Add([&](size_t i, RowVec* out) LP_LAMBDA {
      const auto v = hn::LoadU(d, x + b + i);
      const auto on_side = hn::And(hn::Xor(InInterval(v, interval), flip), hn::Gt(v, hn::Set(d, kMasked)));
      // Of a weight of 0 the difference may be infinite.
      const auto y = hn::IfThenElseZero(on_side, hn::Max(hn::Sub(v, m), hn::Set(d, -100)));
      count += hn::CountTrue(d, on_side);
      out[0] = hn::IfThenElseZero(on_side, hn::LoadU(d, w + b + i));
      out[1] = hn::Mul(y, out[0]);
      out[2] = hn::Mul(y, out[1]);
    });
    float sums[3];
    lanes.Reduce(sums);
    total.n += count;
    total.sum_exp += static_cast<double>(sums[0]);
    total.sum_x_exp += static_cast<double>(sums[1]);
    total.sum_xx_exp += static_cast<double>(sums[2]);
  }
  return total;
}

void Find(const float* HWY_RESTRICT x, size_t n, const mass::Bracket& bracket, std::vector<size_t>& found) {
  for (size_t i = 0; i < n; i += kWord) {
    uint64_t bits = WordOfBits(x + i, [&](RowVec v) LP_LAMBDA {
      return hn::And(InInterval(v, bracket.out), hn::Not(InInterval(v, bracket.in)));
    });
    for (; bits != 0; bits &= bits - 1) found.push_back(i + static_cast<size_t>(__builtin_ctzll(bits)));
  }
}

size_t Narrow(const float* x, const float* w, size_t n, const mass::Bracket& bracket, float* to_x, float* to_w,
              double& side) {
  const RowTag d;
  side += SumSide(x, w, n, bracket.outside ? bracket.out : bracket.in, bracket.outside);
  float *x_end = to_x, *w_end = to_w;  // never ahead of what is read
  for (size_t i = 0; i < n; i += kPart) {
    const auto v = hn::LoadU(d, x + i), weight = hn::LoadU(d, w + i);
    const auto between = hn::And(InInterval(v, bracket.out), hn::Not(InInterval(v, bracket.in)));
    x_end = Append(v, between, x_end);
    w_end = Append(weight, between, w_end);
  }
  const auto left = static_cast<size_t>(x_end - to_x);
  const size_t whole = (left + kBlock - 1) / kBlock * kBlock;
  std::fill(x_end, to_x + whole, kMasked);
  std::fill(w_end, to_w + whole, 0.0f);
  return left;
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
HWY_EXPORT(Weights);
HWY_EXPORT(SumSide);
HWY_EXPORT(Terms);
HWY_EXPORT(Find);
HWY_EXPORT(Narrow);

void mass::Weights(Weight weight, const float* x, size_t n, float max, float log_sum, float* w) {
  HWY_DYNAMIC_DISPATCH(Weights)(weight, x, n, max, log_sum, w);
}
double mass::SumSide(const float* x, const float* w, size_t n, Interval interval, bool outside) {
  return HWY_DYNAMIC_DISPATCH(SumSide)(x, w, n, interval, outside);
}
SoftmaxSums mass::Terms(const float* x, const float* w, size_t n, float max, Interval interval, bool outside) {
  return HWY_DYNAMIC_DISPATCH(Terms)(x, w, n, max, interval, outside);
}
void mass::Find(const float* x, size_t n, const Bracket& bracket, std::vector<size_t>& found) {
  HWY_DYNAMIC_DISPATCH(Find)(x, n, bracket, found);
}
size_t mass::Narrow(const float* x, const float* w, size_t n, const Bracket& bracket, float* to_x, float* to_w,
                    double& side) {
  return HWY_DYNAMIC_DISPATCH(Narrow)(x, w, n, bracket, to_x, to_w, side);
}

}  // namespace lp
#endif  // HWY_ONCE
