// Weight types in blocks of 256: one or two half scales, small scales for runs of 16 or 32, then 256 quants.
// See formats-inl.h.
//
// The small scales of a block are unpacked with 64-bit arithmetic, multiplied and stored once per block; chunks
// broadcast them from there, which takes a load and no shuffle.

#if defined(LP_QUANT_FORMATS256_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LP_QUANT_FORMATS256_INL_H_
#undef LP_QUANT_FORMATS256_INL_H_
#else
#define LP_QUANT_FORMATS256_INL_H_
#endif

#include "quant/formats-inl.h"
#include "quant/formats32-inl.h"
#include "quant/spread-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// kCount small integers in kCount / 8 words, first in the lowest byte -> out[i] = (value - offset) * scale.
template <size_t kCount, class D>
HWY_INLINE void StoreScales(D /*d*/, const uint64_t* words, float offset, hn::Vec<D> scale, float* HWY_RESTRICT out) {
  const hn::CappedTag<float, kCount> dc;
  const auto scale_c = hn::Set(dc, hn::GetLane(scale));
  const auto* bytes = reinterpret_cast<const uint8_t*>(words);
  for (size_t i = 0; i < kCount; i += hn::MaxLanes(dc)) {
    const auto value = hn::Sub(FloatFromInt(dc, LoadBytes(dc, bytes + i)), hn::Set(dc, offset));
    hn::StoreU(hn::Mul(value, scale_c), dc, out + i);
  }
}

// Scales and minima, already multiplied by the block's halves.
template <size_t kCount>
struct ScalesMins {
  alignas(64) float scale[kCount];
  alignas(64) float min[kCount];
};
template <size_t kCount>
struct ScalesOnly {
  alignas(64) float scale[kCount];
};

// Index of the run of 16 numbers that vector v of a chunk lies in, or begins with: 0 or 1. Vectors have 16 lanes at
// most.
template <class D>
constexpr size_t RunOf(size_t v) {
  return v * hn::MaxLanes(D()) / 16;
}

// (q >> shift) & mask with constant shift.
template <size_t kShift, class D, class V>
HWY_INLINE V Bits(D /*d*/, V q, uint32_t mask) {
  return hn::And(hn::ShiftRight<static_cast<int>(kShift)>(q), hn::Set(hn::RebindToUnsigned<D>(), mask));
}

// 16 bytes (low half: scale, high half: minimum, of a run of 16), 64 bytes of 2-bit quants, half d, half m:
// d scale q - m min. Number 128 a + 32 b + i is bits 2b of quant byte 32 a + i.
struct Q2_KFormat {
  static constexpr GgmlType kType = GgmlType::kQ2_K;
  static constexpr size_t kBlockBytes = 84, kChunks = 8;

  template <class D>
  static HWY_INLINE ScalesMins<16> Begin(D d, const uint8_t* block) {
    constexpr uint64_t kLow = 0x0F0F0F0F0F0F0F0Fu;
    const auto a = LoadBits<uint64_t>(block), b = LoadBits<uint64_t>(block + 8);
    const uint64_t scales[2] = {a & kLow, b & kLow}, mins[2] = {(a >> 4) & kLow, (b >> 4) & kLow};
    ScalesMins<16> out;
    StoreScales<16>(d, scales, 0, SetHalf(d, block + 80), out.scale);
    StoreScales<16>(d, mins, 0, SetHalf(d, block + 82), out.min);
    return out;
  }
  template <size_t kChunk, class D>
  static HWY_INLINE void Decode(D d, const uint8_t* block, const ScalesMins<16>& s, hn::Vec<D>* out) {
    ForChunk(d, [&](auto v) LP_LAMBDA {
      const auto bytes = LoadBytes(d, block + 16 + kChunk / 4 * 32 + v * hn::MaxLanes(d));
      const auto q = FloatFromInt(d, Bits<kChunk % 4 * 2>(d, bytes, 3u));
      const size_t run = 2 * kChunk + RunOf<D>(v);
      out[v] = hn::MulSub(q, hn::Set(d, s.scale[run]), hn::Set(d, s.min[run]));
    });
  }
};

// 32 bytes of third bits, 64 bytes of 2-bit quants, 12 bytes of sixteen 6-bit scales, half d: d (scale - 32) (q - 4).
// Quants as in Q2_K; the third bit of number 32 c + i is bit c of byte i. Scale i has its low 4 bits in half i / 8 of
// byte i % 8, and its high 2 in bits 2 (i / 4) of byte 8 + i % 4.
struct Q3_KFormat {
  static constexpr GgmlType kType = GgmlType::kQ3_K;
  static constexpr size_t kBlockBytes = 110, kChunks = 8;

  template <class D>
  static HWY_INLINE ScalesOnly<16> Begin(D d, const uint8_t* block) {
    constexpr uint64_t kLow = 0x0F0F0F0F0F0F0F0Fu, kTwo = 0x0303030303030303u;
    const auto low = LoadBits<uint64_t>(block + 96);
    const uint64_t high = LoadBits<uint32_t>(block + 104);
    const uint64_t high01 = (high | high << 30) & kTwo;  // bits 0 of bytes 0..3, then bits 2
    const uint64_t high23 = (high >> 4 | (high >> 6) << 32) & kTwo;
    const uint64_t scales[2] = {(low & kLow) | high01 << 4, ((low >> 4) & kLow) | high23 << 4};
    ScalesOnly<16> out;
    StoreScales<16>(d, scales, 32, SetHalf(d, block + 108), out.scale);
    return out;
  }
  template <size_t kChunk, class D>
  static HWY_INLINE void Decode(D d, const uint8_t* block, const ScalesOnly<16>& s, hn::Vec<D>* out) {
    const hn::RebindToUnsigned<D> du;
    ForChunk(d, [&](auto v) LP_LAMBDA {
      const auto low = LoadBytes(d, block + 32 + kChunk / 4 * 32 + v * hn::MaxLanes(d));
      const auto high = Bits<kChunk>(d, LoadBytes(d, block + v * hn::MaxLanes(d)), 1u);
      const auto q = hn::Or(Bits<kChunk % 4 * 2>(d, low, 3u), hn::ShiftLeft<2>(high));
      const auto value = hn::ConvertTo(d, hn::BitCast(hn::RebindToSigned<D>(), hn::Sub(q, hn::Set(du, 4u))));
      out[v] = hn::Mul(value, hn::Set(d, s.scale[2 * kChunk + RunOf<D>(v)]));
    });
  }
};

// half d, half m, 12 bytes of eight 6-bit scales and minima, one of each to a chunk. Scales 0..3 are the low 6 bits of
// bytes 0..3, minima 0..3 of bytes 4..7; scales 4..7 the low halves of bytes 8..11 under the high 2 bits of bytes 0..3,
// minima 4..7 the high halves under the high 2 bits of bytes 4..7. Q4_K and Q5_K begin so.
template <class D>
HWY_INLINE ScalesMins<8> BeginQ45(D d, const uint8_t* block, float factor = 1.0f) {
  constexpr uint32_t kSix = 0x3F3F3F3Fu, kFour = 0x0F0F0F0Fu, kHighTwo = 0x30303030u;
  const auto a = LoadBits<uint32_t>(block + 4), b = LoadBits<uint32_t>(block + 8), c = LoadBits<uint32_t>(block + 12);
  const uint32_t high_scales = (c & kFour) | ((a >> 2) & kHighTwo);
  const uint32_t high_mins = ((c >> 4) & kFour) | ((b >> 2) & kHighTwo);
  const uint64_t scales = uint64_t{high_scales} << 32 | (a & kSix), mins = uint64_t{high_mins} << 32 | (b & kSix);
  ScalesMins<8> out;
  StoreScales<8>(d, &scales, 0, hn::Mul(SetHalf(d, block), hn::Set(d, factor)), out.scale);
  StoreScales<8>(d, &mins, 0, SetHalf(d, block + 2), out.min);
  return out;
}

// Head as above, 128 bytes of 4-bit quants: d scale q - m min. Number 64 a + i is the low half of byte 32 a + i, number
// 64 a + 32 + i its high half.
struct Q4_KFormat {
  static constexpr GgmlType kType = GgmlType::kQ4_K;
  static constexpr size_t kBlockBytes = 144, kChunks = 8;

  template <class D>
  static HWY_INLINE ScalesMins<8> Begin(D d, const uint8_t* block) {
    return BeginQ45(d, block);
  }
  template <size_t kChunk, class D>
  static HWY_INLINE void Decode(D d, const uint8_t* block, const ScalesMins<8>& s, hn::Vec<D>* out) {
    const auto scale = hn::Set(d, s.scale[kChunk]), min = hn::Set(d, s.min[kChunk]);
    const uint8_t* q = block + 16 + kChunk / 2 * 32;
    if constexpr (kHasTable16<D>) {
      const auto table = hn::MulSub(hn::Iota(d, 0), scale, min);
      ForChunk(d, [&](auto v) LP_LAMBDA {
        const auto both = LoadBytes(d, q + v * hn::MaxLanes(d));
        out[v] = Lookup16(d, table, kChunk % 2 == 0 ? both : hn::ShiftRight<4>(both));
      });
    } else {
      ForChunk(d, [&](auto v) LP_LAMBDA {
        const auto bits = Bits<kChunk % 2 * 4>(d, LoadBytes(d, q + v * hn::MaxLanes(d)), 15u);
        out[v] = hn::MulSub(FloatFromInt(d, bits), scale, min);
      });
    }
  }

  template <class D>
  static HWY_INLINE ScalesMins<8> BeginSpread(D d, const uint8_t* block) {
    return BeginQ45(d, block, kSpreadScale);
  }
  template <size_t kChunk, class D>
  static HWY_INLINE void DecodeSpread(D d, const uint8_t* block, const ScalesMins<8>& s, hn::Vec<D>* out) {
    const auto both = hn::LoadU(ByteTag<D>(), block + 16 + kChunk / 2 * 32);
    const auto q = ShiftBytes<-4 * int{kChunk % 2}>(d, both, 0x0F);
    DecodeSpreadBytes(d, q, hn::Set(d, s.scale[kChunk]), hn::Set(d, s.min[kChunk]), out);
  }
};

// Head as above, 32 bytes of fifth bits, 128 bytes of 4-bit quants as in Q4_K: d scale q - m min. The fifth bit of
// number 32 c + i is bit c of byte i.
struct Q5_KFormat {
  static constexpr GgmlType kType = GgmlType::kQ5_K;
  static constexpr size_t kBlockBytes = 176, kChunks = 8;

  template <class D>
  static HWY_INLINE ScalesMins<8> Begin(D d, const uint8_t* block) {
    return BeginQ45(d, block);
  }
  template <size_t kChunk, class D>
  static HWY_INLINE void Decode(D d, const uint8_t* block, const ScalesMins<8>& s, hn::Vec<D>* out) {
    const auto scale = hn::Set(d, s.scale[kChunk]), min = hn::Set(d, s.min[kChunk]);
    ForChunk(d, [&](auto v) LP_LAMBDA {
      const auto low = Bits<kChunk % 2 * 4>(d, LoadBytes(d, block + 48 + kChunk / 2 * 32 + v * hn::MaxLanes(d)), 15u);
      const auto high = Bits<kChunk>(d, LoadBytes(d, block + 16 + v * hn::MaxLanes(d)), 1u);
      out[v] = hn::MulSub(FloatFromInt(d, hn::Or(low, hn::ShiftLeft<4>(high))), scale, min);
    });
  }

  template <class D>
  static HWY_INLINE ScalesMins<8> BeginSpread(D d, const uint8_t* block) {
    return BeginQ45(d, block, kSpreadScale);
  }
  template <size_t kChunk, class D>
  static HWY_INLINE void DecodeSpread(D d, const uint8_t* block, const ScalesMins<8>& s, hn::Vec<D>* out) {
    const ByteTag<D> d8;
    const auto low = ShiftBytes<-4 * int{kChunk % 2}>(d, hn::LoadU(d8, block + 48 + kChunk / 2 * 32), 0x0F);
    const auto high = ShiftBytes<4 - int{kChunk}>(d, hn::LoadU(d8, block + 16), 0x10);
    DecodeSpreadBytes(d, hn::Or(low, high), hn::Set(d, s.scale[kChunk]), hn::Set(d, s.min[kChunk]), out);
  }
};

// 128 bytes of low 4 bits, 64 bytes of high 2 bits, sixteen int8 scales, half d: d scale (q - 32). Within each half of
// 128, number 32 b + i has its low bits in half b / 2 of byte 32 (b % 2) + i, its high bits in bits 2b of byte i.
struct Q6_KFormat {
  static constexpr GgmlType kType = GgmlType::kQ6_K;
  static constexpr size_t kBlockBytes = 210, kChunks = 8;

  template <class D>
  static HWY_INLINE ScalesOnly<16> Begin(D d, const uint8_t* block) {
    return BeginWith(d, block, SetHalf(d, block + 208));
  }
  template <class D>
  static HWY_INLINE ScalesOnly<16> BeginWith(D d, const uint8_t* block, hn::Vec<D> scale) {
    ScalesOnly<16> out;
    for (size_t i = 0; i < 16; i += hn::MaxLanes(d)) {
      hn::StoreU(hn::Mul(hn::ConvertTo(d, LoadSignedBytes(d, block + 192 + i)), scale), d, out.scale + i);
    }
    return out;
  }
  template <size_t kChunk, class D>
  static HWY_INLINE void Decode(D d, const uint8_t* block, const ScalesOnly<16>& s, hn::Vec<D>* out) {
    constexpr size_t kHalf = kChunk / 4, kPart = kChunk % 4;
    const hn::RebindToUnsigned<D> du;
    ForChunk(d, [&](auto v) LP_LAMBDA {
      const size_t at = v * hn::MaxLanes(d);
      const auto low = Bits<kPart / 2 * 4>(d, LoadBytes(d, block + 64 * kHalf + kPart % 2 * 32 + at), 15u);
      const auto high = Bits<kPart * 2>(d, LoadBytes(d, block + 128 + 32 * kHalf + at), 3u);
      const auto q = hn::Sub(hn::Or(low, hn::ShiftLeft<4>(high)), hn::Set(du, 32u));
      const auto value = hn::ConvertTo(d, hn::BitCast(hn::RebindToSigned<D>(), q));
      out[v] = hn::Mul(value, hn::Set(d, s.scale[2 * kChunk + RunOf<D>(v)]));
    });
  }

  template <class D>
  static HWY_INLINE ScalesOnly<16> BeginSpread(D d, const uint8_t* block) {
    return BeginWith(d, block, hn::Mul(SetHalf(d, block + 208), hn::Set(d, kSpreadScale)));
  }
  template <size_t kChunk, class D>
  static HWY_INLINE void DecodeSpread(D d, const uint8_t* block, const ScalesOnly<16>& s, hn::Vec<D>* out) {
    constexpr size_t kHalf = kChunk / 4, kPart = kChunk % 4;
    const ByteTag<D> d8;
    const auto low = ShiftBytes<-4 * int{kPart / 2}>(d, hn::LoadU(d8, block + 64 * kHalf + kPart % 2 * 32), 0x0F);
    const auto high = ShiftBytes<4 - int{2 * kPart}>(d, hn::LoadU(d8, block + 128 + 32 * kHalf), 0x30);
    DecodeSpreadBytes(d, hn::Sub(hn::Or(low, high), hn::Set(d8, uint8_t{32})), SetRuns(d, s.scale + 2 * kChunk), out);
  }
};

// half d, 16 high bits and 4 bytes of low 4 bits of eight 6-bit scales, 8 x 16 bytes of 4-bit quants as in IQ4_NL:
// d (scale - 32) value[q]. Scale i: bits 2i of the high bits, half i % 2 of byte i / 2.
struct IQ4_XSFormat {
  static constexpr GgmlType kType = GgmlType::kIQ4_XS;
  static constexpr size_t kBlockBytes = 136, kChunks = 8;

  template <class D>
  static HWY_INLINE ScalesOnly<8> Begin(D d, const uint8_t* block) {
    // Spread to one byte each, by halves.
    uint64_t high = LoadBits<uint16_t>(block + 2), low = LoadBits<uint32_t>(block + 4);
    high = (high | high << 24) & 0x000000FF000000FFu;
    high = (high | high << 12) & 0x000F000F000F000Fu;
    high = (high | high << 6) & 0x0303030303030303u;
    low = (low | low << 16) & 0x0000FFFF0000FFFFu;
    low = (low | low << 8) & 0x00FF00FF00FF00FFu;
    low = (low | low << 4) & 0x0F0F0F0F0F0F0F0Fu;
    const uint64_t scales = low | high << 4;
    ScalesOnly<8> out;
    StoreScales<8>(d, &scales, 32, SetHalf(d, block), out.scale);
    return out;
  }
  template <size_t kChunk, class D>
  static HWY_INLINE void Decode(D d, const uint8_t* block, const ScalesOnly<8>& s, hn::Vec<D>* out) {
    DecodeIq4(d, block + 8 + 16 * kChunk, hn::Set(d, s.scale[kChunk]), out);
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
