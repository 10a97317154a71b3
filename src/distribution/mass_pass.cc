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

size_t CopySide(const LogitVector& x, const BlockSums* HWY_RESTRICT sums, float skip_below, Interval interval,
                bool outside, float* HWY_RESTRICT to) {
  const RowTag d;
  float* end = to;
  for (size_t b = 0; b < x.n_blocks(); ++b) {
    if (sums[b].max < skip_below || sums[b].max == kMasked) continue;
    const float* HWY_RESTRICT block = x.block(b);
    if (outside) {
      ForBlock([&](size_t i) LP_LAMBDA {
        const auto v = hn::LoadU(d, block + i);
        end = Append(v, hn::Not(InInterval(v, interval)), end);
      });
    } else {
      ForBlock([&](size_t i) LP_LAMBDA {
        const auto v = hn::LoadU(d, block + i);
        end = Append(v, InInterval(v, interval), end);
      });
    }
  }
  const auto n = static_cast<size_t>(end - to);
  std::fill(end, to + (n + kBlock - 1) / kBlock * kBlock, kMasked);
  return n;
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

template <bool kEntropy>
HWY_INLINE size_t SumSideImpl(const float* HWY_RESTRICT x, size_t n, float max, float log_sum, Interval sum_in,
                              bool outside, Interval copy_in, Interval copy_not_in, double& sum,
                              float* HWY_RESTRICT to) {
  const RowTag d;
  const auto m = hn::Set(d, max), l = hn::Set(d, log_sum), zero = hn::Zero(d);
  const auto side = outside ? hn::Eq(m, m) : hn::Lt(zero, zero);  // all lanes, or none
  float* end = to;
  for (size_t b = 0; b < n; b += kBlock) {
    const float* HWY_RESTRICT block = x + b;
    LaneSums<1> lanes;
    lanes.AddFour([&](const auto& at, auto& acc) LP_LAMBDA {
      RowVec x4[4], w[4];
      Each<4>([&](auto v) LP_LAMBDA { x4[v] = hn::LoadU(d, block + at(v)); });
      WeightsOfFour<kEntropy>(x4, m, l, w);
      Each<4>([&](auto v) LP_LAMBDA {
        const auto in = InInterval(hn::LoadU(d, block + at(v)), sum_in);
        w[v] = hn::IfThenElseZero(hn::Xor(in, side), w[v]);
      });
      LaneSums<1>::Accumulate(acc[0], w);
    });
    float s;
    lanes.Reduce(&s);
    sum += static_cast<double>(s);
    ForBlock([&](size_t i) LP_LAMBDA {
      const auto v = hn::LoadU(d, block + i);
      end = Append(v, hn::And(InInterval(v, copy_in), hn::Not(InInterval(v, copy_not_in))), end);
    });
  }
  const auto copied = static_cast<size_t>(end - to);
  std::fill(end, to + (copied + kBlock - 1) / kBlock * kBlock, kMasked);
  return copied;
}
size_t SumSide(Weight weight, const float* x, size_t n, float max, float log_sum, Interval sum_in, bool outside,
               Interval copy_in, Interval copy_not_in, double& sum, float* to) {
  return weight == Weight::kEntropy
             ? SumSideImpl<true>(x, n, max, log_sum, sum_in, outside, copy_in, copy_not_in, sum, to)
             : SumSideImpl<false>(x, n, max, log_sum, sum_in, outside, copy_in, copy_not_in, sum, to);
}

double SumInside(const float* HWY_RESTRICT x, const float* HWY_RESTRICT w, size_t n, Interval interval, bool outside) {
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

size_t CountAndCollect(const LogitVector& x, const BlockSums* HWY_RESTRICT sums, Interval inner, Interval outer,
                       std::vector<Candidate>& found) {
  size_t count = 0;
  for (size_t b = 0; b < x.n_blocks(); ++b) {
    if (sums[b].max < outer.low) continue;
    const float* HWY_RESTRICT block = x.block(b);
    size_t n[2];  // in inner, in outer
    const auto conditions = [&](RowVec v, auto& is) LP_LAMBDA { is[0] = InInterval(v, inner), is[1] = InInterval(v, outer); };
    CountInBlock<2>(block, conditions, n);
    count += n[0];
    if (n[0] == n[1]) continue;
    for (size_t i = 0; i < kBlock; ++i) {
      if (outer.Holds(block[i]) && !inner.Holds(block[i])) {
        found.push_back({static_cast<TokenId>(b * kBlock + i), block[i]});
      }
    }
  }
  return count;
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
HWY_EXPORT(CopySide);
HWY_EXPORT(Weights);
HWY_EXPORT(SumSide);
HWY_EXPORT(SumInside);
HWY_EXPORT(CountAndCollect);

size_t mass::CopySide(const LogitVector& x, const BlockSums* sums, float skip_below, Interval interval, bool outside,
                      float* to) {
  return HWY_DYNAMIC_DISPATCH(CopySide)(x, sums, skip_below, interval, outside, to);
}
void mass::Weights(Weight weight, const float* x, size_t n, float max, float log_sum, float* w) {
  HWY_DYNAMIC_DISPATCH(Weights)(weight, x, n, max, log_sum, w);
}
size_t mass::SumSide(Weight weight, const float* x, size_t n, float max, float log_sum, Interval sum_in, bool outside,
                     Interval copy_in, Interval copy_not_in, double& sum, float* to) {
  return HWY_DYNAMIC_DISPATCH(SumSide)(weight, x, n, max, log_sum, sum_in, outside, copy_in, copy_not_in, sum, to);
}
double mass::SumInside(const float* x, const float* w, size_t n, Interval interval, bool outside) {
  return HWY_DYNAMIC_DISPATCH(SumInside)(x, w, n, interval, outside);
}
size_t mass::CountAndCollect(const LogitVector& x, const BlockSums* sums, Interval inner, Interval outer,
                             std::vector<Candidate>& found) {
  return HWY_DYNAMIC_DISPATCH(CountAndCollect)(x, sums, inner, outer, found);
}

}  // namespace lp
#endif  // HWY_ONCE
