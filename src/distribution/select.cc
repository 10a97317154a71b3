#include "distribution/select.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/check.h"
#include "base/simd_targets.h"

#ifndef LP_DISTRIBUTION_SELECT_ONCE
#define LP_DISTRIBUTION_SELECT_ONCE
namespace lp {

// Collects candidates in the order of their ids; with a limit, drops those that `limit` others stand above.
struct Gathering {
  std::vector<Candidate> found;
  float low, high;  // values collected
  size_t limit = std::numeric_limits<size_t>::max();
  size_t prune_at = std::numeric_limits<size_t>::max();

  // The elements of x whose bits are set; x[0] has the id `first`.
  void AddBits(const float* x, size_t first, uint64_t bits) {
    for (; bits != 0; bits &= bits - 1) {
      const auto i = static_cast<size_t>(__builtin_ctzll(bits));
      found.push_back({static_cast<TokenId>(first + i), x[i]});
    }
  }
  // What comes later has a higher id, so that only higher values still matter.
  void Prune() {
    if (found.size() < limit) return;
    const auto kth = found.begin() + static_cast<std::ptrdiff_t>(limit) - 1;
    std::nth_element(found.begin(), kth, found.end(), RanksBefore);
    low = std::nextafter(kth->value, std::numeric_limits<float>::infinity());
    found.resize(limit);
  }
};

// One id whose rank is asked for.
struct Asked {
  float value;
  TokenId id;
  size_t position;
  size_t before = 0;  // tokens that rank before it
};

}  // namespace lp
#endif  // LP_DISTRIBUTION_SELECT_ONCE

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS LP_SCALABLE_TARGETS
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "distribution/select.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "distribution/lanes-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Most of what is looked at is too low: the maximum of a quarter of a block tells that sooner than its bits.
void Gather(const LogitVector& x, const float* HWY_RESTRICT block_max, Gathering& g) {
  const RowTag d;
  for (size_t b = 0; b < x.n_blocks(); ++b) {
    if (block_max[b] < g.low) continue;
    const float* HWY_RESTRICT block = x.block(b);
    const auto low = hn::Set(d, g.low), high = hn::Set(d, g.high);
    for (size_t part = 0; part < kBlock; part += kWord) {
      auto max = hn::LoadU(d, block + part);
      for (size_t i = kPart; i < kWord; i += kPart) max = hn::Max(max, hn::LoadU(d, block + part + i));
      if (hn::AllFalse(d, hn::Ge(max, low))) continue;
      const auto within = [&](RowVec v) LP_LAMBDA { return hn::And(hn::Ge(v, low), hn::Le(v, high)); };
      g.AddBits(block + part, b * kBlock + part, WordOfBits(block + part, within));
    }
    if (g.found.size() >= g.prune_at) g.Prune();
  }
}

// How many of v[0, n) are >= low.
size_t CountFrom(const float* HWY_RESTRICT v, size_t n, float low) {
  const RowTag d;
  const auto l = hn::Set(d, low);
  size_t count = 0, i = 0;
  for (; i + kPart <= n; i += kPart) count += hn::CountTrue(d, hn::Ge(hn::LoadU(d, v + i), l));
  for (; i < n; ++i) count += v[i] >= low;
  return count;
}

void CountBlocks(const float* const* blocks, size_t n_blocks, float value, Counts& counts) {
  const RowTag d;
  const auto v = hn::Set(d, value);
  for (size_t b = 0; b < n_blocks; ++b) {
    size_t n[2];  // above, from
    CountInBlock<2>(blocks[b], [&](RowVec u, auto& is) LP_LAMBDA { is[0] = hn::Gt(u, v), is[1] = hn::Ge(u, v); }, n);
    counts.above += n[0];
    counts.equal += n[1] - n[0];
  }
}

// How many of a block's logits are above `value`, or, with `ties`, equal to it.
HWY_INLINE size_t CountHigher(const float* HWY_RESTRICT block, float value, bool ties) {
  const auto v = hn::Set(RowTag(), value);
  size_t n;
  if (ties) {
    CountInBlock<1>(block, [&](RowVec u, auto& is) LP_LAMBDA { is[0] = hn::Ge(u, v); }, &n);
  } else {
    CountInBlock<1>(block, [&](RowVec u, auto& is) LP_LAMBDA { is[0] = hn::Gt(u, v); }, &n);
  }
  return n;
}

// `asked` by value, lowest first: of several only those that do not stand above a whole block are compared with it.
void CountBefore(const LogitVector& x, std::vector<Asked>& asked) {
  const RowTag d;
  for (size_t b = 0; b < x.n_blocks(); ++b) {
    const float* HWY_RESTRICT block = x.block(b);
    float block_max = std::numeric_limits<float>::infinity();
    if (asked.size() > 1) {
      auto max = hn::LoadU(d, block);
      ForBlock([&](size_t i) LP_LAMBDA { max = hn::Max(max, hn::LoadU(d, block + i)); });
      block_max = hn::GetLane(hn::MaxOfLanes(d, max));
    }
    for (Asked& a : asked) {
      if (a.value > block_max) break;
      const size_t first = b * kBlock, id = static_cast<size_t>(a.id);
      a.before += CountHigher(block, a.value, first + kBlock <= id);  // ties in this block have lower ids
      for (size_t i = 0; first < id && id < first + kBlock && first + i < id; ++i) a.before += block[i] == a.value;
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
HWY_EXPORT(Gather);
HWY_EXPORT(CountFrom);
HWY_EXPORT(CountBlocks);
HWY_EXPORT(CountBefore);

namespace {
constexpr float kLowest = std::numeric_limits<float>::lowest();  // of what is not masked
constexpr float kInfinity = std::numeric_limits<float>::infinity();
}  // namespace

// Halving between the extremes: sorting takes longer.
float BoundOfKth(std::span<const float> v, size_t k) {
  float high = kMasked, low = kInfinity;
  for (const float value : v) {
    high = std::max(high, value);
    if (value > kMasked) low = std::min(low, value);
  }
  if (!(low < kInfinity) || HWY_DYNAMIC_DISPATCH(CountFrom)(v.data(), v.size(), low) < k) return kLowest;
  for (int step = 0; step < 24; ++step) {
    const float middle = low + (high - low) / 2;
    if (!(middle > low && middle < high)) break;
    const size_t n = HWY_DYNAMIC_DISPATCH(CountFrom)(v.data(), v.size(), middle);
    (n >= k ? low : high) = middle;
    if (n >= k && n <= k + k / 8) break;
  }
  return low;
}

std::vector<Candidate> TopRanked(const LogitVector& x, std::span<const float> block_max, size_t k) {
  LP_CHECK(block_max.size() == x.n_blocks());
  Gathering g{.low = kLowest, .high = kInfinity, .limit = k, .prune_at = 4 * k + 1024};
  if (k == 0) return {};
  if (k <= block_max.size()) {
    // The k highest block maxima are k logits, so the k-th best logit is no lower than the lowest of them.
    g.low = BoundOfKth(block_max, k);
  } else if (k / 4 < block_max.size()) {
    // No such bound; but most blocks have several logits above the lowest block maximum.
    g.low = kInfinity;
    for (const float max : block_max) g.low = max > kMasked ? std::min(g.low, max) : g.low;
  }
  g.found.reserve(std::min(x.size(), 2 * k + 64));
  HWY_DYNAMIC_DISPATCH(Gather)(x, block_max.data(), g);
  if (g.found.size() < k && g.low > kLowest) {
    g.found.clear();
    g.low = kLowest;
    HWY_DYNAMIC_DISPATCH(Gather)(x, block_max.data(), g);
  }
  if (g.found.size() > k) g.Prune();
  SortByRank(g.found);
  return std::move(g.found);
}

std::vector<Candidate> Between(const LogitVector& x, std::span<const float> block_max, float low, float high) {
  LP_CHECK(block_max.size() == x.n_blocks());
  Gathering g{.low = std::max(low, kLowest), .high = high};
  HWY_DYNAMIC_DISPATCH(Gather)(x, block_max.data(), g);
  SortByRank(g.found);
  return std::move(g.found);
}

Counts CountAbove(const LogitVector& x, float v) {
  Counts counts;
  HWY_DYNAMIC_DISPATCH(CountBlocks)(x.blocks().data(), x.n_blocks(), v, counts);
  if (v == kMasked) counts.equal -= x.n_blocks() * LogitVector::kBlock - x.size();  // the padding
  return counts;
}

std::vector<size_t> RanksOf(const LogitVector& x, std::span<const TokenId> ids) {
  std::vector<Asked> asked;
  for (size_t i = 0; i < ids.size(); ++i) asked.push_back({x.at(ids[i]), ids[i], i});
  std::sort(asked.begin(), asked.end(), [](const Asked& a, const Asked& b) { return a.value < b.value; });
  HWY_DYNAMIC_DISPATCH(CountBefore)(x, asked);
  std::vector<size_t> ranks(ids.size());
  for (const Asked& a : asked) ranks[a.position] = a.before + 1;
  return ranks;
}

}  // namespace lp
#endif  // HWY_ONCE
