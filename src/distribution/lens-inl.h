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

// What dividing makes of logits that are not masked.
HWY_INLINE RowVec Divided(RowVec x, RowVec divisor) {
  return hn::Max(hn::Div(x, divisor), hn::Set(RowTag(), Lens::kLowest));
}

// n values, a multiple of two vectors; of those equal to lens.low all stay, or none. `to` may be `from`. Returns how
// many stay.
HWY_INLINE size_t ThroughLens(const Lens& lens, bool keeps_ties, const float* from, size_t n, float* to) {
  const RowTag d;
  const hn::RebindToSigned<RowTag> di;
  const auto masked = hn::Set(d, kMasked);
  const auto low = hn::Set(d, lens.low), divisor = hn::Set(d, lens.divisor);
  auto minus_n = hn::Zero(di);  // a mask is -1
  const auto one = [&](size_t i) LP_LAMBDA {
    const auto v = hn::LoadU(d, from + i);
    const auto stays = keeps_ties ? hn::Ge(v, low) : hn::Gt(v, low);
    const auto quotient = lens.divisor == 1 ? v : Divided(v, divisor);
    minus_n = hn::Add(minus_n, hn::BitCast(di, hn::VecFromMask(d, stays)));
    hn::StoreU(hn::IfThenElse(stays, quotient, masked), d, to + i);
  };
  for (size_t i = 0; i < n; i += 2 * kPart) {
    one(i);
    one(i + kPart);
  }
  return static_cast<size_t>(-hn::GetLane(hn::SumOfLanes(di, minus_n)));
}

// Block b: where it lies, or made in `room` [256], and `n` is how many of its logits are not masked.
HWY_INLINE const float* BlockThrough(const Lens& lens, const float* HWY_RESTRICT block, size_t b,
                                     float* HWY_RESTRICT room, float& n) {
  if (!lens.Changes()) return block;
  const size_t tie_block = lens.ties_end / kBlock;
  size_t stay = ThroughLens(lens, b < tie_block, block, kBlock, room);
  for (size_t i = 0; b == tie_block && i < lens.ties_end % kBlock; ++i) {
    const float v = lens.Of(block[i], b * kBlock + i);
    stay += v != room[i];
    room[i] = v;
  }
  n = static_cast<float>(stay);
  return room;
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
