// Finding tokens by rank or by mass without sorting the vocabulary. Rank order everywhere: higher value first, equal
// values by lower id.
//
// How: the maxima of blocks bound the k-th largest value from below, so the best k lie in about k blocks; the shortest
// prefix that holds a mass is found by narrowing a bracket of values in which it must end, and only what lies in the
// last bracket is ever sorted.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "distribution/lens.h"
#include "distribution/logit_vector.h"
#include "distribution/sums.h"

namespace lp {

struct Candidate {
  TokenId id = 0;
  float value = 0;
};

// A lambda and not a function: sorts can inline it.
inline constexpr auto RanksBefore = [](const Candidate& a, const Candidate& b) {
  return a.value > b.value || (a.value == b.value && a.id < b.id);
};

// Puts candidates, none of them NaN, into rank order.
void SortByRank(std::span<Candidate> candidates);

// The min(k, finite logits) first in rank order. `block_max` as ScanLogits gave it for `x`.
std::vector<Candidate> TopRanked(const LogitVector& x, std::span<const float> block_max, size_t k);

// A value that at least k of `v` reach, and few more than k; the lowest float where fewer than k are above -inf. Of
// block maxima: a bound that the k-th best logit is not below.
float BoundOfKth(std::span<const float> v, size_t k);

// All values >= `low` (and <= `high`), in rank order, none masked. For results that are known to be
// short.
std::vector<Candidate> Between(const LogitVector& x, std::span<const float> block_max, float low, float high);

// How many values are > v, and how many are == v.
struct Counts {
  size_t above = 0, equal = 0;
};
Counts CountAbove(const LogitVector& x, float v);

// Where in rank order a running sum of weights reaches `target`.
struct MassEdge {
  Candidate last;       // the token that reaches it
  size_t n = 0;         // how many tokens up to and including it
  double before = 0;    // the sum before it ...
  double through = 0;   // ... and including it
  double after = 0;     // the sum of all that comes later ...
  bool after_is_exact = false;  // ... to 1e-6 of itself, even if it is little
  bool reached = true;  // false: all of it together is less; `last` is then the last finite token
  // Where the search came across it: whether the next token has the same value, and the sums of the tokens up to
  // `last`, relative to the maximum of all, as many as prefix_sums says.
  std::optional<bool> tied;
  std::optional<SoftmaxSums> prefix;
  Sums prefix_sums = Sums::kMass;
};
enum class Weight {
  kProbability,  // p = exp(x - max) / sum_exp
  kEntropy,      // -p log p, nats
};
// The shortest prefix of the rank order whose weights sum to `target` or more. `sums` are those of `x`. Sums are exact
// to 4e-7 of the whole (2e-7 from some thousands of tokens on); who needs to know compares `before` and `through` with
// the target. A target of 0 or less is reached by the first token.
MassEdge FindMass(const LogitVector& x, const VectorSums& sums, Weight weight, double target);
// The same where the sums may be unknown as yet: they are then made, as many as `which` says, by the pass that finds
// the mass. A probability's only: for an entropy they must be there.
MassEdge FindMass(const View& x, std::optional<VectorSums>& sums, Sums which, Weight weight, double target);

// The same in the order of |x - centre| ascending (equal distances by lower id), for weight = probability. [D26]
MassEdge FindMassAround(const LogitVector& x, const VectorSums& sums, double centre, double target);

// `x` with every value outside [low, high] masked. Among values equal to `low` only ids <= `low_last_id` stay.
// Blocks that are kept or masked as a whole are shared, not written.
LogitVector KeepRange(const LogitVector& x, float low, TokenId low_last_id, float high);

// 1-based rank of each of `ids`, one pass for all of them.
std::vector<size_t> RanksOf(const LogitVector& x, std::span<const TokenId> ids);

}  // namespace lp
