#include "sampling/draw.h"

#include <cmath>

#include "base/random.h"

namespace lp {

TokenRow TokenAt(const Trace& trace, double u) {
  LP_CHECK(u >= 0 && u < 1);
  double cumulative = 0;
  size_t last_possible = 1;
  for (size_t rank = 1; rank <= trace.n_kept(); ++rank) {
    const double p = trace.FinalProbability(trace.Ranked(rank)[rank - 1], rank);
    if (p > 0) last_possible = rank;
    cumulative += p;
    if (u < cumulative) return trace.Row(rank);
  }
  // The probabilities sum to 1 only up to rounding (about 1e-7): the sliver above their sum belongs to the last
  // possible token.
  return trace.Row(last_possible);
}

DrawnToken Draw(const Trace& trace, uint64_t position) {
  const double u = UniformAt(trace.settings().seed, position);
  return {TokenAt(trace, u), u};
}

}  // namespace lp
