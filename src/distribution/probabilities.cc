// Softmax and KlDivergence: what is relative to sums that are already known.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "distribution/exp.h"
#include "distribution/sums.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)  // as in quant/matrix.cc
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "distribution/probabilities.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "distribution/exp-inl.h"
#include "distribution/lanes-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void SoftmaxBlocks(const LogitVector& x, float max_logit, float scale, float* HWY_RESTRICT p) {
  const RowTag d;
  const auto max = hn::Set(d, max_logit), s = hn::Set(d, scale);
  const auto write = [&](const float* HWY_RESTRICT block, float* HWY_RESTRICT to) LP_LAMBDA {
    ForBlock([&](size_t i)
                 LP_LAMBDA { hn::StoreU(hn::Mul(ExpExactDifference(d, hn::LoadU(d, block + i), max), s), d, to + i); });
  };
  const size_t whole = x.size() / kBlock;
  for (size_t b = 0; b < whole; ++b) write(x.block(b), p + kBlock * b);
  if (whole == x.n_blocks()) return;
  HWY_ALIGN float last[kBlock];
  write(x.block(whole), last);
  std::copy_n(last, x.size() - kBlock * whole, p + kBlock * whole);
}

// sum exp(x - max) over the elements of a block that `after` masks.
double SumMasked(const float* HWY_RESTRICT x, const float* HWY_RESTRICT after, float max_logit) {
  const RowTag d;
  const auto max = hn::Set(d, max_logit), masked = hn::Set(d, kMasked);
  LaneSums<1> lanes;
  lanes.Add([&](size_t i, RowVec* out) LP_LAMBDA {
    auto y = hn::Sub(hn::LoadU(d, x + i), max);
    out[0] = hn::IfThenElseZero(hn::Eq(hn::LoadU(d, after + i), masked), ExpFlush(d, y));
  });
  float sum;
  lanes.Reduce(&sum);
  return static_cast<double>(sum);
}

// sum e^dx (dx - dy), dx = x - max_x, dy = y - max_y, over one block: the part of KL that depends on the token. With
// kMayMask a -inf of y is taken for a very low number, so that 0 * inf does not arise where x is -inf as well; without,
// the block of y has none.
template <bool kMayMask>
HWY_INLINE double CrossBlock(const float* HWY_RESTRICT x, RowVec max_x, const float* HWY_RESTRICT y, RowVec max_y) {
  const RowTag d;
  LaneSums<1> lanes;
  lanes.Add([&](size_t i, RowVec* terms) LP_LAMBDA {
    auto dx = hn::Sub(hn::LoadU(d, x + i), max_x);
    auto dy = hn::Sub(hn::LoadU(d, y + i), max_y);
    if constexpr (kMayMask) dy = hn::Max(dy, hn::Set(d, -1e30f));
    const auto e = ExpFlush(d, dx);
    terms[0] = hn::Mul(e, hn::Sub(dx, dy));
  });
  float sum;
  lanes.Reduce(&sum);
  return static_cast<double>(sum);
}

// True where x is above -inf and y is not.
bool LosesSupport(const float* HWY_RESTRICT x, const float* HWY_RESTRICT y) {
  const RowTag d;
  const auto masked = hn::Set(d, kMasked);
  size_t lost = 0;
  ForBlock([&](size_t i) LP_LAMBDA {
    const auto in_x = hn::Gt(hn::LoadU(d, x + i), masked), not_in_y = hn::Eq(hn::LoadU(d, y + i), masked);
    lost += hn::CountTrue(d, hn::And(in_x, not_in_y));
  });
  return lost != 0;
}

double CrossSum(const LogitVector& x, float max_x, const LogitVector& y, float max_y, bool y_has_masks) {
  const RowTag d;
  const auto mx = hn::Set(d, max_x), my = hn::Set(d, max_y);
  double total = 0;
  for (size_t b = 0; b < x.n_blocks(); ++b) {
    if (max_x == max_y && x.SharesBlock(y, b)) continue;  // dx = dy
    const bool padded = (b + 1) * kBlock > x.size();
    if (!y_has_masks && !padded) {
      total += CrossBlock<false>(x.block(b), mx, y.block(b), my);
      continue;
    }
    if (LosesSupport(x.block(b), y.block(b))) return std::numeric_limits<double>::infinity();
    total += CrossBlock<true>(x.block(b), mx, y.block(b), my);
  }
  return total;
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
HWY_EXPORT(SoftmaxBlocks);
HWY_EXPORT(CrossSum);
HWY_EXPORT(SumMasked);

void Softmax(const LogitVector& x, const SoftmaxSums& sums, std::span<float> p) {
  LP_CHECK(x.size() == p.size() && sums.sum_exp > 0);
  HWY_DYNAMIC_DISPATCH(SoftmaxBlocks)(x, sums.max, static_cast<float>(1.0 / sums.sum_exp), p.data());
}

double MassMasked(const LogitVector& x, const VectorSums& sums, const LogitVector& after) {
  LP_CHECK(x.size() == after.size() && sums.blocks.size() == x.n_blocks());
  double masked = 0;
  for (size_t b = 0; b < x.n_blocks(); ++b) {
    const BlockSums& block = sums.blocks[b];
    if (x.SharesBlock(after, b) || block.max == kMasked) continue;
    const double scale = ExpNonPositiveDouble(static_cast<double>(block.max) - static_cast<double>(sums.total.max));
    const double sum = after.MasksBlock(b) ? static_cast<double>(block.sum_exp)
                                           : HWY_DYNAMIC_DISPATCH(SumMasked)(x.block(b), after.block(b), block.max);
    masked += scale * sum;
  }
  return std::min(1.0, masked / sums.total.sum_exp);
}

double KlDivergence(const LogitVector& x, const SoftmaxSums& x_sums, const LogitVector& y, const SoftmaxSums& y_sums) {
  LP_CHECK(x.size() == y.size() && x_sums.sum_exp > 0 && y_sums.sum_exp > 0);
  if (x_sums.n > y_sums.n) return std::numeric_limits<double>::infinity();
  const double cross = HWY_DYNAMIC_DISPATCH(CrossSum)(x, x_sums.max, y, y_sums.max, y_sums.n < y.size());
  return std::max(0.0, cross / x_sums.sum_exp - std::log(x_sums.sum_exp) + std::log(y_sums.sum_exp));
}

}  // namespace lp
#endif  // HWY_ONCE
