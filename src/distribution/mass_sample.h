// Where a prefix ends, almost surely, by a sample of the logits. Internal to mass.cc.
#pragma once

#include "distribution/lens.h"
#include "distribution/mass_order.h"
#include "distribution/select.h"

namespace lp::mass {

// The key looked for is above `inner` and not above `outer`.
struct Keys {
  uint32_t inner, outer;
};

// Narrows `keys` to where the tokens of `share` of all weight end. `max` is the highest logit; `log_sum`, the logarithm
// of sum e^(x - max), is for entropies.
void FromSample(const View& view, const Order& order, Weight weight, float max, float log_sum, double share, Keys& keys);

}  // namespace lp::mass
