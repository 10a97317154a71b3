// How each block type stores its numbers: small integers, the quants, and what scales them. Compiled once per SIMD target.
//
// Work is done in groups of 256 numbers: one block of 256, or eight blocks of 32. A group is 8 chunks of 32 numbers, and has
// 8 or 16 runs, stretches of numbers that share a scale. A number is
//     scale (q - kOffset) - min
// with the scale and the minimum of its run. A type is a struct with
//   kType, kBlock, kBlockBytes
//   kRun             numbers of a run: 32 or 16
//   kOffset          what every quant is too large by: 0, or a power of two
//   kHasMin          whether there are minima
//   Scales(group, out)             scales (and minima) of the group's runs; of blocks of 32 also ScalesOf, wherever they lie
//   Quants<chunk>(d, group, out)   quants [32 chunk, 32 chunk + 32) of the group, chunk a constant; out[v] holds 32 chunk +
//                                  v Lanes(d) + lane
// Scales are exact: a half's 11 bits times those of a small integer fit in a float's 24. So do their products with quants, so
// that a decoded number is rounded at most once, where a minimum is subtracted.
//
// Blocks of 32 are in quants32-inl.h, of 256 in quants256-inl.h. The layouts are those of the block structs in ggml's
// ggml-common.h; each struct states its own.

#if defined(LP_QUANT_QUANTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LP_QUANT_QUANTS_INL_H_
#undef LP_QUANT_QUANTS_INL_H_
#else
#define LP_QUANT_QUANTS_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "gguf/gguf.h"
#include "hwy/highway.h"
#include "quant/half-inl.h"
#include "quant/kernels.h"
#include "quant/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kGroup = 256, kGroupChunks = 8, kChunk = 32;

// Quants are 16 bits wide; eight sums of runs, as many floats as fit a vector of at most eight.
using QuantTag = hn::CappedTag<int16_t, 16>;
using QuantVec = hn::Vec<QuantTag>;
using SumTag = hn::RepartitionToWide<QuantTag>;
using SumVec = hn::Vec<SumTag>;
using ScaleTag = hn::CappedTag<float, 8>;
using ScaleVec = hn::Vec<ScaleTag>;
constexpr size_t kQuantVectors = kChunk / hn::MaxLanes(QuantTag());  // of a chunk
constexpr size_t kScaleVectors = 8 / hn::MaxLanes(ScaleTag());       // of eight runs

template <class Format>
constexpr size_t kGroupBytes = kGroup / Format::kBlock * Format::kBlockBytes;
template <class Format>
constexpr size_t kGroupRuns = kGroup / Format::kRun;

using internal::RunScales;

// An unsigned integer at any alignment; the first byte is the lowest, as all of ggml's formats have it.
template <class T>
HWY_INLINE T LoadBits(const uint8_t* bytes) {
  T out;
  std::memcpy(&out, bytes, sizeof(out));
  return out;
}

// The half at `bytes` (any alignment) in every lane. Broadcast first: one instruction less.
HWY_INLINE ScaleVec SetHalf(const uint8_t* bytes) {
  const auto half = hn::Set(hn::Rebind<uint16_t, ScaleTag>(), LoadBits<uint16_t>(bytes));
  return FloatFromHalf(ScaleTag(), hn::BitCast(hn::Rebind<hwy::float16_t, ScaleTag>(), half));
}

// As many bytes as d has lanes, widened.
HWY_INLINE QuantVec LoadBytes(QuantTag d, const uint8_t* bytes) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<uint8_t, QuantTag>(), bytes));
}
HWY_INLINE QuantVec LoadSignedBytes(QuantTag d, const uint8_t* bytes) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<int8_t, QuantTag>(), reinterpret_cast<const int8_t*>(bytes)));
}

// (q >> shift) & mask with constant shift.
template <size_t kShift>
HWY_INLINE QuantVec Bits(QuantTag d, QuantVec q, int16_t mask) {
  if constexpr (kShift == 0) return hn::And(q, hn::Set(d, mask));
  return hn::And(hn::ShiftRight<static_cast<int>(kShift)>(q), hn::Set(d, mask));
}

// Products of neighbours, added by twos: lane i is a[2i] b[2i] + a[2i + 1] b[2i + 1], exactly. (Scalar: one product.)
template <class D32, class V16>
HWY_INLINE hn::Vec<D32> MultiplyPairs(D32 d, V16 a, V16 b) {
  auto upper = hn::Zero(d);
  const auto lower = hn::ReorderWidenMulAccumulate(d, a, b, hn::Zero(d), upper);
  return hn::RearrangeToOddPlusEven(lower, upper);
}

// body(v) for the vectors of a chunk.
template <class Body>
HWY_INLINE void ForQuants(const Body& body) {
  Unrolled<kQuantVectors>(body);
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
