#include "distribution/sums.h"

#include <algorithm>
#include <cmath>
#include <limits>

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

// The maximum of a block and how many of its logits are not masked.
template <class Load>
HWY_INLINE void LookAt(const Load& load, BlockSums& out) {
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
  out.max = hn::GetLane(hn::MaxOfLanes(d, hn::Max(max0, max1))) + 0.0f;  // never -0, as in ScanLogits
  const float min = hn::GetLane(hn::MinOfLanes(d, hn::Min(min0, min1)));
  out.n = static_cast<float>(HWY_LIKELY(min > kMasked) ? kBlock : CountFinite(load));
}

// The difference x - max is rounded, and not corrected as in Softmax(): its error is at most |y| 2^-24, that is, a
// relative error of a term e^y; over the block it averages to (sum |y| e^y / sum e^y) 2^-24, and the mean of |y| under
// a softmax over 256 is below 4: 2.4e-7, if all errors had the same sign.
template <size_t kSums, class Load>
HWY_INLINE void SumLanes(const Load& load, float block_max, LaneSums<kSums>& lanes) {
  const RowTag d;
  const auto max = hn::Set(d, block_max);
  lanes.AddFour([&](const auto& at, auto& terms) LP_LAMBDA {
    RowVec y[4];
    Each<4>([&](auto v) LP_LAMBDA { y[v] = hn::Sub(load(at(v)), max); });
    ExpFlush<4>(d, y, terms[0]);
    if constexpr (kSums > 1) Each<4>([&](auto v) LP_LAMBDA { terms[1][v] = hn::Mul(y[v], terms[0][v]); });
    if constexpr (kSums > 2) {
      Each<4>([&](auto v) LP_LAMBDA { terms[2][v] = hn::Mul(y[v], terms[1][v]); });
      Each<4>([&](auto v) LP_LAMBDA { terms[3][v] = hn::Mul(terms[0][v], terms[0][v]); });
    }
  });
}

// load_of(b) gives the loader of block b; known_max(b) its maximum, where known_n says how many blocks that is known of
// to hold no mask (0 and more), or nothing is known (kUnknown). Several blocks at a time: their maxima first, their
// lanes in the end, so that no exponential waits for a maximum across lanes.
constexpr size_t kUnknown = std::numeric_limits<size_t>::max();
template <Sums kWhich, class LoadOf, class KnownMax>
HWY_INLINE void SumEach(const LoadOf& load_of, const KnownMax& known_max, size_t known_n, size_t n_blocks,
                        BlockSums* HWY_RESTRICT out) {
  constexpr size_t kSums = kWhich == Sums::kAll ? 4 : kWhich == Sums::kEntropy ? 2 : 1, kGroup = 8;
  LaneSums<kSums> lanes[kGroup];
  for (size_t first = 0; first < n_blocks; first += kGroup) {
    const size_t end = std::min(n_blocks, first + kGroup);
    for (size_t b = first; b < end; ++b) {
      out[b] = {};
      if (known_n == kUnknown) {
        LookAt(load_of(b), out[b]);
      } else {
        out[b].max = known_max(b);
        out[b].n = static_cast<float>(b < known_n ? kBlock : CountFinite(load_of(b)));
      }
    }
    for (size_t b = first; b < end; ++b) {
      if (out[b].n > 0) SumLanes(load_of(b), out[b].max, lanes[b - first]);
    }
    for (size_t b = first; b < end; ++b) {
      if (out[b].n == 0) continue;
      float sums[kSums];
      lanes[b - first].Reduce(sums);
      out[b].sum_exp = sums[0];
      if constexpr (kSums > 1) out[b].sum_x_exp = sums[1];
      if constexpr (kSums > 2) {
        out[b].sum_xx_exp = sums[2];
        out[b].sum_exp2 = sums[3];
      }
    }
  }
}

void SumBlocks(Sums which, const float* const* blocks, size_t n_blocks, const float* max, size_t known_n,
               BlockSums* HWY_RESTRICT out) {
  const auto load_of = [&](size_t b) LP_LAMBDA {
    const float* HWY_RESTRICT x = blocks[b];
    return [x](size_t i) LP_LAMBDA { return hn::LoadU(RowTag(), x + i); };
  };
  const auto known_max = [&](size_t b) LP_LAMBDA { return max[b]; };
  if (which == Sums::kAll) SumEach<Sums::kAll>(load_of, known_max, known_n, n_blocks, out);
  else if (which == Sums::kEntropy) SumEach<Sums::kEntropy>(load_of, known_max, known_n, n_blocks, out);
  else SumEach<Sums::kMass>(load_of, known_max, known_n, n_blocks, out);
}

// Of the quotients. Dividing keeps the order, so the maxima are quotients, too.
void SumQuotients(const float* const* blocks, size_t n_blocks, float t, bool entropy, const float* max, size_t known_n,
                  BlockSums* HWY_RESTRICT out) {
  const auto divisor = hn::Set(RowTag(), t);
  const auto load_of = [&](size_t b) LP_LAMBDA {
    const float* HWY_RESTRICT x = blocks[b];
    return [x, divisor](size_t i) LP_LAMBDA { return hn::Div(hn::LoadU(RowTag(), x + i), divisor); };
  };
  const auto known_max = [&](size_t b) LP_LAMBDA { return max[b] / t + 0.0f; };
  entropy ? SumEach<Sums::kEntropy>(load_of, known_max, known_n, n_blocks, out)
          : SumEach<Sums::kMass>(load_of, known_max, known_n, n_blocks, out);
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

void Sum(Sums which, std::span<const float* const> blocks, const float* max, size_t known_n, BlockSums* out) {
  HWY_DYNAMIC_DISPATCH(SumBlocks)(which, blocks.data(), blocks.size(), max, known_n, out);
}

// Of how many blocks at the start it is known that they hold no mask.
size_t KnownN(const LogitVector& x, const Known& known) {
  LP_CHECK(known.block_max.size() == x.n_blocks());
  return known.no_masks ? x.size() / LogitVector::kBlock : 0;
}

}  // namespace

VectorSums ComputeSums(const LogitVector& x, Sums which, const Known& known) {
  VectorSums sums;
  sums.blocks.resize(x.n_blocks());
  const size_t known_n = known.block_max.empty() ? std::numeric_limits<size_t>::max() : KnownN(x, known);
  Sum(which, x.blocks(), known.block_max.data(), known_n, sums.blocks.data());
  sums.total = Combine(sums.blocks);
  return sums;
}

SoftmaxSums ComputeSumsOfQuotient(const LogitVector& x, float t, Sums which, const Known& known) {
  LP_CHECK(t > 0 && which != Sums::kAll);
  std::vector<BlockSums> blocks(x.n_blocks());
  HWY_DYNAMIC_DISPATCH(SumQuotients)
  (x.blocks().data(), x.n_blocks(), t, which == Sums::kEntropy, known.block_max.data(), KnownN(x, known),
   blocks.data());
  return Combine(blocks);
}

VectorSums ComputeSums(const LogitVector& x, const LogitVector& before, const VectorSums& before_sums, Sums which) {
  LP_CHECK(x.size() == before.size() && before_sums.blocks.size() == x.n_blocks());
  VectorSums sums;
  sums.blocks = before_sums.blocks;
  for (size_t b = 0; b < x.n_blocks();) {
    size_t end = b;
    while (end < x.n_blocks() && !x.SharesBlock(before, end)) ++end;
    if (end > b) {
      Sum(which, x.blocks().subspan(b, end - b), nullptr, std::numeric_limits<size_t>::max(), sums.blocks.data() + b);
    }
    b = end + 1;
  }
  sums.total = Combine(sums.blocks);
  return sums;
}

}  // namespace lp
#endif  // HWY_ONCE
