// Where a prefix ends, almost surely, by a sample of the logits. Internal to mass.cc.
#pragma once

#include "distribution/lens.h"
#include "distribution/mass_order.h"
#include "distribution/select.h"

namespace lp::mass {

// The key looked for is above `inner` and not above `outer`, which about n_outer tokens are not beyond.
struct Keys {
  uint32_t inner, outer;
  double n_outer = std::numeric_limits<double>::infinity();
};

// A few logits of every block, and its maximum. One at a time in a thread.
class Sample {
 public:
  // `max` is the highest logit; `log_sum`, the logarithm of sum e^(x - max), is for entropies.
  Sample(const View& view, Weight weight, float max, float log_sum);

  // Whether the k best hold `share` of all weight.
  bool HoldsAmongBest(size_t k, double share) const;
  // Narrows `keys` to where the tokens of `share` of all weight end.
  void Bracket(const Order& order, double share, Keys& keys) const;

 private:
  const View& view_;
  float max_;
  size_t n_sampled_, n_, whole_;  // sampled logits, with the maxima after them, and padded to whole blocks
};

}  // namespace lp::mass
