// Weight types in blocks of 32: a half scale (and minimum), then 32 quants. See formats-inl.h.
//
// Quants of 4 bits lie in 16 bytes: number i < 16 in the low half of byte i, number i + 16 in its high half.

#if defined(LP_QUANT_FORMATS32_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LP_QUANT_FORMATS32_INL_H_
#undef LP_QUANT_FORMATS32_INL_H_
#else
#define LP_QUANT_FORMATS32_INL_H_
#endif

#include "quant/formats-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Where one vector holds a value for each of 16 quants, decoding is one look-up per vector and the arithmetic is done
// on the table, once per scale. Elsewhere it is done on every quant; the results are the same bits.
template <class D>
constexpr bool kHasTable16 = HWY_TARGET <= HWY_AVX3 && hn::MaxLanes(D()) == 16;

// table[low 4 bits of each index]. The instruction looks at no other bits; Highway's debug check does.
template <class D>
HWY_INLINE hn::Vec<D> Lookup16(D d, hn::Vec<D> table, hn::Vec<hn::RebindToUnsigned<D>> index) {
  static_assert(kHasTable16<D>);
  if constexpr (HWY_IS_DEBUG_BUILD) index = hn::And(index, hn::Set(hn::RebindToUnsigned<D>(), 15u));
  return hn::TableLookupLanes(table, hn::IndicesFromVec(d, index));
}

// Vector v of the 32 quants of 4 bits at q.
template <class D, class Index>
HWY_INLINE hn::Vec<hn::RebindToUnsigned<D>> Load4Bits(D d, const uint8_t* q, Index v) {
  const size_t first = v * hn::MaxLanes(d);
  const auto bytes = LoadBytes(d, q + first % 16);
  if (first >= 16) return hn::ShiftRight<4>(bytes);
  return hn::And(bytes, hn::Set(hn::RebindToUnsigned<D>(), 15u));
}

// Vector v of the 32 numbers whose 4-bit quants lie at q, each the value at its quant: value(quants as floats).
template <class D, class Value>
HWY_INLINE void Decode4Bits(D d, const uint8_t* q, hn::Vec<D>* out, const Value& value) {
  if constexpr (kHasTable16<D>) {
    const auto table = value(hn::Iota(d, 0));
    const auto both = LoadBytes(d, q);
    out[0] = Lookup16(d, table, both);
    out[1] = Lookup16(d, table, hn::ShiftRight<4>(both));
  } else {
    ForChunk(d, [&](auto v) LP_LAMBDA { out[v] = value(FloatFromInt(d, Load4Bits(d, q, v))); });
  }
}

// Vector v of 16s where the quant's fifth bit is set: bit i of `bits` is that of number i.
template <class D, class Index>
HWY_INLINE hn::Vec<hn::RebindToUnsigned<D>> FifthBits(D d, uint32_t bits, Index v) {
  alignas(64) static constexpr uint32_t kBit[32] = {
      1u << 0,  1u << 1,  1u << 2,  1u << 3,  1u << 4,  1u << 5,  1u << 6,  1u << 7,  1u << 8,  1u << 9,  1u << 10,
      1u << 11, 1u << 12, 1u << 13, 1u << 14, 1u << 15, 1u << 16, 1u << 17, 1u << 18, 1u << 19, 1u << 20, 1u << 21,
      1u << 22, 1u << 23, 1u << 24, 1u << 25, 1u << 26, 1u << 27, 1u << 28, 1u << 29, 1u << 30, 1u << 31};
  const hn::RebindToUnsigned<D> du;
  const auto is_set = hn::TestBit(hn::Set(du, bits), hn::Load(du, kBit + v * hn::MaxLanes(d)));
  return hn::IfThenElseZero(is_set, hn::Set(du, 16u));
}

// half d, 32 x int8 q: d q.
struct Q8_0Format {
  static constexpr GgmlType kType = GgmlType::kQ8_0;
  static constexpr size_t kBlockBytes = 34, kChunks = 1;

  template <class D>
  static HWY_INLINE NoScales Begin(D, const uint8_t*) {
    return {};
  }
  template <size_t kChunk, class D>
  static HWY_INLINE void Decode(D d, const uint8_t* block, NoScales, hn::Vec<D>* out) {
    const auto scale = SetHalf(d, block);
    ForChunk(d, [&](auto v) LP_LAMBDA {
      const auto q = LoadSignedBytes(d, block + 2 + v * hn::MaxLanes(d));
      out[v] = hn::Mul(hn::ConvertTo(d, q), scale);
    });
  }
};

// half d, 32 x 4 bits q: d (q - 8).
struct Q4_0Format {
  static constexpr GgmlType kType = GgmlType::kQ4_0;
  static constexpr size_t kBlockBytes = 18, kChunks = 1;

  template <class D>
  static HWY_INLINE NoScales Begin(D, const uint8_t*) {
    return {};
  }
  template <size_t kChunk, class D>
  static HWY_INLINE void Decode(D d, const uint8_t* block, NoScales, hn::Vec<D>* out) {
    const auto scale = SetHalf(d, block);
    Decode4Bits(d, block + 2, out, [&](auto q) LP_LAMBDA { return hn::Mul(hn::Sub(q, hn::Set(d, 8.0f)), scale); });
  }
};

// half d, half m, 32 x 4 bits q: d q + m.
struct Q4_1Format {
  static constexpr GgmlType kType = GgmlType::kQ4_1;
  static constexpr size_t kBlockBytes = 20, kChunks = 1;

  template <class D>
  static HWY_INLINE NoScales Begin(D, const uint8_t*) {
    return {};
  }
  template <size_t kChunk, class D>
  static HWY_INLINE void Decode(D d, const uint8_t* block, NoScales, hn::Vec<D>* out) {
    const auto scale = SetHalf(d, block), min = SetHalf(d, block + 2);
    Decode4Bits(d, block + 4, out, [&](auto q) LP_LAMBDA { return hn::MulAdd(q, scale, min); });
  }
};

// half d, 32 fifth bits, 32 x 4 bits q: d (q - 16).
struct Q5_0Format {
  static constexpr GgmlType kType = GgmlType::kQ5_0;
  static constexpr size_t kBlockBytes = 22, kChunks = 1;

  template <class D>
  static HWY_INLINE NoScales Begin(D, const uint8_t*) {
    return {};
  }
  template <size_t kChunk, class D>
  static HWY_INLINE void Decode(D d, const uint8_t* block, NoScales, hn::Vec<D>* out) {
    const auto scale = SetHalf(d, block), offset = hn::Set(d, 16.0f);
    const auto bits = LoadBits<uint32_t>(block + 2);
    ForChunk(d, [&](auto v) LP_LAMBDA {
      const auto q = hn::Or(Load4Bits(d, block + 6, v), FifthBits(d, bits, v));
      out[v] = hn::Mul(hn::Sub(FloatFromInt(d, q), offset), scale);
    });
  }
};

// half d, half m, 32 fifth bits, 32 x 4 bits q: d q + m.
struct Q5_1Format {
  static constexpr GgmlType kType = GgmlType::kQ5_1;
  static constexpr size_t kBlockBytes = 24, kChunks = 1;

  template <class D>
  static HWY_INLINE NoScales Begin(D, const uint8_t*) {
    return {};
  }
  template <size_t kChunk, class D>
  static HWY_INLINE void Decode(D d, const uint8_t* block, NoScales, hn::Vec<D>* out) {
    const auto scale = SetHalf(d, block), min = SetHalf(d, block + 2);
    const auto bits = LoadBits<uint32_t>(block + 4);
    ForChunk(d, [&](auto v) LP_LAMBDA {
      const auto q = hn::Or(Load4Bits(d, block + 8, v), FifthBits(d, bits, v));
      out[v] = hn::MulAdd(FloatFromInt(d, q), scale, min);
    });
  }
};

// The 16 values that the 4-bit quants of IQ4_NL and IQ4_XS stand for.
struct Iq4Values {
  alignas(64) static constexpr int8_t kInt[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                  1,    13,   25,  38,  53,  69,  89,  113};
};

// 32 numbers scale * value[q] from 4-bit quants at q.
template <class D>
HWY_INLINE void DecodeIq4(D d, const uint8_t* q, hn::Vec<D> scale, hn::Vec<D>* out) {
  const hn::RebindToSigned<D> di;
  if constexpr (kHasTable16<D>) {
    const hn::Rebind<int8_t, D> d8;
    const auto values = hn::ConvertTo(d, hn::PromoteTo(di, hn::Load(d8, Iq4Values::kInt)));
    Decode4Bits(d, q, out, [&](auto) LP_LAMBDA { return hn::Mul(values, scale); });
  } else {
#if HWY_TARGET == HWY_SCALAR  // which has no operations between lanes
    for (size_t i = 0; i < kLanes; ++i) {
      const int value = Iq4Values::kInt[i < 16 ? q[i] & 15 : q[i - 16] >> 4];
      out[i] = hn::Mul(hn::Set(d, static_cast<float>(value)), scale);
    }
#else
    const hn::Rebind<uint8_t, D> d8;
    const auto values = hn::Load(hn::Full128<int8_t>(), Iq4Values::kInt);
    ForChunk(d, [&](auto v) LP_LAMBDA {
      const size_t first = v * hn::MaxLanes(d);
      const auto bytes = hn::LoadU(d8, q + first % 16);
      const auto index = first >= 16 ? hn::ShiftRight<4>(bytes) : hn::And(bytes, hn::Set(d8, uint8_t{15}));
      const auto value = hn::TableLookupBytes(values, hn::BitCast(hn::Rebind<int8_t, D>(), index));
      out[v] = hn::Mul(hn::ConvertTo(d, hn::PromoteTo(di, value)), scale);
    });
#endif
  }
}

// half d, 32 x 4 bits q: d value[q].
struct IQ4_NLFormat {
  static constexpr GgmlType kType = GgmlType::kIQ4_NL;
  static constexpr size_t kBlockBytes = 18, kChunks = 1;

  template <class D>
  static HWY_INLINE NoScales Begin(D, const uint8_t*) {
    return {};
  }
  template <size_t kChunk, class D>
  static HWY_INLINE void Decode(D d, const uint8_t* block, NoScales, hn::Vec<D>* out) {
    DecodeIq4(d, block + 2, SetHalf(d, block), out);
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
