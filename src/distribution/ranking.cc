#include "distribution/ranking.h"

#include <algorithm>
#include <numeric>

namespace lp {
namespace {

// True when token a stands above token b.
struct Above {
  std::span<const float> values;
  bool operator()(TokenId a, TokenId b) const {
    const float va = values[static_cast<size_t>(a)], vb = values[static_cast<size_t>(b)];
    return va != vb ? va > vb : a < b;
  }
};

constexpr size_t kFirstChunk = 256;
constexpr size_t kGrowth = 4;

}  // namespace

RankOrder::RankOrder(std::span<const float> values) : values_(values), ids_(values.size()) {
  std::iota(ids_.begin(), ids_.end(), TokenId{0});
}

std::span<const TokenId> RankOrder::First(size_t n) {
  n = std::min(n, ids_.size());
  if (n > sorted_) {
    const size_t target = std::min(ids_.size(), std::max({n, kFirstChunk, kGrowth * sorted_}));
    const auto begin = ids_.begin() + static_cast<std::ptrdiff_t>(sorted_);
    const auto end = ids_.begin() + static_cast<std::ptrdiff_t>(target);
    if (target < ids_.size()) std::nth_element(begin, end, ids_.end(), Above{values_});
    std::sort(begin, end, Above{values_});
    sorted_ = target;
  }
  return std::span<const TokenId>(ids_).first(n);
}

std::vector<size_t> RanksOf(std::span<const float> values, std::span<const TokenId> ids) {
  const Above above{values};
  std::vector<size_t> by_rank(ids.size());  // positions in `ids`, best first
  std::iota(by_rank.begin(), by_rank.end(), size_t{0});
  std::sort(by_rank.begin(), by_rank.end(), [&](size_t a, size_t b) { return above(ids[a], ids[b]); });
  // tokens_before[j]: tokens that stand above the j-th best asked id but not above the one before it
  std::vector<size_t> tokens_before(ids.size() + 1);
  for (TokenId id = 0; id < static_cast<TokenId>(values.size()); ++id) {
    const auto first_below =
        std::partition_point(by_rank.begin(), by_rank.end(), [&](size_t j) { return !above(id, ids[j]); });
    ++tokens_before[static_cast<size_t>(first_below - by_rank.begin())];
  }
  std::vector<size_t> ranks(ids.size());
  size_t before = 0;
  for (size_t j = 0; j < by_rank.size(); ++j) {
    before += tokens_before[j];
    ranks[by_rank[j]] = before + 1;
  }
  return ranks;
}

}  // namespace lp
