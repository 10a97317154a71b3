// Ranks of tokens by value: descending, equal values by lower id. The one order that every sampler and every list uses.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/token.h"

namespace lp {

// The ids of a vector in rank order, sorted only as far as somebody asked: a page of 200 rows or a nucleus of 8 does
// not pay for sorting 150,000 logits.
class RankOrder {
 public:
  // `values` [V], no NaN; must outlive this.
  explicit RankOrder(std::span<const float> values);

  // The first min(n, V) ids. Grows the sorted part geometrically, so that walking on token by token stays cheap.
  // Returned spans stay valid, and their contents unchanged, for the life of this.
  std::span<const TokenId> First(size_t n);

  size_t size() const { return ids_.size(); }

 private:
  std::span<const float> values_;
  std::vector<TokenId> ids_;  // [V], a permutation; the first sorted_ are in rank order and above all the others
  size_t sorted_ = 0;
};

// The 1-based ranks of some ids in one pass over `values` [V]: O(V log n) for n ids, no sort of the vocabulary.
std::vector<size_t> RanksOf(std::span<const float> values, std::span<const TokenId> ids);

}  // namespace lp
