// Block types of 32 numbers: a half scale (and minimum), then 32 quants. See quants-inl.h.
//
// Quants of 4 bits lie in 16 bytes: number i < 16 in the low half of byte i, number i + 16 in its high half.

#if defined(LP_QUANT_QUANTS32_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LP_QUANT_QUANTS32_INL_H_
#undef LP_QUANT_QUANTS32_INL_H_
#else
#define LP_QUANT_QUANTS32_INL_H_
#endif

#include "quant/quants-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// out[i] = the half at at(i), i < 8. Put together in general registers: stored one by one, they could not be loaded
// as a vector until all stores have reached the cache.
template <class D, class At>
HWY_INLINE void LoadHalves(D d, const At& at, float* out) {
  const auto half_of = [&](size_t i) { return uint64_t{LoadBits<uint16_t>(at(i))} << (i % 4 * 16); };
  uint64_t low = 0, high = 0;
  Unrolled<4>([&](auto i) LP_LAMBDA { low |= half_of(i), high |= half_of(i + 4); });
#if HWY_TARGET == HWY_SCALAR
  for (size_t i = 0; i < 8; ++i) {
    const auto bits = static_cast<uint16_t>((i < 4 ? low : high) >> (i % 4 * 16));
    hn::Store(FloatFromHalf(d, hn::BitCast(hn::Rebind<hwy::float16_t, ScaleTag>(), hn::Set(hn::Rebind<uint16_t, ScaleTag>(), bits))), d,
              out + i);
  }
#else
  const hn::Full128<uint64_t> d64;
  const auto halves = hn::BitCast(hn::Full128<hwy::float16_t>(),
                                  hn::Combine(d64, hn::Set(hn::Half<decltype(d64)>(), high), hn::Set(hn::Half<decltype(d64)>(), low)));
  if constexpr (hn::MaxLanes(d) == 8) {
    hn::Store(FloatFromHalf(d, halves), d, out);
  } else {
    hn::Store(FloatFromHalf(d, hn::LowerHalf(halves)), d, out);
    hn::Store(FloatFromHalf(d, hn::UpperHalf(hn::Full64<hwy::float16_t>(), halves)), d, out + 4);
  }
#endif
}

// What the types of this file share: each block begins with its scale, and those that have one with a number to add.
template <class Format>
struct BlockOf32 {
  static constexpr size_t kBlock = 32, kRun = 32;

  template <size_t kAt>
  static HWY_INLINE void Quants(QuantTag d, const uint8_t* group, QuantVec* out) {
    Format::QuantsOfBlock(d, group + kAt * Format::kBlockBytes, out);
  }
  static HWY_INLINE void Scales(const uint8_t* group, RunScales& out) {
    ScalesOf([&](size_t i) { return group + i * Format::kBlockBytes; }, out);
  }
  // Of blocks that lie at block(0), ..., block(7).
  template <class Block>
  static HWY_INLINE void ScalesOf(const Block& block, RunScales& out) {
    const ScaleTag d;
    LoadHalves(d, block, out.scale);
    if constexpr (Format::kHasMin) {
      LoadHalves(d, [&](size_t i) { return block(i) + 2; }, out.min);
      for (size_t i = 0; i < 8; i += hn::MaxLanes(d)) hn::Store(hn::Neg(hn::Load(d, out.min + i)), d, out.min + i);
    }
  }
};

// Vector v of the 32 quants of 4 bits at q.
template <class Index>
HWY_INLINE QuantVec Load4Bits(QuantTag d, const uint8_t* q, Index v) {
  const size_t first = v * hn::MaxLanes(d);
  const auto both = LoadBytes(d, q + first % 16);
  return first < 16 ? Bits<0>(d, both, 15) : hn::ShiftRight<4>(both);
}

// Vector v of 16s where the quant's fifth bit is set: bit i of `bits` is that of number i.
template <class Index>
HWY_INLINE QuantVec FifthBits(QuantTag d, uint32_t bits, Index v) {
  alignas(32) static constexpr uint16_t kBit[16] = {1u << 0, 1u << 1, 1u << 2,  1u << 3,  1u << 4,  1u << 5,  1u << 6,  1u << 7,
                                                    1u << 8, 1u << 9, 1u << 10, 1u << 11, 1u << 12, 1u << 13, 1u << 14, 1u << 15};
  const size_t first = v * hn::MaxLanes(d);
  const hn::RebindToUnsigned<QuantTag> du;
  const auto half = hn::Set(du, static_cast<uint16_t>(bits >> (first / 16 * 16)));
  const auto is_set = hn::TestBit(half, hn::Load(du, kBit + first % 16));
  return hn::BitCast(d, hn::IfThenElseZero(is_set, hn::Set(du, uint16_t{16})));
}

// half d, 32 x int8 q: d q.
struct Q8_0 : BlockOf32<Q8_0> {
  static constexpr GgmlType kType = GgmlType::kQ8_0;
  static constexpr size_t kBlockBytes = 34;
  static constexpr int16_t kOffset = 0;
  static constexpr bool kHasMin = false;

  static HWY_INLINE void QuantsOfBlock(QuantTag d, const uint8_t* block, QuantVec* out) {
    ForQuants([&](auto v) LP_LAMBDA { out[v] = LoadSignedBytes(d, block + 2 + v * hn::MaxLanes(d)); });
  }
};

// half d, with a minimum half m, 32 x 4 bits q: d (q - 8), or d q + m.
template <GgmlType kTheType, bool kWithMin>
struct FourBits : BlockOf32<FourBits<kTheType, kWithMin>> {
  static constexpr GgmlType kType = kTheType;
  static constexpr size_t kHead = kWithMin ? 4 : 2, kBlockBytes = kHead + 16;
  static constexpr int16_t kOffset = kWithMin ? 0 : 8;
  static constexpr bool kHasMin = kWithMin;

  static HWY_INLINE void QuantsOfBlock(QuantTag d, const uint8_t* block, QuantVec* out) {
    ForQuants([&](auto v) LP_LAMBDA { out[v] = Load4Bits(d, block + kHead, v); });
  }
};
using Q4_0 = FourBits<GgmlType::kQ4_0, false>;
using Q4_1 = FourBits<GgmlType::kQ4_1, true>;

// half d, with a minimum half m, 32 fifth bits, 32 x 4 bits q: d (q - 16), or d q + m.
template <GgmlType kTheType, bool kWithMin>
struct FiveBits : BlockOf32<FiveBits<kTheType, kWithMin>> {
  static constexpr GgmlType kType = kTheType;
  static constexpr size_t kHead = kWithMin ? 4 : 2, kBlockBytes = kHead + 20;
  static constexpr int16_t kOffset = kWithMin ? 0 : 16;
  static constexpr bool kHasMin = kWithMin;

  static HWY_INLINE void QuantsOfBlock(QuantTag d, const uint8_t* block, QuantVec* out) {
    const auto bits = LoadBits<uint32_t>(block + kHead);
    ForQuants([&](auto v) LP_LAMBDA { out[v] = hn::Or(Load4Bits(d, block + kHead + 4, v), FifthBits(d, bits, v)); });
  }
};
using Q5_0 = FiveBits<GgmlType::kQ5_0, false>;
using Q5_1 = FiveBits<GgmlType::kQ5_1, true>;

// The 32 values that the 4-bit quants at q stand for in IQ4_NL and IQ4_XS.
template <class D>
HWY_INLINE void LoadIq4(D d, const uint8_t* q, hn::Vec<D>* out) {
  alignas(16) static constexpr int8_t kValues[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
#if HWY_TARGET == HWY_SCALAR  // which has no operations between lanes
  for (size_t i = 0; i < kChunk; ++i) out[i] = hn::Set(d, int16_t{kValues[i < 16 ? q[i] & 15 : q[i - 16] >> 4]});
#else
  const hn::Full128<uint8_t> d8;
  const hn::Full128<int8_t> di8;
  const auto values = hn::Load(di8, kValues);
  const auto both = hn::LoadU(d8, q);
  const auto low = hn::TableLookupBytes(values, hn::BitCast(di8, hn::And(both, hn::Set(d8, uint8_t{15}))));
  const auto high = hn::TableLookupBytes(values, hn::BitCast(di8, hn::ShiftRight<4>(both)));
  if constexpr (hn::MaxLanes(d) == 16) {
    out[0] = hn::PromoteTo(d, low), out[1] = hn::PromoteTo(d, high);
  } else {
    const hn::Half<decltype(di8)> dh;
    out[0] = hn::PromoteTo(d, hn::LowerHalf(low)), out[1] = hn::PromoteTo(d, hn::UpperHalf(dh, low));
    out[2] = hn::PromoteTo(d, hn::LowerHalf(high)), out[3] = hn::PromoteTo(d, hn::UpperHalf(dh, high));
  }
#endif
}

// half d, 32 x 4 bits q: d value[q].
struct IQ4_NL : BlockOf32<IQ4_NL> {
  static constexpr GgmlType kType = GgmlType::kIQ4_NL;
  static constexpr size_t kBlockBytes = 18;
  static constexpr int16_t kOffset = 0;
  static constexpr bool kHasMin = false;

  static HWY_INLINE void QuantsOfBlock(QuantTag d, const uint8_t* block, QuantVec* out) { LoadIq4(d, block + 2, out); }
};

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
