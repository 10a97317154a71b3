// The one pass of FindMass over the whole vocabulary.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"
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

// Which of a block's 256 logits fulfil something, one bit each.
struct Bits {
  uint8_t bytes[kBlock / 8] = {};

  // Those of four vectors at at(0), ..., at(3).
  template <class At>
  HWY_INLINE void SetFour(const At& at, const RowMask* masks) {
#if HWY_TARGET == HWY_AVX2
    // Packed first: to move a mask to a general register takes as long as three additions.
    if constexpr (kPart == 8) {
      __m256i m[4];
      Each<4>([&](auto v) LP_LAMBDA { m[v] = _mm256_castps_si256(hn::VecFromMask(RowTag(), masks[v]).raw); });
      const __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(m[0], m[1]), _mm256_packs_epi32(m[2], m[3]));
      const auto bits = static_cast<uint32_t>(_mm256_movemask_epi8(
          _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7))));
      if (at(3) == at(0) + 3 * kPart) {
        std::memcpy(bytes + at(0) / 8, &bits, sizeof(bits));
      } else {
        Each<4>([&](auto v) LP_LAMBDA { bytes[at(v) / 8] = static_cast<uint8_t>(bits >> (8 * v)); });
      }
      return;
    }
#endif
    Each<4>([&](auto v) LP_LAMBDA { Set(at(v), masks[v]); });
  }
  HWY_INLINE void Set(size_t i, RowMask mask) {
    if constexpr (kPart >= 8) {
      hn::StoreMaskBits(RowTag(), mask, bytes + i / 8);
    } else {
      uint8_t few[8] = {};
      hn::StoreMaskBits(RowTag(), mask, few);
      bytes[i / 8] = static_cast<uint8_t>(bytes[i / 8] | few[0] << (i % 8));
    }
  }
  // Of logits [64 k, 64 k + 64), bit i for logit 64 k + i. Targets are little-endian.
  HWY_INLINE uint64_t Word(size_t k) const {
    uint64_t word;
    std::memcpy(&word, bytes + 8 * k, sizeof(word));
    return word;
  }
};

// How many logits masks hold.
struct Count {
  using IntTag = hn::RebindToSigned<RowTag>;
  hn::Vec<IntTag> minus_n;  // a mask is -1

  static HWY_INLINE Count Zero() { return {hn::Zero(IntTag())}; }
  HWY_INLINE void Add(RowMask mask) {
    minus_n = hn::Add(minus_n, hn::BitCast(IntTag(), hn::VecFromMask(RowTag(), mask)));
  }
  HWY_INLINE size_t Get() const { return static_cast<size_t>(-hn::GetLane(hn::SumOfLanes(IntTag(), minus_n))); }
};

// What a lens makes of logits as they lie there, four vectors x(0), ..., x(3) at a time, less their block's maximum.
struct AsIs {
  template <class X>
  HWY_INLINE void Relative(const X& x, RowVec max, RowVec* y) const {
    Each<4>([&](auto v) LP_LAMBDA { y[v] = hn::Sub(x(v), max); });
  }
  template <class X>
  HWY_INLINE void Cut(const X&, RowVec*, RowVec*) const {}
};
// A lens that cuts and divides. What is masked has its exponential taken with the rest, and is forgotten after that.
struct CutAndDivided {
  float low, divisor;  // values below `low` are masked
  Reciprocal reciprocal;
  bool by_product;  // quotients are products with the reciprocal
  Count unmasked;

  HWY_INLINE CutAndDivided(float lowest, float t, const Reciprocal& r, float block_max)
      : low(lowest), divisor(t), reciprocal(r), unmasked(Count::Zero()) {
    // Beside a maximum of 2^-60 all quotients that are not exact are nothing, and what becomes infinite is far below
    // any that is not huge.
    const float size = std::abs(block_max);
    by_product = HWY_NATIVE_FMA && r.exact && size >= 0x1p-60f && size <= 0x1p100f;
  }
  template <class X>
  HWY_INLINE void Relative(const X& x, RowVec max, RowVec* y) const {
    const RowTag d;
    if (HWY_LIKELY(by_product)) {
      const auto high = hn::Set(d, reciprocal.high), rest = hn::Set(d, reciprocal.low);
      Each<4>([&](auto v) LP_LAMBDA { y[v] = hn::Sub(Fused(x(v), high, hn::Mul(x(v), rest)), max); });
    } else {
      Each<4>([&](auto v) LP_LAMBDA { y[v] = hn::Sub(Divided(x(v), hn::Set(d, divisor)), max); });
    }
  }
  template <class X>
  HWY_INLINE void Cut(const X& x, RowVec* y, RowVec* e) {
    Each<4>([&](auto v) LP_LAMBDA {
      const auto stays = hn::Ge(x(v), hn::Set(RowTag(), low));
      unmasked.Add(stays);
      y[v] = hn::IfThenElseZero(stays, y[v]);
      e[v] = hn::IfThenElseZero(stays, e[v]);
    });
  }
};

// What mass::Bracket asks of every logit. One of its intervals holds the other, so that what is in one of them only lies
// between. Asked of logits before they are divided, for quotients come late; `low` is the end of the cut.
template <bool kAround>
struct Sides {
  Interval bounds, other;  // the interval that bounds the side whose sums are wanted, and the other one
  bool outside;

  HWY_INLINE Sides(const mass::Bracket& bracket, const Lens& lens, float low)
      : bounds(Before(bracket.outside ? bracket.out : bracket.in, lens, low)),
        other(Before(bracket.outside ? bracket.in : bracket.out, lens, low)),
        outside(bracket.outside) {}

  static HWY_INLINE Interval Before(Interval interval, const Lens& lens, float low) {
    if (lens.divisor == 1) return interval;
    return {std::max(low, lens.BeforeDivision(interval.low)), interval.high};
  }

  HWY_INLINE void Tell(RowVec v, RowMask& in_bounds, RowMask& between) const {
    in_bounds = InInterval<kAround>(v, bounds);
    between = hn::Xor(in_bounds, InInterval<kAround>(v, other));
  }
};

// The sums of a block, and of those of its logits that lie on the side; which lie between. Returns how many lie in the
// interval that bounds the side. Exponentials come first and what is asked of the logits themselves after that: there
// are no registers for both.
template <bool kAround, size_t kAll, size_t kSide, class Seen>
HWY_INLINE size_t SplitLanes(const float* HWY_RESTRICT x, Seen& seen, float block_max, const Sides<kAround>& sides,
                             Bits& bits, LaneSums<kAll + kSide>& lanes) {
  const RowTag d;
  const auto max = hn::Set(d, block_max), zero = hn::Zero(d);
  const auto flip = sides.outside ? hn::Eq(zero, zero) : hn::Lt(zero, zero);  // all lanes, or none
  using Lanes = LaneSums<kAll + kSide>;
  Count n = Count::Zero();
  lanes.AddFour([&](const auto& at, auto& acc) LP_LAMBDA {
    const auto load = [&](size_t v) LP_LAMBDA { return hn::LoadU(d, x + at(v)); };
    RowVec y[4], e[4];
    RowMask between[4], side[4];
    seen.Relative(load, max, y);
    ExpFlush<4>(d, y, e);
    seen.Cut(load, y, e);
    AddTerms<Lanes, 0, kAll>(acc, y, e);
    Each<4>([&](auto v) LP_LAMBDA {
      sides.Tell(load(v), side[v], between[v]);
      n.Add(side[v]);
      e[v] = hn::IfThenElseZero(hn::Xor(side[v], flip), e[v]);
    });
    AddTerms<Lanes, kAll, kSide>(acc, y, e);
    bits.SetFour(at, between);
  });
  return n.Get();
}

// The same without sums.
template <bool kAround>
HWY_INLINE size_t SplitBits(const float* HWY_RESTRICT x, const Sides<kAround>& sides, Bits& bits) {
  Count n = Count::Zero();
  for (size_t i = 0; i < kBlock; i += 4 * kPart) {
    const auto at = [&](size_t v) LP_LAMBDA { return i + v * kPart; };
    RowMask between[4];
    Each<4>([&](auto v) LP_LAMBDA {
      RowMask in_bounds;
      sides.Tell(hn::LoadU(RowTag(), x + at(v)), in_bounds, between[v]);
      n.Add(in_bounds);
    });
    bits.SetFour(at, between);
  }
  return n.Get();
}

// Appends the logits that lie between.
HWY_INLINE float* AppendBetween(const float* HWY_RESTRICT x, const Bits& between, float* HWY_RESTRICT to) {
  for (size_t k = 0; k < kBlock / kWord; ++k) {
    uint64_t bits = between.Word(k);
    for (; bits != 0; bits &= bits - 1) *to++ = x[k * kWord + static_cast<size_t>(__builtin_ctzll(bits))];
  }
  return to;
}

template <bool kAround, Sums kWhich>
HWY_NOINLINE size_t SplitEach(const View& view, const mass::Bracket& bracket, const BlockSums* known,
                              BlockSums* HWY_RESTRICT all, BlockSums* HWY_RESTRICT side, uint32_t* HWY_RESTRICT ends,
                              float* HWY_RESTRICT to) {
  constexpr size_t kAll = CountOf(kWhich), kSide = CountOf(mass::SideSums(kWhich)), kGroup = 8;
  HWY_ALIGN float room[kBlock];
  LaneSums<kAll + kSide> lanes[kGroup];
  float* end = to;
  // Of those equal to the end of the cut all stay, or none.
  const float low = view.lens.low, above = std::nextafter(low, kEverything.high);
  const Sides<kAround> sides(bracket, view.lens, low), sides_above(bracket, view.lens, above);
  const bool no_side = !bracket.outside && bracket.in.low > bracket.in.high;
  const size_t n_blocks = view.x.n_blocks(), whole = view.no_masks ? view.x.size() / kBlock : 0;
  // Of a lens that divides only the block where ties end is cut beforehand.
  const bool divides = view.lens.divisor != 1;
  const Reciprocal reciprocal(view.lens.divisor);
  const size_t tie_block = view.lens.ties_end / kBlock;
  const Lens cut{view.lens.low, view.lens.ties_end, 1};
  for (size_t first = 0; first < n_blocks; first += kGroup) {
    const size_t last = std::min(n_blocks, first + kGroup);
    bool summed[kGroup] = {};
    for (size_t b = first; b < last; ++b) {
      const float max = view.block_max[b];
      all[b] = {.max = max};
      side[b] = {.max = max};
      ends[b] = static_cast<uint32_t>(end - to);
      if (max == kMasked) continue;
      if (known != nullptr && max < bracket.out.low) {  // all of it lies beyond
        all[b] = known[b];
        if (bracket.outside) side[b] = known[b];
        continue;
      }
      const float* block = view.x.block(b);
      float unmasked = -1;
      if (b == tie_block || !divides) block = BlockThrough(cut, block, b, room, unmasked);
      summed[b - first] = divides || known == nullptr || !no_side;
      Bits between;
      size_t n;
      if (divides) {
        CutAndDivided seen(b > tie_block ? above : low, view.lens.divisor, reciprocal, max);
        n = SplitLanes<kAround, kAll, kSide>(block, seen, max, b > tie_block ? sides_above : sides, between,
                                             lanes[b - first]);
        unmasked = static_cast<float>(seen.unmasked.Get());
      } else {
        AsIs seen;
        if (unmasked < 0) unmasked = static_cast<float>(b < whole ? kBlock : CountFinite(block));
        n = summed[b - first] ? SplitLanes<kAround, kAll, kSide>(block, seen, max, sides, between, lanes[b - first])
                              : SplitBits<kAround>(block, sides, between);
      }
      all[b].n = unmasked;
      side[b].n = bracket.outside ? unmasked - static_cast<float>(n) : static_cast<float>(n);
      end = AppendBetween(block, between, end);
      ends[b] = static_cast<uint32_t>(end - to);
    }
    for (size_t b = first; b < last; ++b) {
      if (!summed[b - first]) continue;
      float sums[kAll + kSide];
      lanes[b - first].Reduce(sums);
      StoreTerms<kAll>(sums, all[b]);
      StoreTerms<kSide>(sums + kAll, side[b]);
    }
  }
  const auto n = static_cast<size_t>(end - to);
  const size_t padded = (n + kBlock - 1) / kBlock * kBlock;
  std::fill(end, to + padded, kMasked);
  if (divides) ThroughLens({.divisor = view.lens.divisor}, true, to, padded, to);
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
  LP_CHECK(!bracket.around || view.lens.divisor == 1);  // upper ends are not taken through a lens
  return HWY_DYNAMIC_DISPATCH(Split)(view, bracket, which, known, all, side, ends, to);
}

}  // namespace lp
#endif  // HWY_ONCE
