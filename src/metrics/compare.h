// Two final distributions over the same logits, side by side.
#pragma once

#include <vector>

#include "sampling/trace.h"

namespace lp {

struct Comparison {
  size_t n_kept_a = 0, n_kept_b = 0, n_common = 0;  // tokens that can be drawn: under A, under B, under both
  size_t n_only_a = 0, n_only_b = 0;                // kept by one alone ...
  static constexpr size_t kListed = 256;
  std::vector<TokenId> only_a, only_b;  // ... the first kListed of them, in the rank order of the one that keeps them
  double mass_a_only = 0, mass_b_only = 0;          // what A gives tokens B cut, and the other way round
  double total_variation = 0;                       // [D39] 1/2 sum |a - b|
  double kl_a_b = 0, kl_b_a = 0;                    // [D12] nats; +inf where the other cut a token
  double jensen_shannon = 0;                        // [D40] nats, at most log 2
};
// Both traces over the same vocabulary.
Comparison Compare(const Trace& a, const Trace& b);

}  // namespace lp
