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

// 2^(j / 8) - 1 in the bits of a mantissa, for the three low bits j of each lane, less j << 20.
template <class DU, class VU = hn::Vec<DU>>
HWY_INLINE VU EighthBits(DU du, VU v) {
  alignas(64) static constexpr uint32_t kEighths[16] = {
      0, 0x0b95c2u - (1u << 20), 0x1837f0u - (2u << 20), 0x25fed7u - (3u << 20),
      0x3504f3u - (4u << 20), 0x45672au - (5u << 20), 0x5744fdu - (6u << 20), 0x6ac0c7u - (7u << 20),
      0, 0x0b95c2u - (1u << 20), 0x1837f0u - (2u << 20), 0x25fed7u - (3u << 20),
      0x3504f3u - (4u << 20), 0x45672au - (5u << 20), 0x5744fdu - (6u << 20), 0x6ac0c7u - (7u << 20)};
  constexpr size_t kLanes = hn::MaxLanes(DU());
#if HWY_TARGET == HWY_AVX2
  // This instruction looks at these three bits only.
  if constexpr (kLanes == 8) return VU{_mm256_permutevar8x32_epi32(hn::Load(du, kEighths).raw, v.raw)};
#endif
  if constexpr (kLanes >= 8) {
    return hn::TableLookupLanes(hn::Load(du, kEighths), hn::IndicesFromVec(du, hn::And(v, hn::Set(du, 7u))));
  } else if constexpr (kLanes == 4) {
    const auto j = hn::IndicesFromVec(du, hn::And(v, hn::Set(du, 3u)));
    const auto half = hn::Set(du, 4u);
    return hn::IfThenElse(hn::Eq(hn::And(v, half), half), hn::TableLookupLanes(hn::Load(du, kEighths + 4), j),
                          hn::TableLookupLanes(hn::Load(du, kEighths), j));
  } else {
    const VU j = hn::And(v, hn::Set(du, 7u));
    VU found = hn::Zero(du);
    for (uint32_t k = 1; k < 8; ++k) {
      found = hn::Or(found, hn::IfThenElseZero(hn::Eq(j, hn::Set(du, k)), hn::Set(du, kEighths[k])));
    }
    return found;
  }
}

constexpr float kNearest = -88;

// exp(y) for y <= 0, -inf included, relative error below 2e-7 and (n below) |n| 2e-9; below -87.3 what is left is between
// 0 and 1.2e-38, and 0 from -127 ln 2 down. `y` comes back no lower than that, so that y exp(y) is 0 and not inf * 0 for
// a masked logit.
//
// y = n ln 2 + r, n in eighths: adding `round` rounds y / ln 2 to an eighth, and leaves 8 (n + 127) in the low bits:
// three bits for a table of 2^(j / 8), and above them the exponent. Exponent 0 for n = -127, which makes the result 0.
// The float next to ln 2 is 1.9e-9 above it, and the product with n is not rounded, so a second part would be for
// nothing. The polynomial is the best of degree 3 that starts 1 + r (relative error 2.6e-8 for |r| <= ln 2 / 16).
//
// The same bits on every target: multiply-adds are fused on all of them (fused-inl.h). Files that include this are
// compiled with -ffp-contract=off.
//
// kN vectors at once, step by step: a processor that looks a hundred instructions ahead finds others to do while one
// chain of dependent operations waits.
//
// kNear: no y is below kNearest, so that none comes back changed; one operation less.
template <size_t kN, bool kNear = false, class D, class V = hn::Vec<D>>
HWY_INLINE void ExpFlush(D d, V* y, V* e) {
  const hn::RebindToUnsigned<D> du;
  const V round = hn::Set(d, 0x1.8p20f + 127);  // the sum's unit in the last place is 1/8
  V biased[kN], minus_n[kN], r[kN], p[kN];
  if constexpr (!kNear) Each<kN>([&](auto k) LP_LAMBDA { y[k] = hn::Max(y[k], hn::Set(d, -88.0296919f)); });
  Each<kN>([&](auto k) LP_LAMBDA { biased[k] = Fused(y[k], hn::Set(d, 1.44269504f), round); });
  Each<kN>([&](auto k) LP_LAMBDA { minus_n[k] = hn::Sub(round, biased[k]); });
  Each<kN>([&](auto k) LP_LAMBDA { r[k] = Fused(minus_n[k], hn::Set(d, 0.693147182f), y[k]); });
  Each<kN>([&](auto k) LP_LAMBDA { p[k] = Fused(r[k], hn::Set(d, 0.16668f), hn::Set(d, 0.500065f)); });
  Each<kN>([&](auto k) LP_LAMBDA { p[k] = Fused(p[k], r[k], hn::Set(d, 1.0f)); });
  Each<kN>([&](auto k) LP_LAMBDA { p[k] = Fused(p[k], r[k], hn::Set(d, 1.0f)); });
  Each<kN>([&](auto k) LP_LAMBDA {
    const auto bits = hn::BitCast(du, biased[k]);
    e[k] = hn::Mul(p[k], hn::BitCast(d, hn::Add(EighthBits(du, bits), hn::ShiftLeft<20>(bits))));
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
