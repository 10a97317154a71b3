// Bytes to floats in few steps, where a vector holds 8 floats (AVX2). Compiled once per SIMD target.
//
// Widening bytes to whole vectors in their order takes two steps of the two units that shuffle. Here the 32 bytes of a
// chunk stay where they are: number 4 i + b is byte b of the 32-bit lane i, and shifted to the top of it, the rest masked
// away, it converts to 2^24 times itself, exactly. Steps are then spread over all units. Numbers come out in an order of
// their own, the spread order: vector b holds numbers b, b + 4, ..., b + 28. Inputs are put into it before the first row.
//
// A format that does this has, beside Begin and Decode, BeginSpread, whose scales are 2^-24 times as large, and
// DecodeSpread, which gives the bits that Decode gives. It pays where quants are put together from two places (Q5_K and
// Q6_K are a third faster) and is as fast as widening for Q8_0 and Q4_0, which go without.

#if defined(LP_QUANT_SPREAD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LP_QUANT_SPREAD_INL_H_
#undef LP_QUANT_SPREAD_INL_H_
#else
#define LP_QUANT_SPREAD_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "quant/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D>
constexpr bool kHasSpread = hn::MaxLanes(D()) == 8;
constexpr float kSpreadScale = 0x1p-24f;

template <class D>
using ByteTag = hn::Repartition<uint8_t, D>;
template <class D>
using ByteVec = hn::Vec<ByteTag<D>>;

// bytes: 32 signed -> out[b], each 2^24 times as large, in spread order.
template <class D>
HWY_INLINE void SpreadFloats(D d, ByteVec<D> bytes, hn::Vec<D>* out) {
  const hn::RebindToSigned<D> di;
  const auto top = hn::Set(di, static_cast<int32_t>(0xFF000000u));
  const auto q = hn::BitCast(di, bytes);
  out[0] = hn::ConvertTo(d, hn::ShiftLeft<24>(q));
  out[1] = hn::ConvertTo(d, hn::And(hn::ShiftLeft<16>(q), top));
  out[2] = hn::ConvertTo(d, hn::And(hn::ShiftLeft<8>(q), top));
  out[3] = hn::ConvertTo(d, hn::And(q, top));
}

// Bytes shifted within their 32-bit lanes, where a mask follows. Negative: to the right.
template <int kLeft, class D>
HWY_INLINE ByteVec<D> ShiftBytes(D /*d*/, ByteVec<D> bytes, uint8_t mask) {
  const ByteTag<D> d8;
  const hn::RebindToUnsigned<D> d32;
  const auto q = hn::BitCast(d32, bytes);
  const auto shifted = [&]() LP_LAMBDA {
    if constexpr (kLeft > 0) return hn::ShiftLeft<kLeft>(q);
    if constexpr (kLeft < 0) return hn::ShiftRight<-kLeft>(q);
    if constexpr (kLeft == 0) return q;
  }();
  return hn::And(hn::BitCast(d8, shifted), hn::Set(d8, mask));
}

// out[b] = scale q, or scale q - min, in spread order; q: 32 signed bytes, the scale 2^-24 times as large as it is.
template <class D>
HWY_INLINE void DecodeSpreadBytes(D d, ByteVec<D> q, hn::Vec<D> scale, hn::Vec<D>* out) {
  SpreadFloats(d, q, out);
  Unrolled<kVectors<D>>([&](auto b) LP_LAMBDA { out[b] = hn::Mul(out[b], scale); });
}
template <class D>
HWY_INLINE void DecodeSpreadBytes(D d, ByteVec<D> q, hn::Vec<D> scale, hn::Vec<D> min, hn::Vec<D>* out) {
  SpreadFloats(d, q, out);
  Unrolled<kVectors<D>>([&](auto b) LP_LAMBDA { out[b] = hn::MulSub(out[b], scale, min); });
}

#if HWY_TARGET == HWY_SCALAR  // which has no operations between lanes, and no use for these
template <class D>
hn::Vec<D> SetRuns(D, const float*);
template <class D>
void Spread(D, const float*, size_t, float*);
template <class D>
float SumSpread(D, const hn::Vec<D>*);
#else
// The factors of a chunk's two runs of 16, in spread order.
template <class D>
HWY_INLINE hn::Vec<D> SetRuns(D d, const float* run) {
  const hn::Half<D> dh;
  return hn::Combine(d, hn::Set(dh, run[1]), hn::Set(dh, run[0]));
}

// x: [n] -> out: [n] with chunks of 32 in spread order; n is a multiple of 32.
template <class D>
HWY_INLINE void Spread(D d, const float* HWY_RESTRICT x, size_t n, float* HWY_RESTRICT out) {
  for (size_t i = 0; i < n; i += kLanes) {
    const auto a = hn::LoadU(d, x + i), b = hn::LoadU(d, x + i + 8);
    const auto c = hn::LoadU(d, x + i + 16), e = hn::LoadU(d, x + i + 24);
    const auto even_ab = hn::ConcatEven(d, b, a), odd_ab = hn::ConcatOdd(d, b, a);
    const auto even_ce = hn::ConcatEven(d, e, c), odd_ce = hn::ConcatOdd(d, e, c);
    hn::StoreU(hn::ConcatEven(d, even_ce, even_ab), d, out + i);
    hn::StoreU(hn::ConcatEven(d, odd_ce, odd_ab), d, out + i + 8);
    hn::StoreU(hn::ConcatOdd(d, even_ce, even_ab), d, out + i + 16);
    hn::StoreU(hn::ConcatOdd(d, odd_ce, odd_ab), d, out + i + 24);
  }
}

// SumHalves of lanes in spread order: the same additions.
template <class D>
HWY_INLINE float SumSpread(D, const hn::Vec<D>* acc) {
  const hn::Half<D> dh;
  const hn::Repartition<double, decltype(dh)> d64;
  const auto halves = [&](size_t b) LP_LAMBDA { return hn::Add(hn::LowerHalf(dh, acc[b]), hn::UpperHalf(dh, acc[b])); };
  const auto a = halves(0), b = halves(1), c = halves(2), e = halves(3);  // (l, l + 16): lanes 4 i + b, i < 4
  const auto pairs = [&](auto v) LP_LAMBDA { return hn::BitCast(d64, v); };
  const auto ab_low = pairs(hn::InterleaveLower(dh, a, b)), ab_high = pairs(hn::InterleaveUpper(dh, a, b));
  const auto ce_low = pairs(hn::InterleaveLower(dh, c, e)), ce_high = pairs(hn::InterleaveUpper(dh, c, e));
  const auto i0 = hn::BitCast(dh, hn::InterleaveLower(d64, ab_low, ce_low));
  const auto i1 = hn::BitCast(dh, hn::InterleaveUpper(d64, ab_low, ce_low));
  const auto i2 = hn::BitCast(dh, hn::InterleaveLower(d64, ab_high, ce_high));
  const auto i3 = hn::BitCast(dh, hn::InterleaveUpper(d64, ab_high, ce_high));
  const auto sum = hn::Add(hn::Add(i0, i2), hn::Add(i1, i3));  // (l, l + 8), (l, l + 4)
  return hn::GetLane(hn::SumOfLanes(dh, sum));
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
