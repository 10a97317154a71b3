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
template <Sums kWhich, class LoadLogits>
HWY_INLINE void SumBlock(const LoadLogits& load, BlockSums& out) {
  const RowTag d;
  auto max0 = load(size_t{0}), max1 = load(kPart);
  auto min0 = max0, min1 = max1;
  for (size_t i = 2 * kPart; i < kBlock; i += 2 * kPart) {
    const auto v0 = load(i), v1 = load(i + kPart);
    max0 = hn::Max(max0, v0);
    max1 = hn::Max(max1, v1);
    min0 = hn::Min(min0, v0);
    min1 = hn::Min(min1, v1);
  }
  out = {};
  out.max = hn::GetLane(hn::MaxOfLanes(d, hn::Max(max0, max1))) + 0.0f;  // never -0, as in ScanLogits
  if (out.max == kMasked) return;
  const float min = hn::GetLane(hn::MinOfLanes(d, hn::Min(min0, min1)));
  out.n = static_cast<float>(kBlock);
  if (HWY_UNLIKELY(!(min > kMasked))) {
    size_t n = 0;
    ForBlock([&](size_t i) LP_LAMBDA { n += hn::CountTrue(d, hn::Gt(load(i), hn::Set(d, kMasked))); });
    out.n = static_cast<float>(n);
  }

  const auto max = hn::Set(d, out.max);
  constexpr size_t kSums = kWhich == Sums::kAll ? 4 : kWhich == Sums::kEntropy ? 2 : 1;
  LaneSums<kSums> lanes;
  lanes.Add([&](size_t i, RowVec* terms) LP_LAMBDA {
    auto y = hn::Sub(load(i), max);
    const auto e = ExpFlush(d, y);
    terms[0] = e;
    if constexpr (kSums > 1) terms[1] = hn::Mul(y, e);
    if constexpr (kSums > 2) {
      terms[2] = hn::Mul(y, terms[1]);
      terms[3] = hn::Mul(e, e);
    }
  });
  float sums[kSums];
  lanes.Reduce(sums);
  out.sum_exp = sums[0];
  if constexpr (kSums > 1) out.sum_x_exp = sums[1];
  if constexpr (kSums > 2) {
    out.sum_xx_exp = sums[2];
    out.sum_exp2 = sums[3];
  }
}

template <Sums kWhich>
HWY_INLINE void SumEach(const float* const* blocks, size_t n_blocks, BlockSums* HWY_RESTRICT out) {
  const RowTag d;
  for (size_t b = 0; b < n_blocks; ++b) {
    const float* HWY_RESTRICT x = blocks[b];
    SumBlock<kWhich>([&](size_t i) LP_LAMBDA { return hn::LoadU(d, x + i); }, out[b]);
  }
}
void SumBlocks(const float* const* blocks, size_t n_blocks, BlockSums* HWY_RESTRICT out) { SumEach<Sums::kAll>(blocks, n_blocks, out); }
void SumEntropies(const float* const* blocks, size_t n_blocks, BlockSums* HWY_RESTRICT out) { SumEach<Sums::kEntropy>(blocks, n_blocks, out); }
void SumMasses(const float* const* blocks, size_t n_blocks, BlockSums* HWY_RESTRICT out) { SumEach<Sums::kMass>(blocks, n_blocks, out); }

// Of the quotients: divided into a block of their own first, which stays in the nearest cache.
void SumQuotients(const float* const* blocks, size_t n_blocks, float t, bool entropy, BlockSums* HWY_RESTRICT out) {
  const RowTag d;
  const auto divisor = hn::Set(d, t);
  HWY_ALIGN float quotients[kBlock];
  const float* block = quotients;
  for (size_t b = 0; b < n_blocks; ++b) {
    const float* HWY_RESTRICT x = blocks[b];
    ForBlock([&](size_t i) LP_LAMBDA { hn::Store(hn::Div(hn::LoadU(d, x + i), divisor), d, quotients + i); });
    entropy ? SumEach<Sums::kEntropy>(&block, 1, out + b) : SumEach<Sums::kMass>(&block, 1, out + b);
  }
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
HWY_EXPORT(SumEntropies);
HWY_EXPORT(SumMasses);
HWY_EXPORT(SumQuotients);

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
  else if (which == Sums::kEntropy) HWY_DYNAMIC_DISPATCH(SumEntropies)(blocks.data(), blocks.size(), out);
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

SoftmaxSums ComputeSumsOfQuotient(const LogitVector& x, float t, Sums which) {
  LP_CHECK(t > 0 && which != Sums::kAll);
  std::vector<BlockSums> blocks(x.n_blocks());
  HWY_DYNAMIC_DISPATCH(SumQuotients)(x.blocks().data(), x.n_blocks(), t, which == Sums::kEntropy, blocks.data());
  return Combine(blocks);
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
