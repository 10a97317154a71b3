// exp for arguments <= 0, written with Highway operations: Highway 1.0.3's own hn::Exp takes more than twice as long.
// Compiled once per SIMD target: included inside HWY_NAMESPACE's file, after foreach_target.

#if defined(LP_DISTRIBUTION_EXP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LP_DISTRIBUTION_EXP_INL_H_
#undef LP_DISTRIBUTION_EXP_INL_H_
#else
#define LP_DISTRIBUTION_EXP_INL_H_
#endif

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

// exp(y) for y <= 0, -inf included, relative error below 1e-7. 0 below -87.69; between there and -87.33 the result is
// denormal. `y` comes back no lower than -127 ln 2, so that y exp(y) is 0 and not inf * 0 for a masked logit.
//
// y = n ln 2 + r: adding `round` rounds y / ln 2 to an integer, and leaves n + 127 in the low bits, where the exponent
// of 2^n is: exponent 0 for n = -127, which makes 2^n 0. ln 2 is in two parts of 16 bits, so that their products with n
// are exact (Cody & Waite 1980). The polynomial is the best of degree 6 that starts 1 + r + r^2 / 2 (weighted least
// squares to equal ripple; relative error 3.7e-9 for |r| <= ln 2 / 2).
//
// The same bits on every target: the only multiply-adds are those with an exact product, where fusing changes nothing;
// files that include this are compiled with -ffp-contract=off.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ExpFlush(D d, V& y) {
  y = hn::Max(y, hn::Set(d, -88.0296919f));
  const V round = hn::Set(d, 12582912.0f + 127);  // 1.5 * 2^23: the sum's unit in the last place is 1
  const V biased = hn::Add(hn::Mul(y, hn::Set(d, 1.44269504f)), round);
  const V n = hn::Sub(biased, round);
  V r = hn::NegMulAdd(n, hn::Set(d, 0x1.62e4p-1f), y);
  r = hn::NegMulAdd(n, hn::Set(d, 0x1.7f7ep-20f), r);
  const V r2 = hn::Mul(r, r);  // in powers of r^2: as many operations as Horner's rule, half the latency
  const V high = hn::Add(hn::Add(hn::Set(d, 0.0416672379f), hn::Mul(r, hn::Set(d, 0.00836752914f))),
                         hn::Mul(r2, hn::Set(d, 0.00138637412f)));
  const V low = hn::Add(hn::Set(d, 0.5f), hn::Mul(r, hn::Set(d, 0.166665331f)));
  const V p = hn::Add(hn::Set(d, 1.0f), hn::Add(r, hn::Mul(r2, hn::Add(low, hn::Mul(r2, high)))));
  const auto power = hn::ShiftLeft<23>(hn::BitCast(hn::RebindToUnsigned<D>(), biased));
  return hn::Mul(p, hn::BitCast(d, power));
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
