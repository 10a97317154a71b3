// Strips: eight rows of 4-bit numbers, interleaved (quant/copies.h says why). Compiled once per SIMD target.
//
// A strip is groups of eight runs of 32 numbers (the last may have fewer runs), each group with what its runs share in front. A run has
// its scales, then 128 bytes of quants: four vectors of eight 32-bit words, a word per row. Word i of a row holds numbers 8i to 8i + 7
// of the run: number 8i + 2j in bits 4j, number 8i + 2j + 1 in bits 16 + 4j. So one shift and one mask give every lane two neighbours,
// 16 bits each, as products of pairs want them.
//
// The struct of a type has
//   From                the struct of the file's rows (quant/quants*-inl.h)
//   kGroupHead, kRunHead  bytes in front of a group's runs and of a run's quants
//   WriteGroup, WriteRun  what `row` of eight has there; group: the file's bytes
//   Scales(group, run, scale, min)  of eight rows, as vectors; min untouched without minima

#if defined(LP_QUANT_STRIPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LP_QUANT_STRIPS_INL_H_
#undef LP_QUANT_STRIPS_INL_H_
#else
#define LP_QUANT_STRIPS_INL_H_
#endif

#include "quant/copies.h"
#include "quant/quants256-inl.h"
#include "quant/quants32-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kRunQuants = 128;  // bytes

// Eight halves as floats.
HWY_INLINE void LoadEightHalves(const uint8_t* halves, ScaleVec* out) {
  const ScaleTag d;
  const hn::Rebind<hwy::float16_t, ScaleTag> dh;
  const hn::Rebind<uint16_t, ScaleTag> du;
  Unrolled<kScaleVectors>([&](auto v) LP_LAMBDA {
    uint16_t lanes[hn::MaxLanes(ScaleTag())];
    std::memcpy(lanes, halves + 2 * v * hn::MaxLanes(d), sizeof(lanes));
    out[v] = FloatFromHalf(d, hn::BitCast(dh, hn::LoadU(du, lanes)));
  });
}

// Eight bytes as floats.
HWY_INLINE void LoadEightBytes(const uint8_t* bytes, ScaleVec* out) {
  const ScaleTag d;
  const hn::RebindToSigned<ScaleTag> di;
  Unrolled<kScaleVectors>([&](auto v) LP_LAMBDA {
    out[v] = hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(hn::Rebind<uint8_t, ScaleTag>(), bytes + v * hn::MaxLanes(d))));
  });
}

HWY_INLINE void CopyHalf(const uint8_t* from, uint8_t* halves, size_t row) { std::memcpy(halves + 2 * row, from, 2); }

// Q4_0 and Q4_1: a run's head is eight half scales, and eight half minima (to be added) where there are any.
template <class Format>
struct StripsOf32 {
  using From = Format;
  static constexpr size_t kGroupHead = 0, kRunHead = Format::kHasMin ? 32 : 16;

  static HWY_INLINE void WriteGroup(const uint8_t*, size_t, uint8_t*) {}
  static HWY_INLINE void WriteRun(const uint8_t* group, size_t run, size_t row, uint8_t* out) {
    const uint8_t* block = group + run * Format::kBlockBytes;
    CopyHalf(block, out, row);
    if constexpr (Format::kHasMin) CopyHalf(block + 2, out + 16, row);
  }
  static HWY_INLINE void Scales(const uint8_t*, const uint8_t* run, ScaleVec* scale, [[maybe_unused]] ScaleVec* min) {
    LoadEightHalves(run, scale);
    if constexpr (Format::kHasMin) {
      LoadEightHalves(run + 16, min);
      Unrolled<kScaleVectors>([&](auto v) LP_LAMBDA { min[v] = hn::Neg(min[v]); });
    }
  }
};

// Q4_K: a group's head is eight half scales and eight half minima, a run's head eight small scales and eight small minima, a byte each.
struct StripsOfQ4K {
  using From = Q4_K;
  static constexpr size_t kGroupHead = 32, kRunHead = 16;

  static HWY_INLINE void WriteGroup(const uint8_t* group, size_t row, uint8_t* out) {
    CopyHalf(group, out, row), CopyHalf(group + 2, out + 16, row);
  }
  static HWY_INLINE void WriteRun(const uint8_t* group, size_t run, size_t row, uint8_t* out) {
    const auto small = Q4_K::SmallOf(group);
    out[row] = static_cast<uint8_t>(small.scales >> 8 * run), out[8 + row] = static_cast<uint8_t>(small.mins >> 8 * run);
  }
  static HWY_INLINE void Scales(const uint8_t* group, const uint8_t* run, ScaleVec* scale, ScaleVec* min) {
    const auto both = [&](size_t at, ScaleVec* out) LP_LAMBDA {
      ScaleVec shared[kScaleVectors];
      LoadEightHalves(group + 2 * at, shared), LoadEightBytes(run + at, out);
      Unrolled<kScaleVectors>([&](auto v) LP_LAMBDA { out[v] = hn::Mul(out[v], shared[v]); });
    };
    both(0, scale), both(8, min);
  }
};

template <class Strips>
constexpr size_t kStripRunBytes = Strips::kRunHead + kRunQuants;

// Bytes of a strip of `runs` runs.
template <class Strips>
constexpr size_t StripBytes(size_t runs) {
  return (runs + 7) / 8 * Strips::kGroupHead + runs * kStripRunBytes<Strips>;
}

// Number k < 8 of a row's word.
HWY_INLINE int32_t NumberIn(uint32_t word, size_t k) { return static_cast<int32_t>(word >> (k / 2 * 4 + k % 2 * 16) & 15); }

#if HWY_TARGET != HWY_SCALAR
// Numbers 8i + 2j and 8i + 2j + 1 of eight rows, from their words i.
template <size_t kJ, class D32>
HWY_INLINE hn::Vec<hn::Repartition<int16_t, D32>> PairOf(D32, hn::Vec<D32> words) {
  const hn::Repartition<uint16_t, D32> du;
  const auto halves = hn::ShiftRight<static_cast<int>(4 * kJ)>(hn::BitCast(du, words));
  return hn::BitCast(hn::Repartition<int16_t, D32>(), kJ == 3 ? halves : hn::And(halves, hn::Set(du, uint16_t{15})));
}
#endif

// Calls body(Strips()) for the struct of `type`; false if it has none.
template <class Body>
HWY_INLINE bool WithStrips(GgmlType type, const Body& body) {
  switch (type) {
    case GgmlType::kQ4_0:
      body(StripsOf32<Q4_0>());
      return true;
    case GgmlType::kQ4_1:
      body(StripsOf32<Q4_1>());
      return true;
    case GgmlType::kQ4_K:
      body(StripsOfQ4K());
      return true;
    default:
      return false;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
