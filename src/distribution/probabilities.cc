// Softmax, MassMasked and KlDivergence.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "base/check.h"
#include "base/simd_targets.h"
#include "distribution/exp.h"
#include "distribution/sums.h"

#ifndef LP_DISTRIBUTION_PROBABILITIES_ONCE
#define LP_DISTRIBUTION_PROBABILITIES_ONCE
namespace lp {

// Of one block of two vectors, dx = x - max_x and dy = y - max_y.
struct JointSums {
  float max_x, max_y;
  float sum_exp_x, sum_exp_y;  // sum e^dx, sum e^dy
  float cross;                 // sum e^dx (dx - dy)
};

}  // namespace lp
#endif  // LP_DISTRIBUTION_PROBABILITIES_ONCE

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS LP_SCALABLE_TARGETS
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
  lanes.AddFour([&](const auto& at, auto& acc) LP_LAMBDA {
    RowVec y[4], e[4];
    Each<4>([&](auto v) LP_LAMBDA { y[v] = hn::Sub(hn::LoadU(d, x + at(v)), max); });
    ExpFlush<4>(d, y, e);
    Each<4>([&](auto v) LP_LAMBDA {
      e[v] = hn::IfThenElseZero(hn::Eq(hn::LoadU(d, after + at(v)), masked), e[v]);
    });
    LaneSums<1>::Accumulate(acc[0], e);
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
  lanes.AddFour([&](const auto& at, auto& acc) LP_LAMBDA {
    RowVec dx[4], e[4];
    Each<4>([&](auto v) LP_LAMBDA { dx[v] = hn::Sub(hn::LoadU(d, x + at(v)), max_x); });
    ExpFlush<4>(d, dx, e);
    Each<4>([&](auto v) LP_LAMBDA {
      auto dy = hn::Sub(hn::LoadU(d, y + at(v)), max_y);
      if constexpr (kMayMask) dy = hn::Max(dy, hn::Set(d, -1e30f));
      dx[v] = hn::Sub(dx[v], dy);
    });
    LaneSums<1>::AccumulateProducts(acc[0], e, dx);
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

HWY_INLINE void MaxAndMin(const float* HWY_RESTRICT x, float& max, float& min) {
  const RowTag d;
  auto high = hn::LoadU(d, x), low = high;
  ForBlock([&](size_t i) LP_LAMBDA {
    const auto v = hn::LoadU(d, x + i);
    high = hn::Max(high, v);
    low = hn::Min(low, v);
  });
  max = hn::GetLane(hn::MaxOfLanes(d, high));
  min = hn::GetLane(hn::MinOfLanes(d, low));
}

// The sums of one block, without its maxima. kNear: nothing in it is further than kNearest below its maximum.
template <bool kNear>
HWY_INLINE void JointBlock(const float* HWY_RESTRICT x, float highest_x, const float* HWY_RESTRICT y, float highest_y,
                           LaneSums<2>& of_x, LaneSums<1>& of_y) {
  const RowTag d;
  const auto max_x = hn::Set(d, highest_x), max_y = hn::Set(d, highest_y);
  of_y.AddFour([&](const auto& at, auto& acc) LP_LAMBDA {
    RowVec dy[4], e[4];
    Each<4>([&](auto v) LP_LAMBDA { dy[v] = hn::Sub(hn::LoadU(d, y + at(v)), max_y); });
    ExpFlush<4, kNear>(d, dy, e);
    LaneSums<1>::Accumulate(acc[0], e);
  });
  of_x.AddFour([&](const auto& at, auto& acc) LP_LAMBDA {
    RowVec dx[4], e[4];
    Each<4>([&](auto v) LP_LAMBDA { dx[v] = hn::Sub(hn::LoadU(d, x + at(v)), max_x); });
    ExpFlush<4, kNear>(d, dx, e);
    LaneSums<2>::Accumulate(acc[0], e);
    Each<4>([&](auto v) LP_LAMBDA {
      auto dy = hn::Sub(hn::LoadU(d, y + at(v)), max_y);
      if constexpr (!kNear) dy = hn::Max(dy, hn::Set(d, -1e30f));  // y is -inf in the padding
      dx[v] = hn::Sub(dx[v], dy);
    });
    LaneSums<2>::AccumulateProducts(acc[1], e, dx);
  });
}

// Everything that KL is made of, block by block; false where a logit is masked, which this is not for.
bool JointBlocks(const LogitVector& x, const LogitVector& y, JointSums* HWY_RESTRICT out) {
  constexpr size_t kGroup = 8;
  LaneSums<2> of_x[kGroup];
  LaneSums<1> of_y[kGroup];
  bool near[kGroup];
  for (size_t first = 0; first < x.n_blocks(); first += kGroup) {
    const size_t end = std::min(x.n_blocks(), first + kGroup);
    for (size_t b = first; b < end; ++b) {
      float min_x, min_y;
      MaxAndMin(x.block(b), out[b].max_x, min_x);
      MaxAndMin(y.block(b), out[b].max_y, min_y);
      near[b - first] = std::min(min_x - out[b].max_x, min_y - out[b].max_y) >= kNearest;
      if (std::min(min_x, min_y) > kMasked) continue;
      const size_t used = std::min(kBlock, x.size() - b * kBlock);  // the rest is padding
      if (CountFinite(x.block(b)) < used || CountFinite(y.block(b)) < used) return false;
    }
    for (size_t b = first; b < end; ++b) {
      const float *from_x = x.block(b), *from_y = y.block(b);
      if (HWY_LIKELY(near[b - first])) {
        JointBlock<true>(from_x, out[b].max_x, from_y, out[b].max_y, of_x[b - first], of_y[b - first]);
      } else {
        JointBlock<false>(from_x, out[b].max_x, from_y, out[b].max_y, of_x[b - first], of_y[b - first]);
      }
    }
    for (size_t b = first; b < end; ++b) {
      float sums[2];
      of_x[b - first].Reduce(sums);
      out[b].sum_exp_x = sums[0], out[b].cross = sums[1];
      of_y[b - first].Reduce(&out[b].sum_exp_y);
    }
  }
  return true;
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
HWY_EXPORT(SoftmaxBlocks);
HWY_EXPORT(CrossSum);
HWY_EXPORT(SumMasked);
HWY_EXPORT(JointBlocks);

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

double KlDivergence(const LogitVector& x, const LogitVector& y) {
  LP_CHECK(x.size() == y.size());
  std::vector<JointSums> blocks(x.n_blocks());
  if (!HWY_DYNAMIC_DISPATCH(JointBlocks)(x, y, blocks.data())) {
    return KlDivergence(x, ComputeSums(x, Sums::kMass).total, y, ComputeSums(y, Sums::kMass).total);
  }
  float max_x = kMasked, max_y = kMasked;
  for (const JointSums& b : blocks) max_x = std::max(max_x, b.max_x), max_y = std::max(max_y, b.max_y);
  double sum_x = 0, sum_y = 0, cross = 0;
  constexpr size_t kGroup = 64;
  for (size_t first = 0; first < blocks.size(); first += kGroup) {
    const auto group = std::span(blocks).subspan(first, std::min(kGroup, blocks.size() - first));
    std::array<double, 2 * kGroup> shifts{}, scales;  // of x, of y
    for (size_t i = 0; i < group.size(); ++i) {
      shifts[i] = static_cast<double>(group[i].max_x) - static_cast<double>(max_x);
      shifts[kGroup + i] = static_cast<double>(group[i].max_y) - static_cast<double>(max_y);
    }
    scales = shifts;
    ExpNonPositiveDoubles(std::span(scales).first(group.size()));
    ExpNonPositiveDoubles(std::span(scales).subspan(kGroup, group.size()));
    for (size_t i = 0; i < group.size(); ++i) {
      const double e = static_cast<double>(group[i].sum_exp_x);
      sum_x += scales[i] * e;
      cross += scales[i] * (static_cast<double>(group[i].cross) + (shifts[i] - shifts[kGroup + i]) * e);
      sum_y += scales[kGroup + i] * static_cast<double>(group[i].sum_exp_y);
    }
  }
  return std::max(0.0, cross / sum_x - std::log(sum_x) + std::log(sum_y));
}

}  // namespace lp
#endif  // HWY_ONCE
