// KeepRange: what a stage that cuts does to a vector.
#include "base/simd_targets.h"
#include "distribution/select.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS LP_SCALABLE_TARGETS
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "distribution/cut.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "distribution/lanes-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Of the values equal to `low` those with ids below ties_end stay.
void KeepRangeBlocks(const LogitVector& x, float low, size_t ties_end, float high, LogitVector& y) {
  const RowTag d;
  const auto l = hn::Set(d, low), h = hn::Set(d, high), masked = hn::Set(d, kMasked);
  const size_t tie_block = ties_end / kBlock;
  for (size_t b = 0; b < x.n_blocks(); ++b) {
    const float* HWY_RESTRICT from = x.block(b);
    auto low0 = hn::Set(d, -kMasked), low1 = low0, high0 = masked, high1 = masked;
    for (size_t i = 0; i < kBlock; i += 2 * kPart) {
      const auto v0 = hn::LoadU(d, from + i), v1 = hn::LoadU(d, from + i + kPart);
      low0 = hn::Min(low0, v0);
      low1 = hn::Min(low1, v1);
      high0 = hn::Max(high0, v0);
      high1 = hn::Max(high1, v1);
    }
    const float max = hn::GetLane(hn::MaxOfLanes(d, hn::Max(high0, high1)));
    const float min = hn::GetLane(hn::MinOfLanes(d, hn::Min(low0, low1)));
    if (max < low || min > high) {
      y.MaskBlock(b);
      continue;
    }
    if (min > low && max <= high) continue;

    if (min > kMasked && min < low && max > low && max <= high) {  // the usual case: something stays, something goes
      float* HWY_RESTRICT to = y.Replace(b);
      const bool ties = b < tie_block;
      ForBlock([&](size_t i) LP_LAMBDA {
        const auto v = hn::LoadU(d, from + i);
        hn::StoreU(hn::IfThenElse(ties ? hn::Ge(v, l) : hn::Gt(v, l), v, masked), d, to + i);
      });
      for (size_t i = 0; b == tie_block && i < ties_end % kBlock; ++i) {
        if (from[i] == low) to[i] = low;
      }
      continue;
    }

    // Ties with `low` stay up to an id: in all of an earlier block, in none of a later one.
    HWY_ALIGN float kept[kBlock];
    const bool keeps_ties = b < tie_block;
    size_t n_kept = 0, n_changed = 0;
    ForBlock([&](size_t i) LP_LAMBDA {
      const auto v = hn::LoadU(d, from + i);
      const auto above = keeps_ties ? hn::Ge(v, l) : hn::Gt(v, l);
      const auto keep = hn::And(above, hn::Le(v, h));
      n_kept += hn::CountTrue(d, keep);
      const auto out = hn::IfThenElse(keep, v, masked);
      n_changed += hn::CountTrue(d, hn::Ne(out, v));
      hn::Store(out, d, kept + i);
    });
    if (b == tie_block && low <= high) {
      for (size_t i = 0; i < ties_end % kBlock; ++i) {
        if (from[i] != low || low == kMasked) continue;
        kept[i] = low;
        ++n_kept, --n_changed;
      }
    }
    if (n_changed == 0) continue;
    if (n_kept == 0) {
      y.MaskBlock(b);
      continue;
    }
    float* HWY_RESTRICT to = y.Replace(b);
    ForBlock([&](size_t i) LP_LAMBDA { hn::StoreU(hn::Load(d, kept + i), d, to + i); });
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
HWY_EXPORT(KeepRangeBlocks);

LogitVector KeepRange(const LogitVector& x, float low, TokenId low_last_id, float high) {
  LogitVector y = x;
  const size_t ties_end = low_last_id < 0 ? 0 : static_cast<size_t>(low_last_id) + 1;
  HWY_DYNAMIC_DISPATCH(KeepRangeBlocks)(x, low, ties_end, high, y);
  return y;
}

}  // namespace lp
#endif  // HWY_ONCE
