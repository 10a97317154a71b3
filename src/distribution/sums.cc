#include "distribution/sums.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "distribution/exp.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)  // as in quant/matrix.cc
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "distribution/sums.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "distribution/exp-inl.h"
#include "distribution/lanes-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The difference x - max is rounded, and not corrected as in Softmax(): its error is at most |y| 2^-24, that is, a
// relative error of a term e^y; over the block it averages to (sum |y| e^y / sum e^y) 2^-24, and the mean of |y| under
// a softmax over 256 is below 4: 2.4e-7, if all errors had the same sign.
template <bool kAll>
HWY_INLINE void SumBlock(const float* HWY_RESTRICT x, BlockSums& out) {
  const RowTag d;
  auto max0 = hn::LoadU(d, x), max1 = hn::LoadU(d, x + kPart);
  auto min0 = max0, min1 = max1;
  for (size_t i = 2 * kPart; i < kBlock; i += 2 * kPart) {
    const auto v0 = hn::LoadU(d, x + i), v1 = hn::LoadU(d, x + i + kPart);
    max0 = hn::Max(max0, v0);
    max1 = hn::Max(max1, v1);
    min0 = hn::Min(min0, v0);
    min1 = hn::Min(min1, v1);
  }
  out = {};
  out.max = hn::GetLane(hn::MaxOfLanes(d, hn::Max(max0, max1))) + 0.0f;  // never -0, as in ScanLogits
  if (out.max == kMasked) return;
  const float min = hn::GetLane(hn::MinOfLanes(d, hn::Min(min0, min1)));
  out.n = HWY_LIKELY(min > kMasked) ? static_cast<float>(kBlock) : static_cast<float>(CountFinite(x));

  const auto max = hn::Set(d, out.max);
  constexpr size_t kSums = kAll ? 4 : 1;
  LaneSums<kSums> lanes;
  lanes.Add([&](size_t i, RowVec* terms) LP_LAMBDA {
    auto y = hn::Sub(hn::LoadU(d, x + i), max);
    const auto e = ExpFlush(d, y);
    terms[0] = e;
    if constexpr (kAll) {
      const auto ye = hn::Mul(y, e);
      terms[1] = ye;
      terms[2] = hn::Mul(y, ye);
      terms[3] = hn::Mul(e, e);
    }
  });
  float sums[kSums];
  lanes.Reduce(sums);
  out.sum_exp = sums[0];
  if constexpr (kAll) {
    out.sum_x_exp = sums[1];
    out.sum_xx_exp = sums[2];
    out.sum_exp2 = sums[3];
  }
}

void SumBlocks(const float* const* blocks, size_t n_blocks, BlockSums* HWY_RESTRICT out) {
  for (size_t b = 0; b < n_blocks; ++b) SumBlock<true>(blocks[b], out[b]);
}
void SumMasses(const float* const* blocks, size_t n_blocks, BlockSums* HWY_RESTRICT out) {
  for (size_t b = 0; b < n_blocks; ++b) SumBlock<false>(blocks[b], out[b]);
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
namespace {

// From each block's own maximum to the maximum of all: with s = block max - max, e^(y + s) = e^y e^s.
SoftmaxSums Combine(std::span<const BlockSums> blocks) {
  SoftmaxSums t;
  for (const BlockSums& b : blocks) t.max = std::max(t.max, b.max);
  if (t.max == kMasked) return t;
  for (const BlockSums& b : blocks) {
    if (b.max == kMasked) continue;
    const double s = static_cast<double>(b.max) - static_cast<double>(t.max), scale = ExpNonPositiveDouble(s);
    const auto e = static_cast<double>(b.sum_exp), xe = static_cast<double>(b.sum_x_exp);
    const auto xxe = static_cast<double>(b.sum_xx_exp);
    t.n += static_cast<size_t>(b.n);
    t.sum_exp += scale * e;
    t.sum_x_exp += scale * (xe + s * e);
    t.sum_xx_exp += scale * (xxe + s * (2 * xe + s * e));
    t.sum_exp2 += scale * scale * static_cast<double>(b.sum_exp2);
  }
  return t;
}

}  // namespace

HWY_EXPORT(SumBlocks);
HWY_EXPORT(SumMasses);

double SoftmaxSums::LogSumExp() const { return static_cast<double>(max) + std::log(sum_exp); }

double SoftmaxSums::Entropy() const { return std::max(0.0, std::log(sum_exp) - sum_x_exp / sum_exp); }

double SoftmaxSums::Varentropy() const {
  const double mean = sum_x_exp / sum_exp;
  return std::max(0.0, sum_xx_exp / sum_exp - mean * mean);  // -log p and x differ by a constant and the sign
}

double SoftmaxSums::EffectiveVocabulary() const { return sum_exp * sum_exp / sum_exp2; }

double SoftmaxSums::MeanLogit() const { return static_cast<double>(max) + sum_x_exp / sum_exp; }

namespace {
void Sum(Sums which, std::span<const float* const> blocks, BlockSums* out) {
  if (which == Sums::kAll) HWY_DYNAMIC_DISPATCH(SumBlocks)(blocks.data(), blocks.size(), out);
  else HWY_DYNAMIC_DISPATCH(SumMasses)(blocks.data(), blocks.size(), out);
}
}  // namespace

VectorSums ComputeSums(const LogitVector& x, Sums which) {
  VectorSums sums;
  sums.blocks.resize(x.n_blocks());
  Sum(which, x.blocks(), sums.blocks.data());
  sums.total = Combine(sums.blocks);
  return sums;
}

VectorSums ComputeSums(const LogitVector& x, const LogitVector& before, const VectorSums& before_sums, Sums which) {
  LP_CHECK(x.size() == before.size() && before_sums.blocks.size() == x.n_blocks());
  VectorSums sums;
  sums.blocks = before_sums.blocks;
  for (size_t b = 0; b < x.n_blocks();) {
    size_t end = b;
    while (end < x.n_blocks() && !x.SharesBlock(before, end)) ++end;
    if (end > b) Sum(which, x.blocks().subspan(b, end - b), sums.blocks.data() + b);
    b = end + 1;
  }
  sums.total = Combine(sums.blocks);
  return sums;
}

}  // namespace lp
#endif  // HWY_ONCE
