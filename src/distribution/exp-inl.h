// exp for arguments <= 0, written with Highway operations: Highway 1.0.3's own hn::Exp takes more than twice as long.
// Compiled once per SIMD target: included inside HWY_NAMESPACE's file, after foreach_target.

#if defined(LP_DISTRIBUTION_EXP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LP_DISTRIBUTION_EXP_INL_H_
#undef LP_DISTRIBUTION_EXP_INL_H_
#else
#define LP_DISTRIBUTION_EXP_INL_H_
#endif

#include "distribution/fused-inl.h"
#include "distribution/unroll-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// exp(x) for x <= 0, relative error below 2e-7. Results below the smallest normal float (x < -87.33) are 0, -inf
// included. Range reduction x = n ln 2 + r, |r| <= ln 2 / 2, with ln 2 split in two so that n ln2_hi is exact (Cody &
// Waite 1980); exp(r) by its Taylor polynomial of degree 7, whose truncation error there is below 6e-9; 2^n by its
// exponent bits.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ExpNonPositive(D d, V x) {
  const hn::RebindToSigned<D> di;
  const V lowest = hn::Set(d, -87.33f);
  const auto vanishes = hn::Lt(x, lowest);
  const V clamped = hn::Max(x, lowest);
  const V n = hn::Round(hn::Mul(clamped, hn::Set(d, 1.44269504f)));
  V r = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), clamped);
  r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), r);
  V p = hn::Set(d, 1.0f / 5040);
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f / 720));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f / 120));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f / 24));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f / 6));
  p = hn::MulAdd(p, r, hn::Set(d, 0.5f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f));
  const auto exponent = hn::ShiftLeft<23>(hn::Add(hn::ConvertTo(di, n), hn::Set(di, 127)));
  return hn::IfThenZeroElse(vanishes, hn::Mul(p, hn::BitCast(d, exponent)));
}

// 2^(j / 4) - 1 in the bits of a mantissa, for the two low bits j of each lane, less j << 21.
template <class DU, class VU = hn::Vec<DU>>
HWY_INLINE VU QuarterBits(DU du, VU v) {
  alignas(16) static constexpr uint32_t kQuarters[4] = {0, 0x1837f0u - (1u << 21), 0x3504f3u - (2u << 21),
                                                        0x5744fdu - (3u << 21)};
#if HWY_TARGET == HWY_AVX2
  // One instruction that looks at these two bits only; Highway's lookups on 8 lanes cross halves and take twice as long.
  if constexpr (hn::MaxLanes(DU()) == 8) {
    const hn::RebindToFloat<DU> d;
    return hn::BitCast(du, hn::Vec<decltype(d)>{_mm256_permutevar_ps(hn::BitCast(d, hn::LoadDup128(du, kQuarters)).raw,
                                                                     v.raw)});
  }
#endif
  const VU j = hn::And(v, hn::Set(du, 3u));
  if constexpr (hn::MaxLanes(DU()) >= 4) {
    return hn::TableLookupLanes(hn::LoadDup128(du, kQuarters), hn::IndicesFromVec(du, j));
  } else {
    const auto where = [&](uint32_t k) HWY_ATTR {
      return hn::IfThenElseZero(hn::Eq(j, hn::Set(du, k)), hn::Set(du, kQuarters[k]));
    };
    return hn::Or(where(1), hn::Or(where(2), where(3)));
  }
}

// exp(y) for y <= 0, -inf included, relative error below 1.6e-7; below -87.3 what is left is between 0 and 1.2e-38, and 0
// from -127 ln 2 down. `y` comes back no lower than that, so that y exp(y) is 0 and not inf * 0 for a masked logit.
//
// y = n ln 2 + r, n in quarters: adding `round` rounds y / ln 2 to a quarter, and leaves 4 (n + 127) in the low bits:
// two bits for a table of 2^(j / 4), and above them the exponent. Exponent 0 for n = -127, which makes the result 0.
// ln 2 is in two parts of 15 bits, so that their products with n are exact (Cody & Waite 1980). The polynomial is the
// best of degree 4 that starts 1 + r (relative error 5.5e-9 for |r| <= ln 2 / 8).
//
// The same bits on every target: multiply-adds are fused on all of them (fused-inl.h), but for those with an exact
// product, where it changes nothing. Files that include this are compiled with -ffp-contract=off.
//
// kN vectors at once, step by step: a processor that looks a hundred instructions ahead finds others to do while one
// chain of dependent operations waits.
template <size_t kN, class D, class V = hn::Vec<D>>
HWY_INLINE void ExpFlush(D d, V* y, V* e) {
  const hn::RebindToUnsigned<D> du;
  const V round = hn::Set(d, 0x1.8p21f + 127);  // the sum's unit in the last place is 1/4
  V biased[kN], n[kN], r[kN], p[kN];
  Each<kN>([&](auto k) LP_LAMBDA { y[k] = hn::Max(y[k], hn::Set(d, -88.0296919f)); });
  Each<kN>([&](auto k) LP_LAMBDA { biased[k] = Fused(y[k], hn::Set(d, 1.44269504f), round); });
  Each<kN>([&](auto k) LP_LAMBDA { n[k] = hn::Sub(biased[k], round); });
  Each<kN>([&](auto k) LP_LAMBDA { r[k] = hn::NegMulAdd(n[k], hn::Set(d, 0x1.62e4p-1f), y[k]); });
  Each<kN>([&](auto k) LP_LAMBDA { r[k] = hn::NegMulAdd(n[k], hn::Set(d, 0x1.7f7cp-20f), r[k]); });
  Each<kN>([&](auto k) LP_LAMBDA { p[k] = Fused(r[k], hn::Set(d, 0.0416417532f), hn::Set(d, 0.166721046f)); });
  Each<kN>([&](auto k) LP_LAMBDA { p[k] = Fused(p[k], r[k], hn::Set(d, 0.500000179f)); });
  Each<kN>([&](auto k) LP_LAMBDA { p[k] = Fused(p[k], r[k], hn::Set(d, 1.0f)); });
  Each<kN>([&](auto k) LP_LAMBDA { p[k] = Fused(p[k], r[k], hn::Set(d, 1.0f)); });
  Each<kN>([&](auto k) LP_LAMBDA {
    const auto bits = hn::BitCast(du, biased[k]);
    e[k] = hn::Mul(p[k], hn::BitCast(d, hn::Add(QuarterBits(du, bits), hn::ShiftLeft<21>(bits))));
  });
}
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ExpFlush(D d, V& y) {
  V e[1], in[1] = {y};
  ExpFlush<1>(d, in, e);
  y = in[0];
  return e[0];
}

// exp(x - m) for x <= m, as if the difference had been exact: what Knuth's TwoDiff says was rounded away (up to |x - m|
// 2^-24, which would be a relative error of the result) is applied to first order. Where the result is 0 the difference
// may be infinite, and the correction is not a number.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ExpExactDifference(D d, V x, V m) {
  V y = hn::Sub(x, m);
  const V minus_m = hn::Sub(y, x);
  const V error = hn::Sub(hn::Sub(x, hn::Sub(y, minus_m)), hn::Add(m, minus_m));
  const V e = ExpFlush(d, y);
  return hn::IfThenElseZero(hn::Gt(e, hn::Zero(d)), hn::Add(e, hn::Mul(e, error)));
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
