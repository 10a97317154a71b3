#include "distribution/sums.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/simd_targets.h"
#include "distribution/exp.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS LP_SCALABLE_TARGETS
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "distribution/sums.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "distribution/exp-inl.h"
#include "distribution/lens-inl.h"
#include "distribution/sums-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The maximum of a block and how many of its logits are not masked.
HWY_INLINE void LookAt(const float* HWY_RESTRICT x, BlockSums& out) {
  const RowTag d;
  const auto load = [&](size_t i) LP_LAMBDA { return hn::LoadU(d, x + i); };
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
  out.n = static_cast<float>(HWY_LIKELY(min > kMasked) ? kBlock : CountFinite(x));
}

// The logits as they are. The difference x - max is rounded, and not corrected as in Softmax(): its error is at most |y|
// 2^-24, that is, a relative error of a term e^y; over the block it averages to (sum |y| e^y / sum e^y) 2^-24, and the
// mean of |y| under a softmax over 256 is below 4: 2.4e-7, if all errors had the same sign.
struct Plain {
  HWY_INLINE RowVec operator()(RowVec x, RowVec max) const { return hn::Sub(x, max); }
};
// The logits divided: (x - max) / t as a product, for a division takes as long as a third of an exponential.
struct Scaled {
  float factor;  // 1 / t
  HWY_INLINE RowVec operator()(RowVec x, RowVec max) const {
    return hn::Mul(hn::Sub(x, max), hn::Set(RowTag(), factor));
  }
};

template <size_t kSums, class Relative>
HWY_INLINE void SumLanes(const float* HWY_RESTRICT x, float block_max, const Relative& relative, LaneSums<kSums>& lanes) {
  const RowTag d;
  const auto max = hn::Set(d, block_max);
  using Lanes = LaneSums<kSums>;
  lanes.AddFour([&](const auto& at, auto& acc) LP_LAMBDA {
    RowVec y[4], e[4];
    Each<4>([&](auto v) LP_LAMBDA { y[v] = relative(hn::LoadU(d, x + at(v)), max); });
    ExpFlush<4>(d, y, e);
    AddTerms<Lanes, 0, kSums>(acc, y, e);
  });
}

// Maxima are known from the first block to the last or not at all (nullptr; for a lens they must be); of the first
// known_n blocks it is known that they hold no mask. Several blocks at a time: their maxima first, their lanes in the
// end, so that no exponential waits for a maximum across lanes.
template <Sums kWhich, class Relative>
HWY_INLINE void SumEach(const float* const* blocks, size_t n_blocks, const Lens& lens, const float* known_max,
                        size_t known_n, const Relative& relative, BlockSums* HWY_RESTRICT out) {
  constexpr size_t kSums = CountOf(kWhich), kGroup = 8;
  LaneSums<kSums> lanes[kGroup];
  HWY_ALIGN float rooms[kGroup][kBlock];
  const float* seen[kGroup];
  for (size_t first = 0; first < n_blocks; first += kGroup) {
    const size_t end = std::min(n_blocks, first + kGroup);
    for (size_t b = first; b < end; ++b) {
      out[b] = {};
      seen[b - first] = blocks[b];
      if (known_max == nullptr) {
        LookAt(blocks[b], out[b]);
      } else if (known_max[b] > kMasked) {
        float n = -1;
        seen[b - first] = BlockThrough(lens, blocks[b], b, rooms[b - first], n);
        out[b].max = known_max[b];
        out[b].n = n >= 0 ? n : static_cast<float>(b < known_n ? kBlock : CountFinite(blocks[b]));
      }
    }
    for (size_t b = first; b < end; ++b) {
      if (out[b].n > 0) SumLanes(seen[b - first], out[b].max, relative, lanes[b - first]);
    }
    for (size_t b = first; b < end; ++b) {
      if (out[b].n == 0) continue;
      float sums[kSums];
      lanes[b - first].Reduce(sums);
      StoreTerms<kSums>(sums, out[b]);
    }
  }
}

void SumBlocks(Sums which, const float* const* blocks, size_t n_blocks, const Lens& lens, const float* max,
               size_t known_n, BlockSums* HWY_RESTRICT out) {
  switch (which) {
    case Sums::kMass:
      return SumEach<Sums::kMass>(blocks, n_blocks, lens, max, known_n, Plain(), out);
    case Sums::kEntropy:
      return SumEach<Sums::kEntropy>(blocks, n_blocks, lens, max, known_n, Plain(), out);
    case Sums::kVarentropy:
      return SumEach<Sums::kVarentropy>(blocks, n_blocks, lens, max, known_n, Plain(), out);
    case Sums::kAll:
      return SumEach<Sums::kAll>(blocks, n_blocks, lens, max, known_n, Plain(), out);
  }
}

void SumScaled(const float* const* blocks, size_t n_blocks, float factor, const float* max, size_t known_n,
               BlockSums* HWY_RESTRICT out) {
  SumEach<Sums::kEntropy>(blocks, n_blocks, Lens{}, max, known_n, Scaled{factor}, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
namespace {

// Sums of the same blocks: each entry of `sums` has the blocks' maxima, and room for a total.
struct Summed {
  std::span<const BlockSums> blocks;
  Sums which;
  SoftmaxSums total = {};
};
// Some of the blocks, from their own maxima to the maximum of all: with s = (block max - max) / t and scale = e^s,
// e^(y + s) = e^y e^s. Added up in a copy of the total, which can stay in registers.
void AddBlocks(std::span<const BlockSums> blocks, const double* shifts, const double* scales, Sums which,
               SoftmaxSums& sums) {
  SoftmaxSums total = sums;
  for (size_t i = 0; i < blocks.size(); ++i) {
    const BlockSums& b = blocks[i];
    if (b.max == kMasked) continue;
    const double s = shifts[i], scale = scales[i], e = static_cast<double>(b.sum_exp);
    total.n += static_cast<uint32_t>(b.n);
    total.sum_exp += scale * e;
    if (which == Sums::kMass) continue;
    const auto xe = static_cast<double>(b.sum_x_exp), xxe = static_cast<double>(b.sum_xx_exp);
    total.sum_x_exp += scale * (xe + s * e);
    total.sum_xx_exp += scale * (xxe + s * (2 * xe + s * e));
    total.sum_exp2 += scale * scale * static_cast<double>(b.sum_exp2);
  }
  sums = total;
}

void CombineEach(std::span<Summed> sums, double t) {
  const std::span<const BlockSums> blocks = sums[0].blocks;
  float max = kMasked;
  for (const BlockSums& b : blocks) max = std::max(max, b.max);
  for (Summed& s : sums) s.total.max = max;
  if (max == kMasked) return;
  constexpr size_t kGroup = 64;
  for (size_t first = 0; first < blocks.size(); first += kGroup) {
    const size_t n = std::min(kGroup, blocks.size() - first);
    std::array<double, kGroup> shifts, scales;
    for (size_t i = 0; i < n; ++i) {
      shifts[i] = static_cast<double>(blocks[first + i].max) - static_cast<double>(max);
    }
    for (size_t i = 0; t != 1 && i < n; ++i) shifts[i] /= t;
    std::copy_n(shifts.begin(), n, scales.begin());
    ExpNonPositiveDoubles(std::span(scales).first(n));
    for (Summed& s : sums) AddBlocks(s.blocks.subspan(first, n), shifts.data(), scales.data(), s.which, s.total);
  }
}

}  // namespace

SoftmaxSums Combine(std::span<const BlockSums> blocks, Sums which, double t) {
  Summed sums{blocks, which};
  CombineEach(std::span(&sums, 1), t);
  return sums.total;
}

std::pair<SoftmaxSums, SoftmaxSums> CombineParts(std::span<const BlockSums> all, Sums which,
                                                 std::span<const BlockSums> part, Sums which_part) {
  Summed sums[2] = {{all, which}, {part, which_part}};
  CombineEach(sums, 1);
  return {sums[0].total, sums[1].total};
}

HWY_EXPORT(SumBlocks);
HWY_EXPORT(SumScaled);

double SoftmaxSums::LogSumExp() const { return static_cast<double>(max) + std::log(sum_exp); }

double SoftmaxSums::Entropy() const { return std::max(0.0, std::log(sum_exp) - sum_x_exp / sum_exp); }

double SoftmaxSums::Varentropy() const {
  const double mean = sum_x_exp / sum_exp;
  return std::max(0.0, sum_xx_exp / sum_exp - mean * mean);  // -log p and x differ by a constant and the sign
}

double SoftmaxSums::EffectiveVocabulary() const { return sum_exp * sum_exp / sum_exp2; }

double SoftmaxSums::MeanLogit() const { return static_cast<double>(max) + sum_x_exp / sum_exp; }

namespace {

void Sum(Sums which, std::span<const float* const> blocks, const Lens& lens, const float* max, size_t known_n,
         BlockSums* out) {
  HWY_DYNAMIC_DISPATCH(SumBlocks)(which, blocks.data(), blocks.size(), lens, max, known_n, out);
}

// Of how many blocks at the start it is known that they hold no mask.
size_t KnownN(const LogitVector& x, const Known& known) {
  LP_CHECK(known.block_max.size() == x.n_blocks());
  return known.no_masks ? x.size() / LogitVector::kBlock : 0;
}

}  // namespace

VectorSums ComputeSums(const LogitVector& x, Sums which, const Known& known) {
  VectorSums sums{.blocks = std::vector<BlockSums>(x.n_blocks()), .which = which};
  const bool scanned = !known.block_max.empty();
  Sum(which, x.blocks(), {}, scanned ? known.block_max.data() : nullptr, scanned ? KnownN(x, known) : 0,
      sums.blocks.data());
  sums.total = Combine(sums.blocks, which);
  return sums;
}

VectorSums ComputeSums(const View& x, Sums which) {
  VectorSums sums{.blocks = std::vector<BlockSums>(x.x.n_blocks()), .which = which};
  Sum(which, x.x.blocks(), x.lens, x.block_max.data(), KnownN(x.x, {x.block_max, x.no_masks}), sums.blocks.data());
  sums.total = Combine(sums.blocks, which);
  return sums;
}

SoftmaxSums ComputeSumsOfQuotient(const LogitVector& x, float t, const Known& known) {
  LP_CHECK(t > 0);
  std::vector<BlockSums> blocks(x.n_blocks());
  HWY_DYNAMIC_DISPATCH(SumScaled)
  (x.blocks().data(), x.n_blocks(), 1 / t, known.block_max.data(), KnownN(x, known), blocks.data());
  SoftmaxSums sums = Combine(blocks, Sums::kEntropy, static_cast<double>(t));
  if (sums.max == kMasked) return sums;
  // Relative to max / t until now, and from here on to the float32 next to it.
  const double exact = static_cast<double>(sums.max) / static_cast<double>(t);
  sums.max = sums.max / t + 0.0f;
  const double s = exact - static_cast<double>(sums.max), scale = std::exp(s);
  sums.sum_x_exp = scale * (sums.sum_x_exp + s * sums.sum_exp);
  sums.sum_exp *= scale;
  return sums;
}

VectorSums ComputeSums(const LogitVector& x, const LogitVector& before, const VectorSums& before_sums) {
  LP_CHECK(x.size() == before.size() && before_sums.blocks.size() == x.n_blocks());
  VectorSums sums{.blocks = before_sums.blocks, .which = before_sums.which};
  for (size_t b = 0; b < x.n_blocks();) {
    size_t end = b;
    while (end < x.n_blocks() && !x.SharesBlock(before, end)) ++end;
    if (end > b) Sum(sums.which, x.blocks().subspan(b, end - b), {}, nullptr, 0, sums.blocks.data() + b);
    b = end + 1;
  }
  sums.total = Combine(sums.blocks, sums.which);
  return sums;
}

}  // namespace lp
#endif  // HWY_ONCE
