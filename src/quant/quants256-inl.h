// Block types of 256 numbers: one or two half scales, small scales for runs of 16 or 32, then 256 quants. See quants-inl.h.

#if defined(LP_QUANT_QUANTS256_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LP_QUANT_QUANTS256_INL_H_
#undef LP_QUANT_QUANTS256_INL_H_
#else
#define LP_QUANT_QUANTS256_INL_H_
#endif

#include "quant/quants-inl.h"
#include "quant/quants32-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// kCount small integers of type T in kCount / 8 words, first in the lowest byte -> out[i] = (value - offset) * scale.
template <size_t kCount, class T>
HWY_INLINE void StoreScales(const uint64_t* words, float offset, ScaleVec scale, float* HWY_RESTRICT out) {
  const ScaleTag d;
  const auto* bytes = reinterpret_cast<const T*>(words);
  for (size_t i = 0; i < kCount; i += hn::MaxLanes(d)) {
    const auto value = hn::PromoteTo(hn::RebindToSigned<ScaleTag>(), hn::LoadU(hn::Rebind<T, ScaleTag>(), bytes + i));
    hn::Store(hn::Mul(hn::Sub(hn::ConvertTo(d, value), hn::Set(d, offset)), scale), d, out + i);
  }
}

struct BlockOf256 {
  static constexpr size_t kBlock = 256;
};

// 16 bytes (low half: scale, high half: minimum, of a run of 16), 64 bytes of 2-bit quants, half d, half m:
// d scale q - m min. Number 128 a + 32 b + i is bits 2b of quant byte 32 a + i.
struct Q2_K : BlockOf256 {
  static constexpr GgmlType kType = GgmlType::kQ2_K;
  static constexpr size_t kBlockBytes = 84, kRun = 16;
  static constexpr int16_t kOffset = 0;
  static constexpr bool kHasMin = true;

  static HWY_INLINE void Scales(const uint8_t* block, RunScales& out) {
    constexpr uint64_t kLow = 0x0F0F0F0F0F0F0F0Fu;
    const auto a = LoadBits<uint64_t>(block), b = LoadBits<uint64_t>(block + 8);
    const uint64_t scales[2] = {a & kLow, b & kLow}, mins[2] = {(a >> 4) & kLow, (b >> 4) & kLow};
    StoreScales<16, uint8_t>(scales, 0, SetHalf(block + 80), out.scale);
    StoreScales<16, uint8_t>(mins, 0, SetHalf(block + 82), out.min);
  }
  template <size_t kAt>
  static HWY_INLINE void Quants(QuantTag d, const uint8_t* block, QuantVec* out) {
    ForQuants([&](auto v) LP_LAMBDA {
      out[v] = Bits<kAt % 4 * 2>(d, LoadBytes(d, block + 16 + kAt / 4 * 32 + v * hn::MaxLanes(d)), 3);
    });
  }
};

// 32 bytes of third bits, 64 bytes of 2-bit quants, 12 bytes of sixteen 6-bit scales, half d: d (scale - 32) (q - 4).
// Quants as in Q2_K; the third bit of number 32 c + i is bit c of byte i. Scale i has its low 4 bits in half i / 8 of
// byte i % 8, and its high 2 in bits 2 (i / 4) of byte 8 + i % 4.
struct Q3_K : BlockOf256 {
  static constexpr GgmlType kType = GgmlType::kQ3_K;
  static constexpr size_t kBlockBytes = 110, kRun = 16;
  static constexpr int16_t kOffset = 4;
  static constexpr bool kHasMin = false;

  static HWY_INLINE void Scales(const uint8_t* block, RunScales& out) {
    constexpr uint64_t kLow = 0x0F0F0F0F0F0F0F0Fu, kTwo = 0x0303030303030303u;
    const auto low = LoadBits<uint64_t>(block + 96);
    const uint64_t high = LoadBits<uint32_t>(block + 104);
    const uint64_t high01 = (high | high << 30) & kTwo;  // bits 0 of bytes 0..3, then bits 2
    const uint64_t high23 = (high >> 4 | (high >> 6) << 32) & kTwo;
    const uint64_t scales[2] = {(low & kLow) | high01 << 4, ((low >> 4) & kLow) | high23 << 4};
    StoreScales<16, uint8_t>(scales, 32, SetHalf(block + 108), out.scale);
  }
  template <size_t kAt>
  static HWY_INLINE void Quants(QuantTag d, const uint8_t* block, QuantVec* out) {
    ForQuants([&](auto v) LP_LAMBDA {
      const size_t at = v * hn::MaxLanes(d);
      const auto low = Bits<kAt % 4 * 2>(d, LoadBytes(d, block + 32 + kAt / 4 * 32 + at), 3);
      const auto high = Bits<kAt>(d, LoadBytes(d, block + at), 1);
      out[v] = hn::Or(low, hn::ShiftLeft<2>(high));
    });
  }
};

// half d, half m, 12 bytes of eight 6-bit scales and minima, one of each to a chunk. Scales 0..3 are the low 6 bits of
// bytes 0..3, minima 0..3 of bytes 4..7; scales 4..7 the low halves of bytes 8..11 under the high 2 bits of bytes 0..3,
// minima 4..7 the high halves under the high 2 bits of bytes 4..7. Q4_K and Q5_K begin so.
struct ScalesOfSixBits : BlockOf256 {
  static constexpr size_t kRun = 32;
  static constexpr int16_t kOffset = 0;
  static constexpr bool kHasMin = true;

  // The eight small integers of each, the first in the lowest byte.
  struct SmallScales {
    uint64_t scales, mins;
  };
  static HWY_INLINE SmallScales SmallOf(const uint8_t* block) {
    constexpr uint32_t kSix = 0x3F3F3F3Fu, kFour = 0x0F0F0F0Fu, kHighTwo = 0x30303030u;
    const auto a = LoadBits<uint32_t>(block + 4), b = LoadBits<uint32_t>(block + 8), c = LoadBits<uint32_t>(block + 12);
    const uint32_t high_scales = (c & kFour) | ((a >> 2) & kHighTwo);
    const uint32_t high_mins = ((c >> 4) & kFour) | ((b >> 2) & kHighTwo);
    return {uint64_t{high_scales} << 32 | (a & kSix), uint64_t{high_mins} << 32 | (b & kSix)};
  }
  static HWY_INLINE void Scales(const uint8_t* block, RunScales& out) {
    const SmallScales small = SmallOf(block);
    StoreScales<8, uint8_t>(&small.scales, 0, SetHalf(block), out.scale);
    StoreScales<8, uint8_t>(&small.mins, 0, SetHalf(block + 2), out.min);
  }
};

// Head as above, 128 bytes of 4-bit quants: d scale q - m min. Number 64 a + i is the low half of byte 32 a + i, number
// 64 a + 32 + i its high half.
struct Q4_K : ScalesOfSixBits {
  static constexpr GgmlType kType = GgmlType::kQ4_K;
  static constexpr size_t kBlockBytes = 144;

  template <size_t kAt>
  static HWY_INLINE void Quants(QuantTag d, const uint8_t* block, QuantVec* out) {
    ForQuants([&](auto v) LP_LAMBDA {
      out[v] = Bits<kAt % 2 * 4>(d, LoadBytes(d, block + 16 + kAt / 2 * 32 + v * hn::MaxLanes(d)), 15);
    });
  }
};

// Head as above, 32 bytes of fifth bits, 128 bytes of 4-bit quants as in Q4_K: d scale q - m min. The fifth bit of
// number 32 c + i is bit c of byte i.
struct Q5_K : ScalesOfSixBits {
  static constexpr GgmlType kType = GgmlType::kQ5_K;
  static constexpr size_t kBlockBytes = 176;

  template <size_t kAt>
  static HWY_INLINE void Quants(QuantTag d, const uint8_t* block, QuantVec* out) {
    ForQuants([&](auto v) LP_LAMBDA {
      const size_t at = v * hn::MaxLanes(d);
      const auto low = Bits<kAt % 2 * 4>(d, LoadBytes(d, block + 48 + kAt / 2 * 32 + at), 15);
      const auto high = Bits<kAt>(d, LoadBytes(d, block + 16 + at), 1);
      out[v] = hn::Or(low, hn::ShiftLeft<4>(high));
    });
  }
};

// 128 bytes of low 4 bits, 64 bytes of high 2 bits, sixteen int8 scales, half d: d scale (q - 32). Within each half of
// 128, number 32 b + i has its low bits in half b / 2 of byte 32 (b % 2) + i, its high bits in bits 2b of byte i.
struct Q6_K : BlockOf256 {
  static constexpr GgmlType kType = GgmlType::kQ6_K;
  static constexpr size_t kBlockBytes = 210, kRun = 16;
  static constexpr int16_t kOffset = 32;
  static constexpr bool kHasMin = false;

  static HWY_INLINE void Scales(const uint8_t* block, RunScales& out) {
    const uint64_t scales[2] = {LoadBits<uint64_t>(block + 192), LoadBits<uint64_t>(block + 200)};
    StoreScales<16, int8_t>(scales, 0, SetHalf(block + 208), out.scale);
  }
  template <size_t kAt>
  static HWY_INLINE void Quants(QuantTag d, const uint8_t* block, QuantVec* out) {
    constexpr size_t kHalf = kAt / 4, kPart = kAt % 4;
    ForQuants([&](auto v) LP_LAMBDA {
      const size_t at = v * hn::MaxLanes(d);
      const auto low = Bits<kPart / 2 * 4>(d, LoadBytes(d, block + 64 * kHalf + kPart % 2 * 32 + at), 15);
      const auto high = Bits<kPart * 2>(d, LoadBytes(d, block + 128 + 32 * kHalf + at), 3);
      out[v] = hn::Or(low, hn::ShiftLeft<4>(high));
    });
  }
};

// half d, 16 high bits and 4 bytes of low 4 bits of eight 6-bit scales, 8 x 16 bytes of 4-bit quants as in IQ4_NL:
// d (scale - 32) value[q]. Scale i: bits 2i of the high bits, half i % 2 of byte i / 2.
struct IQ4_XS : BlockOf256 {
  static constexpr GgmlType kType = GgmlType::kIQ4_XS;
  static constexpr size_t kBlockBytes = 136, kRun = 32;
  static constexpr int16_t kOffset = 0;
  static constexpr bool kHasMin = false;

  static HWY_INLINE void Scales(const uint8_t* block, RunScales& out) {
    // Spread to one byte each, by halves.
    uint64_t high = LoadBits<uint16_t>(block + 2), low = LoadBits<uint32_t>(block + 4);
    high = (high | high << 24) & 0x000000FF000000FFu;
    high = (high | high << 12) & 0x000F000F000F000Fu;
    high = (high | high << 6) & 0x0303030303030303u;
    low = (low | low << 16) & 0x0000FFFF0000FFFFu;
    low = (low | low << 8) & 0x00FF00FF00FF00FFu;
    low = (low | low << 4) & 0x0F0F0F0F0F0F0F0Fu;
    const uint64_t scales = low | high << 4;
    StoreScales<8, uint8_t>(&scales, 32, SetHalf(block), out.scale);
  }
  template <size_t kAt>
  static HWY_INLINE void Quants(QuantTag d, const uint8_t* block, QuantVec* out) {
    LoadIq4(d, block + 8 + 16 * kAt, out);
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
