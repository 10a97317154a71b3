#include "distribution/mass_pass.h"

#include <algorithm>

#include "base/simd_targets.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS LP_SCALABLE_TARGETS
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "distribution/mass_pass.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "distribution/exp-inl.h"
#include "distribution/lens-inl.h"
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

size_t Sample(const View& view, float* HWY_RESTRICT to) {
  constexpr size_t kSampled = mass::kSampled;
  size_t n = 0;
  for (size_t b = 0; b < view.x.n_blocks(); ++b) {
    if (view.block_max[b] == kMasked) continue;
    std::copy_n(view.x.block(b) + kSampled * (b * 7 % (kBlock / kSampled)), kSampled, to + n);  // each time another part
    n += kSampled;
  }
  std::fill(to + n, to + (n + kBlock - 1) / kBlock * kBlock, kMasked);
  if (view.lens.Changes()) ThroughLens(view.lens, true, to, (n + kBlock - 1) / kBlock * kBlock, to);
  const hn::CappedTag<float, kSampled> d;
  const auto masked = hn::Set(d, kMasked);
  float* part = to;
  for (size_t b = 0; b < view.x.n_blocks(); ++b) {
    if (view.block_max[b] == kMasked) continue;
    const auto max = hn::Set(d, view.block_max[b]);
    for (size_t i = 0; i < kSampled; i += hn::MaxLanes(d), part += hn::MaxLanes(d)) {
      const auto v = hn::LoadU(d, part);
      hn::StoreU(hn::IfThenElse(hn::Eq(v, max), masked, v), d, part);
    }
  }
  return n;
}

double SumSide(const float* HWY_RESTRICT x, const float* HWY_RESTRICT w, size_t n, Interval interval, bool outside) {
  const RowTag d;
  const auto zero = hn::Zero(d);
  double sum = 0;
  for (size_t b = 0; b < n; b += kBlock) {
    LaneSums<1> lanes;
    lanes.Add([&](size_t i, RowVec* out) LP_LAMBDA {
      const auto in = InInterval(hn::LoadU(d, x + b + i), interval);
      const auto v = hn::LoadU(d, w + b + i);
      out[0] = outside ? hn::IfThenElse(in, zero, v) : hn::IfThenElse(in, v, zero);
    });
    float s;
    lanes.Reduce(&s);
    sum += static_cast<double>(s);
  }
  return sum;
}

size_t Narrow(float* x, float* w, size_t n, const mass::Bracket& bracket, double& side) {
  const RowTag d;
  side += SumSide(x, w, n, bracket.outside ? bracket.out : bracket.in, bracket.outside);
  float *x_end = x, *w_end = w;  // never ahead of what is read
  for (size_t i = 0; i < n; i += kPart) {
    const auto v = hn::LoadU(d, x + i), weight = hn::LoadU(d, w + i);
    const auto between = hn::And(InInterval(v, bracket.out), hn::Not(InInterval(v, bracket.in)));
    x_end = Append(v, between, x_end);
    w_end = Append(weight, between, w_end);
  }
  const auto left = static_cast<size_t>(x_end - x);
  const size_t whole = (left + kBlock - 1) / kBlock * kBlock;
  std::fill(x_end, x + whole, kMasked);
  std::fill(w_end, w + whole, 0.0f);
  return left;
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
HWY_EXPORT(Weights);
HWY_EXPORT(Sample);
HWY_EXPORT(SumSide);
HWY_EXPORT(Narrow);

void mass::Weights(Weight weight, const float* x, size_t n, float max, float log_sum, float* w) {
  HWY_DYNAMIC_DISPATCH(Weights)(weight, x, n, max, log_sum, w);
}
size_t mass::Sample(const View& view, float* to) { return HWY_DYNAMIC_DISPATCH(Sample)(view, to); }
double mass::SumSide(const float* x, const float* w, size_t n, Interval interval, bool outside) {
  return HWY_DYNAMIC_DISPATCH(SumSide)(x, w, n, interval, outside);
}
size_t mass::Narrow(float* x, float* w, size_t n, const Bracket& bracket, double& side) {
  return HWY_DYNAMIC_DISPATCH(Narrow)(x, w, n, bracket, side);
}

}  // namespace lp
#endif  // HWY_ONCE
