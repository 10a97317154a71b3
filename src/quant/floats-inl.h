// Plain numbers: weights that are floats, or halves of them. Compiled once per SIMD target.
//
// A type is a struct with
//   kType, kChunkBytes
//   Decode(d, chunk, out)   32 stored numbers as floats; out[v] holds v Lanes(d) + lane

#if defined(LP_QUANT_FLOATS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LP_QUANT_FLOATS_INL_H_
#undef LP_QUANT_FLOATS_INL_H_
#else
#define LP_QUANT_FLOATS_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "gguf/gguf.h"
#include "hwy/highway.h"
#include "quant/half-inl.h"
#include "quant/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// body(v) for the vectors of a chunk; the vector holds numbers v MaxLanes(d) and on.
template <class D, class Body>
HWY_INLINE void ForChunk(D /*d*/, const Body& body) {
  Unrolled<kVectors<D>>(body);
}

struct F32 {
  static constexpr GgmlType kType = GgmlType::kF32;
  static constexpr size_t kChunkBytes = 128;

  template <class D>
  static HWY_INLINE void Decode(D d, const uint8_t* chunk, hn::Vec<D>* out) {
    const auto* x = reinterpret_cast<const float*>(chunk);
    ForChunk(d, [&](auto v) LP_LAMBDA { out[v] = hn::LoadU(d, x + v * hn::MaxLanes(d)); });
  }
};

struct F16 {
  static constexpr GgmlType kType = GgmlType::kF16;
  static constexpr size_t kChunkBytes = 64;

  template <class D>
  static HWY_INLINE void Decode(D d, const uint8_t* chunk, hn::Vec<D>* out) {
    const hn::Rebind<hwy::float16_t, D> d16;
    const auto* x = reinterpret_cast<const hwy::float16_t*>(chunk);
    ForChunk(d, [&](auto v) LP_LAMBDA { out[v] = FloatFromHalf(d, hn::LoadU(d16, x + v * hn::MaxLanes(d))); });
  }
};

// The upper half of a float.
struct BF16 {
  static constexpr GgmlType kType = GgmlType::kBF16;
  static constexpr size_t kChunkBytes = 64;

  template <class D>
  static HWY_INLINE void Decode(D d, const uint8_t* chunk, hn::Vec<D>* out) {
    const hn::Rebind<uint16_t, D> d16;
    const hn::RebindToUnsigned<D> du;
    const auto* x = reinterpret_cast<const uint16_t*>(chunk);
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
