// How each weight type decodes: 32 stored numbers -> 32 floats in vectors. Compiled once per SIMD target.
//
// A format is a struct with
//   kType, kBlockBytes, kChunks        a block is kChunks chunks of 32 numbers: 1, or 8 for the blocks of 256
//   Scales Begin(d, block)             what the chunks of a block share, worked out once per block
//   Decode<chunk>(d, block, scales, out)   numbers [32 chunk, 32 chunk + 32) of a block, chunk a constant;
//                                      out[v] holds 32 chunk + v Lanes(d) + lane
// Decoding must be the same arithmetic on every target: products and sums depend on it bit for bit. It is also exact
// but for one rounding: a half's 11 bits times the bits of a scale and of a quant fit in a float's 24, so only formats
// that subtract a minimum round, once, whether or not the target fuses multiply and add.
//
// Here: what they share and the types that are plain numbers. Blocks of 32 are in formats32-inl.h, of 256 in
// formats256-inl.h. The layouts are those of the block structs in ggml's ggml-common.h; each struct states its own.

#if defined(LP_QUANT_FORMATS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LP_QUANT_FORMATS_INL_H_
#undef LP_QUANT_FORMATS_INL_H_
#else
#define LP_QUANT_FORMATS_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "gguf/gguf.h"
#include "hwy/highway.h"
#include "quant/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// IEEE half -> float, exact. Highway's own where the processor has it; its emulation elsewhere takes infinity and NaN
// (exponent 31) for 65536 and up, which no finite half reaches, so those get their exponent here.
template <class D, class V16>
HWY_INLINE hn::Vec<D> FloatFromHalf(D d, V16 half) {
  const auto value = hn::PromoteTo(d, half);
  constexpr bool kHasConversion = HWY_TARGET <= HWY_AVX2;  // Highway numbers x86 targets below all others, best first
  if constexpr (kHasConversion) return value;
  const hn::RebindToUnsigned<D> du;
  const auto special = hn::BitCast(d, hn::Or(hn::BitCast(du, value), hn::Set(du, 0x7F800000u)));
  return hn::IfThenElse(hn::Ge(hn::Abs(value), hn::Set(d, 65536.0f)), special, value);
}

// The half at `bytes` (any alignment) in every lane. Broadcast first: one instruction less.
template <class D>
HWY_INLINE hn::Vec<D> SetHalf(D d, const uint8_t* bytes) {
  const hn::Rebind<uint16_t, D> du16;
  const hn::Rebind<hwy::float16_t, D> d16;
  uint16_t half;
  std::memcpy(&half, bytes, sizeof(half));
  return FloatFromHalf(d, hn::BitCast(d16, hn::Set(du16, half)));
}

// An unsigned integer at any alignment; the first byte is the lowest, as all of ggml's formats have it.
template <class T>
HWY_INLINE T LoadBits(const uint8_t* bytes) {
  T out;
  std::memcpy(&out, bytes, sizeof(out));
  return out;
}

// As many bytes as d has lanes, each as an unsigned or signed 32-bit integer.
template <class D>
HWY_INLINE hn::Vec<hn::RebindToUnsigned<D>> LoadBytes(D /*d*/, const uint8_t* bytes) {
  return hn::PromoteTo(hn::RebindToUnsigned<D>(), hn::LoadU(hn::Rebind<uint8_t, D>(), bytes));
}
template <class D>
HWY_INLINE hn::Vec<hn::RebindToSigned<D>> LoadSignedBytes(D /*d*/, const uint8_t* bytes) {
  return hn::PromoteTo(hn::RebindToSigned<D>(),
                       hn::LoadU(hn::Rebind<int8_t, D>(), reinterpret_cast<const int8_t*>(bytes)));
}

template <class D>
HWY_INLINE hn::Vec<D> FloatFromInt(D d, hn::Vec<hn::RebindToUnsigned<D>> q) {
  return hn::ConvertTo(d, hn::BitCast(hn::RebindToSigned<D>(), q));
}

// body(v) for the vectors of a chunk; the vector holds numbers v MaxLanes(d) and on.
template <class D, class Body>
HWY_INLINE void ForChunk(D /*d*/, const Body& body) {
  Unrolled<kVectors<D>>(body);
}

struct NoScales {};

// What plain numbers share: rows that may end anywhere.
template <class Format, class D>
HWY_INLINE void DecodePlainTail(D d, const uint8_t* chunk, size_t count, float* out) {
  alignas(64) uint8_t padded[Format::kBlockBytes] = {};
  for (size_t i = 0; i < count * (Format::kBlockBytes / kLanes); ++i) padded[i] = chunk[i];
  hn::Vec<D> w[kVectors<D>];
  Format::template Decode<0>(d, padded, NoScales(), w);
  ForChunk(d, [&](auto v) LP_LAMBDA { hn::StoreU(w[v], d, out + v * hn::MaxLanes(d)); });
}

struct F32Format {
  static constexpr GgmlType kType = GgmlType::kF32;
  static constexpr size_t kBlockBytes = 128, kChunks = 1;

  template <class D>
  static HWY_INLINE NoScales Begin(D, const uint8_t*) {
    return {};
  }
  template <size_t kChunk, class D>
  static HWY_INLINE void Decode(D d, const uint8_t* block, NoScales, hn::Vec<D>* out) {
    const auto* x = reinterpret_cast<const float*>(block);
    ForChunk(d, [&](auto v) LP_LAMBDA { out[v] = hn::LoadU(d, x + v * hn::MaxLanes(d)); });
  }
};

struct F16Format {
  static constexpr GgmlType kType = GgmlType::kF16;
  static constexpr size_t kBlockBytes = 64, kChunks = 1;

  template <class D>
  static HWY_INLINE NoScales Begin(D, const uint8_t*) {
    return {};
  }
  template <size_t kChunk, class D>
  static HWY_INLINE void Decode(D d, const uint8_t* block, NoScales, hn::Vec<D>* out) {
    const hn::Rebind<hwy::float16_t, D> d16;
    const auto* x = reinterpret_cast<const hwy::float16_t*>(block);
    ForChunk(d, [&](auto v) LP_LAMBDA { out[v] = FloatFromHalf(d, hn::LoadU(d16, x + v * hn::MaxLanes(d))); });
  }
};

// The upper half of a float.
struct BF16Format {
  static constexpr GgmlType kType = GgmlType::kBF16;
  static constexpr size_t kBlockBytes = 64, kChunks = 1;

  template <class D>
  static HWY_INLINE NoScales Begin(D, const uint8_t*) {
    return {};
  }
  template <size_t kChunk, class D>
  static HWY_INLINE void Decode(D d, const uint8_t* block, NoScales, hn::Vec<D>* out) {
    const hn::Rebind<uint16_t, D> d16;
    const hn::RebindToUnsigned<D> du;
    const auto* x = reinterpret_cast<const uint16_t*>(block);
    ForChunk(d, [&](auto v) LP_LAMBDA {
      const auto bits = hn::PromoteTo(du, hn::LoadU(d16, x + v * hn::MaxLanes(d)));
      out[v] = hn::BitCast(d, hn::ShiftLeft<16>(bits));
    });
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
