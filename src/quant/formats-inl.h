// How each weight type decodes: 32 stored numbers -> 32 floats in vectors. Compiled once per SIMD target.
//
// A format is a struct with
//   kType, kBytes32                     bytes of 32 numbers (a K-quant's share of its 256 block is found from the
//   chunk's index) Decode(d, row, chunk, out)          numbers [32 chunk, 32 chunk + 32) of a row, out[v] holding 32
//   chunk + v Lanes(d) + lane DecodeTail(row, chunk, count, out)  the last `count` < 32 numbers of a row, for types
//   whose rows may end anywhere
// Decoding must be the same arithmetic on every target: products and sums depend on it bit for bit.

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

// The half at `bytes` (any alignment).
HWY_INLINE float FloatFromHalfBytes(const uint8_t* bytes) {
  const hn::CappedTag<float, 1> d;
  const hn::Rebind<hwy::float16_t, decltype(d)> d16;
  hwy::float16_t half;
  std::memcpy(&half, bytes, sizeof(half));
  return hn::GetLane(FloatFromHalf(d, hn::LoadU(d16, &half)));
}

struct F32Format {
  static constexpr GgmlType kType = GgmlType::kF32;
  static constexpr size_t kBytes32 = 128;

  template <class D>
  static HWY_INLINE void Decode(D d, const uint8_t* row, size_t chunk, hn::Vec<D>* out) {
    const auto* x = reinterpret_cast<const float*>(row) + 32 * chunk;
    Unrolled<kVectors<D>>([&](auto v) LP_LAMBDA { out[v] = hn::LoadU(d, x + v * hn::MaxLanes(d)); });
  }
  static HWY_INLINE void DecodeTail(const uint8_t* row, size_t chunk, size_t count, float* out) {
    const auto* x = reinterpret_cast<const float*>(row) + 32 * chunk;
    for (size_t i = 0; i < count; ++i) out[i] = x[i];
  }
};

struct F16Format {
  static constexpr GgmlType kType = GgmlType::kF16;
  static constexpr size_t kBytes32 = 64;

  template <class D>
  static HWY_INLINE void Decode(D d, const uint8_t* row, size_t chunk, hn::Vec<D>* out) {
    const hn::Rebind<hwy::float16_t, D> d16;
    const auto* x = reinterpret_cast<const hwy::float16_t*>(row) + 32 * chunk;
    Unrolled<kVectors<D>>([&](auto v)
                              LP_LAMBDA { out[v] = FloatFromHalf(d, hn::LoadU(d16, x + v * hn::MaxLanes(d))); });
  }
  static HWY_INLINE void DecodeTail(const uint8_t* row, size_t chunk, size_t count, float* out) {
    for (size_t i = 0; i < count; ++i) out[i] = FloatFromHalfBytes(row + kBytes32 * chunk + 2 * i);
  }
};

// Blocks of 32: a half scale, then 32 int8. The product is exact: 11 bits times 8 fit in a float's 24.
struct Q8_0Format {
  static constexpr GgmlType kType = GgmlType::kQ8_0;
  static constexpr size_t kBytes32 = 34;

  template <class D>
  static HWY_INLINE void Decode(D d, const uint8_t* row, size_t chunk, hn::Vec<D>* out) {
    const hn::RebindToSigned<D> di;
    const hn::Rebind<int8_t, D> d8;
    const uint8_t* block = row + kBytes32 * chunk;
    const hn::Rebind<uint16_t, D> du16;
    const hn::Rebind<hwy::float16_t, D> d16;
    uint16_t half;
    std::memcpy(&half, block, sizeof(half));
    const auto scale =
        FloatFromHalf(d, hn::BitCast(d16, hn::Set(du16, half)));  // broadcast first: one instruction less
    const auto* q = reinterpret_cast<const int8_t*>(block + 2);
    Unrolled<kVectors<D>>([&](auto v) LP_LAMBDA {
      const auto q32 = hn::PromoteTo(di, hn::LoadU(d8, q + v * hn::MaxLanes(d)));
      out[v] = hn::Mul(hn::ConvertTo(d, q32), scale);
    });
  }
  static HWY_INLINE void DecodeTail(const uint8_t*, size_t, size_t, float*) {}  // rows are whole blocks
};

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
