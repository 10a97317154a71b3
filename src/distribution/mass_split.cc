// The one pass of FindMass over the whole vocabulary.
#include <algorithm>

#include "base/simd_targets.h"
#include "distribution/mass_pass.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS LP_SCALABLE_TARGETS
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "distribution/mass_split.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "distribution/exp-inl.h"
#include "distribution/lens-inl.h"
#include "distribution/sums-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using RowMask = hn::Mask<RowTag>;

// By rank an interval has no upper end.
template <bool kAround>
HWY_INLINE RowMask InInterval(RowVec v, Interval interval) {
  const RowTag d;
  const auto from = hn::Ge(v, hn::Set(d, interval.low));
  if constexpr (!kAround) return from;
  return hn::And(from, hn::Le(v, hn::Set(d, interval.high)));
}

// The sums of a block, and of those of its logits that lie on the side.
template <bool kAround, size_t kAll, size_t kSide>
HWY_INLINE void SplitLanes(const float* HWY_RESTRICT x, float block_max, Interval interval, bool outside,
                           LaneSums<kAll + kSide>& lanes) {
  const RowTag d;
  const auto max = hn::Set(d, block_max), zero = hn::Zero(d);
  const auto flip = outside ? hn::Eq(zero, zero) : hn::Lt(zero, zero);  // all lanes, or none
  using Lanes = LaneSums<kAll + kSide>;
  lanes.AddFour([&](const auto& at, auto& acc) LP_LAMBDA {
    RowVec y[4], e[4];
    Each<4>([&](auto v) LP_LAMBDA { y[v] = hn::Sub(hn::LoadU(d, x + at(v)), max); });
    ExpFlush<4>(d, y, e);
    AddTerms<Lanes, 0, kAll>(acc, y, e);
    Each<4>([&](auto v) LP_LAMBDA {
      e[v] = hn::IfThenElseZero(hn::Xor(InInterval<kAround>(hn::LoadU(d, x + at(v)), interval), flip), e[v]);
    });
    AddTerms<Lanes, kAll, kSide>(acc, y, e);
  });
}

// Appends what lies between, and counts what lies in `in`. Most words of 64 hold little to append, or nothing.
template <bool kAround>
HWY_INLINE float* CopyBetween(const float* HWY_RESTRICT x, Interval in, Interval out, float* HWY_RESTRICT to,
                              size_t& n_in) {
  const RowTag d;
  const hn::RebindToSigned<RowTag> di;
  auto minus_n = hn::Zero(di);  // a mask is -1
  for (size_t word = 0; word < kBlock; word += kWord) {
    uint64_t bits = 0;
    Each<kWord / kPart>([&](auto part) LP_LAMBDA {
      const auto v = hn::LoadU(d, x + word + part * kPart);
      const auto is_in = InInterval<kAround>(v, in);
      minus_n = hn::Add(minus_n, hn::BitCast(di, hn::VecFromMask(d, is_in)));
      uint8_t bytes[8] = {};
      hn::StoreMaskBits(d, hn::AndNot(is_in, InInterval<kAround>(v, out)), bytes);
      bits |= static_cast<uint64_t>(bytes[0] | (kPart > 8 ? bytes[1] << 8 : 0)) << (part * kPart);
    });
    for (; bits != 0; bits &= bits - 1) *to++ = x[word + static_cast<size_t>(__builtin_ctzll(bits))];
  }
  n_in = static_cast<size_t>(-hn::GetLane(hn::SumOfLanes(di, minus_n)));
  return to;
}

template <bool kAround, Sums kWhich>
HWY_INLINE size_t SplitEach(const View& view, const mass::Bracket& bracket, const BlockSums* known,
                            BlockSums* HWY_RESTRICT all, BlockSums* HWY_RESTRICT side, uint32_t* HWY_RESTRICT ends,
                            float* HWY_RESTRICT to) {
  constexpr size_t kAll = CountOf(kWhich), kSide = CountOf(mass::SideSums(kWhich)), kGroup = 8;
  HWY_ALIGN float rooms[kGroup][kBlock];
  LaneSums<kAll + kSide> lanes[kGroup];
  float* end = to;
  const bool no_side = !bracket.outside && bracket.in.low > bracket.in.high;
  const size_t n_blocks = view.x.n_blocks(), whole = view.no_masks ? view.x.size() / kBlock : 0;
  for (size_t first = 0; first < n_blocks; first += kGroup) {
    const float* blocks[kGroup] = {};  // those whose sums have to be made
    const size_t last = std::min(n_blocks, first + kGroup);
    for (size_t b = first; b < last; ++b) {
      const float max = view.block_max[b];
      const bool beyond = max < bracket.out.low;  // all of it
      all[b] = {.max = max};
      side[b] = {.max = max};
      ends[b] = static_cast<uint32_t>(end - to);
      if (max == kMasked) continue;
      if (known != nullptr && beyond) {
        all[b] = known[b];
        if (bracket.outside) side[b] = known[b];
        continue;
      }
      float n = -1;
      const float* block = blocks[b - first] = BlockThrough(view.lens, view.x.block(b), b, rooms[b - first], n);
      all[b].n = n >= 0 ? n : static_cast<float>(b < whole ? kBlock : CountFinite(block));
      size_t n_in = 0;
      if (!beyond) end = CopyBetween<kAround>(block, bracket.in, bracket.out, end, n_in);
      const auto n_out = static_cast<float>(n_in + static_cast<size_t>(end - to) - ends[b]);
      side[b].n = bracket.outside ? all[b].n - n_out : static_cast<float>(n_in);
      ends[b] = static_cast<uint32_t>(end - to);
      if (known != nullptr && no_side) blocks[b - first] = nullptr;
    }
    const Interval interval = bracket.outside ? bracket.out : bracket.in;
    for (size_t b = first; b < last; ++b) {
      if (blocks[b - first] == nullptr) continue;
      SplitLanes<kAround, kAll, kSide>(blocks[b - first], all[b].max, interval, bracket.outside, lanes[b - first]);
    }
    for (size_t b = first; b < last; ++b) {
      if (blocks[b - first] == nullptr) continue;
      float sums[kAll + kSide];
      lanes[b - first].Reduce(sums);
      StoreTerms<kAll>(sums, all[b]);
      StoreTerms<kSide>(sums + kAll, side[b]);
    }
  }
  const auto n = static_cast<size_t>(end - to);
  std::fill(end, to + (n + kBlock - 1) / kBlock * kBlock, kMasked);
  return n;
}

size_t Split(const View& view, const mass::Bracket& bracket, Sums which, const BlockSums* known, BlockSums* all,
             BlockSums* side, uint32_t* ends, float* to) {
  // Around a centre sums are known, and only the mass is asked for.
  if (bracket.around) return SplitEach<true, Sums::kMass>(view, bracket, known, all, side, ends, to);
  switch (which) {
    case Sums::kMass:
      return SplitEach<false, Sums::kMass>(view, bracket, known, all, side, ends, to);
    case Sums::kEntropy:
      return SplitEach<false, Sums::kEntropy>(view, bracket, known, all, side, ends, to);
    case Sums::kVarentropy:
      return SplitEach<false, Sums::kVarentropy>(view, bracket, known, all, side, ends, to);
    case Sums::kAll:
      return SplitEach<false, Sums::kAll>(view, bracket, known, all, side, ends, to);
  }
  return 0;
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
HWY_EXPORT(Split);

size_t mass::Split(const View& view, const Bracket& bracket, Sums which, const BlockSums* known, BlockSums* all,
                   BlockSums* side, uint32_t* ends, float* to) {
  return HWY_DYNAMIC_DISPATCH(Split)(view, bracket, which, known, all, side, ends, to);
}

}  // namespace lp
#endif  // HWY_ONCE
