// A block of a vector as a lens shows it. Compiled once per SIMD target.

#if defined(LP_DISTRIBUTION_LENS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LP_DISTRIBUTION_LENS_INL_H_
#undef LP_DISTRIBUTION_LENS_INL_H_
#else
#define LP_DISTRIBUTION_LENS_INL_H_
#endif

#include "distribution/lanes-inl.h"
#include "distribution/lens.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// n values, a multiple of two vectors; of those equal to lens.low all stay, or none. `to` may be `from`.
HWY_INLINE void ThroughLens(const Lens& lens, bool keeps_ties, const float* from, size_t n, float* to) {
  const RowTag d;
  const auto masked = hn::Set(d, kMasked), lowest = hn::Set(d, Lens::kLowest);
  const auto low = hn::Set(d, lens.low), divisor = hn::Set(d, lens.divisor);
  for (size_t i = 0; i < n; i += kPart) {
    const auto v = hn::LoadU(d, from + i);
    const auto quotient = lens.divisor == 1 ? v : hn::Max(hn::Div(v, divisor), lowest);
    hn::StoreU(hn::IfThenElse(keeps_ties ? hn::Ge(v, low) : hn::Gt(v, low), quotient, masked), d, to + i);
  }
}

// Block b: where it lies, or made in `room` [256].
HWY_INLINE const float* BlockThrough(const Lens& lens, const float* HWY_RESTRICT block, size_t b,
                                     float* HWY_RESTRICT room) {
  if (!lens.Changes()) return block;
  const size_t tie_block = lens.ties_end / kBlock;
  ThroughLens(lens, b < tie_block, block, kBlock, room);
  for (size_t i = 0; b == tie_block && i < lens.ties_end % kBlock; ++i) room[i] = lens.Of(block[i], b * kBlock + i);
  return room;
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
