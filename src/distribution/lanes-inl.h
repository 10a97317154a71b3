// The order of every sum over a block of 256 logits, the same for vectors of any width: 16 lanes, element i in lane
// i mod 16, so that a block is 16 rows of 16; rows are added in pairs, lanes in halves. Compiled once per target.

#if defined(LP_DISTRIBUTION_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LP_DISTRIBUTION_LANES_INL_H_
#undef LP_DISTRIBUTION_LANES_INL_H_
#else
#define LP_DISTRIBUTION_LANES_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "distribution/fused-inl.h"
#include "distribution/logit_vector.h"
#include "distribution/unroll-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kRow = 16;  // lanes
constexpr size_t kBlock = LogitVector::kBlock;
using RowTag = hn::CappedTag<float, kRow>;
using RowVec = hn::Vec<RowTag>;
constexpr size_t kPart = hn::MaxLanes(RowTag());  // lanes of a row that one vector holds: 16, 8, 4 or 1

// kN sums over a block, of numbers that terms(i, out) writes for elements [i, i + kPart): sums[k] of out[k].
template <size_t kN>
struct LaneSums {
  HWY_ALIGN float lanes[kN][kRow];

  template <class Terms>
  HWY_INLINE void Add(const Terms& terms) {
    const RowTag d;
    for (size_t part = 0; part < kRow; part += kPart) {
      RowVec acc[kN];
      Each<kN>([&](auto k) LP_LAMBDA { acc[k] = hn::Zero(d); });
      for (size_t row = part; row < kBlock; row += 2 * kRow) {
        RowVec a[kN], b[kN];
        terms(row, a);
        terms(row + kRow, b);
        Each<kN>([&](auto k) LP_LAMBDA { acc[k] = hn::Add(acc[k], hn::Add(a[k], b[k])); });
      }
      Each<kN>([&](auto k) LP_LAMBDA { hn::Store(acc[k], d, lanes[k] + part); });
    }
  }

  // The same sums, four vectors at a time, for terms of many dependent steps: body(at, acc) adds to acc[k] what elements
  // [at(v), at(v) + kPart), v < 4, have for sum k. The four lie in rows of kAbreast; many sums leave no registers for
  // two.
  static constexpr size_t kAbreast = kPart < kRow && kN < 3 ? 2 : 1, kRows = 4 / kAbreast;
  using FourSums = RowVec[kAbreast];

  template <class Body>
  HWY_INLINE void AddFour(const Body& body) {
    const RowTag d;
    for (size_t part = 0; part < kRow; part += kAbreast * kPart) {
      FourSums acc[kN];
      Each<kN>([&](auto k) LP_LAMBDA { Each<kAbreast>([&](auto a) LP_LAMBDA { acc[k][a] = hn::Zero(d); }); });
      for (size_t row = part; row < kBlock; row += kRows * kRow) {
        body([&](size_t v) LP_LAMBDA { return row + v / kAbreast * kRow + v % kAbreast * kPart; }, acc);
      }
      Each<kN>([&](auto k) LP_LAMBDA {
        Each<kAbreast>([&](auto a) LP_LAMBDA { hn::Store(acc[k][a], d, lanes[k] + part + a * kPart); });
      });
    }
  }
  // acc += x, rows in pairs.
  static HWY_INLINE void Accumulate(FourSums& acc, const RowVec* x) {
    Each<kRows / 2>([&](auto pair) LP_LAMBDA {
      Each<kAbreast>([&](auto a) LP_LAMBDA {
        constexpr size_t v = 2 * kAbreast * pair + a;
        acc[a] = hn::Add(acc[a], hn::Add(x[v], x[v + kAbreast]));
      });
    });
  }
  // acc += x y, row by row, fused.
  static HWY_INLINE void AccumulateProducts(FourSums& acc, const RowVec* x, const RowVec* y) {
    Each<4>([&](auto v) LP_LAMBDA { acc[v % kAbreast] = Fused(x[v], y[v], acc[v % kAbreast]); });
  }

  // Lane i + lane i + 8, then + 4, + 2, + 1.
  HWY_INLINE void Reduce(float* HWY_RESTRICT sums) const {
    const hn::CappedTag<float, 4> d;
    constexpr size_t kWhole = (kN + 3) / 4 * 4;
    HWY_ALIGN float quarter[4 * kWhole] = {};
    Each<kN>([&](auto k) LP_LAMBDA {
      for (size_t i = 0; i < 4; i += hn::MaxLanes(d)) {
        const auto even = hn::Add(hn::Load(d, lanes[k] + i), hn::Load(d, lanes[k] + i + 8));
        const auto odd = hn::Add(hn::Load(d, lanes[k] + i + 4), hn::Load(d, lanes[k] + i + 12));
        hn::Store(hn::Add(even, odd), d, quarter + 4 * k + i);
      }
    });
    HWY_ALIGN float out[kWhole];
    for (size_t k = 0; k < kWhole; k += hn::MaxLanes(d)) {
      auto l0 = hn::Zero(d), l1 = l0, l2 = l0, l3 = l0;
      hn::LoadInterleaved4(d, quarter + 4 * k, l0, l1, l2, l3);
      hn::Store(hn::Add(hn::Add(l0, l2), hn::Add(l1, l3)), d, out + k);
    }
    Each<kN>([&](auto k) LP_LAMBDA { sums[k] = out[k]; });
  }
};

// Calls body(i) for the offset of every vector of a block.
template <class Body>
HWY_INLINE void ForBlock(const Body& body) {
  for (size_t i = 0; i < kBlock; i += 2 * kPart) {
    body(i);
    body(i + kPart);
  }
}

// Which lanes of a vector of 8 a mask keeps, first to last, by the mask's bits; the rest does not matter.
struct CompressTable {
  alignas(32) uint8_t lanes[256][8] = {};
  constexpr CompressTable() {
    for (unsigned bits = 0; bits < 256; ++bits) {
      for (unsigned i = 0, n = 0; i < 8; ++i) {
        if (bits >> i & 1) lanes[bits][n++] = static_cast<uint8_t>(i);
      }
    }
  }
};
inline constexpr CompressTable kCompressTable;

// Appends the lanes of `mask`; writes up to a vector more. A table of our own on AVX2, because Highway 1.0.3's Compress
// copies its table to the stack at every call; not CompressStore on AVX-512: Zen 4 takes 100 cycles for it.
HWY_INLINE float* Append(RowVec v, hn::Mask<RowTag> mask, float* HWY_RESTRICT to) {
  const RowTag d;
  if constexpr (kPart == 16) {
    hn::StoreU(hn::Compress(v, mask), d, to);
    return to + hn::CountTrue(d, mask);
  } else {
    uint8_t bits[8] = {};
    hn::StoreMaskBits(d, mask, bits);
    if constexpr (kPart == 8) {
      const hn::RebindToUnsigned<RowTag> du;
      const hn::Rebind<uint8_t, RowTag> d8;
      const auto lanes = hn::PromoteTo(du, hn::Load(d8, kCompressTable.lanes[bits[0]]));
      hn::StoreU(hn::TableLookupLanes(v, hn::IndicesFromVec(d, lanes)), d, to);
      return to + __builtin_popcount(bits[0]);
    } else {
      HWY_ALIGN float lanes[kPart];
      hn::Store(v, d, lanes);
      for (size_t i = 0; i < kPart; ++i) {
        *to = lanes[i];
        to += bits[0] >> i & 1;
      }
      return to;
    }
  }
}

// How many of a block's logits fulfil each of some conditions: conditions(v, out) writes masks out[0..kN) of vector v.
template <size_t kN, class Conditions>
HWY_INLINE void CountInBlock(const float* HWY_RESTRICT x, const Conditions& conditions, size_t* HWY_RESTRICT counts) {
  const RowTag d;
  const hn::RebindToSigned<RowTag> di;
  hn::Vec<decltype(di)> minus_n[kN];  // a mask is -1
  Each<kN>([&](auto k) LP_LAMBDA { minus_n[k] = hn::Zero(di); });
  for (size_t i = 0; i < kBlock; i += kPart) {
    hn::Mask<RowTag> masks[kN];
    conditions(hn::LoadU(d, x + i), masks);
    Each<kN>([&](auto k) LP_LAMBDA {
      minus_n[k] = hn::Add(minus_n[k], hn::BitCast(di, hn::VecFromMask(d, masks[k])));
    });
  }
  Each<kN>([&](auto k) LP_LAMBDA {
    counts[k] = static_cast<size_t>(-hn::GetLane(hn::SumOfLanes(di, minus_n[k])));
  });
}
HWY_INLINE size_t CountFinite(const float* HWY_RESTRICT x) {
  size_t n;
  CountInBlock<1>(x, [](RowVec v, auto& is) LP_LAMBDA { is[0] = hn::Gt(v, hn::Set(RowTag(), kMasked)); }, &n);
  return n;
}

// Bits of a predicate over 64 elements, bit i for element i: pred(vector) gives a mask.
constexpr size_t kWord = 64;
template <class Predicate>
HWY_INLINE uint64_t WordOfBits(const float* HWY_RESTRICT x, const Predicate& pred) {
  const RowTag d;
  uint64_t word = 0;
  for (size_t i = 0; i < kWord; i += kPart) {
    // StoreMaskBits writes whole bytes; narrower vectors give less than one.
    uint8_t bytes[8] = {};
    hn::StoreMaskBits(d, pred(hn::LoadU(d, x + i)), bytes);
    word |= static_cast<uint64_t>(bytes[0] | (kPart > 8 ? bytes[1] << 8 : 0)) << i;
  }
  return word;
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
