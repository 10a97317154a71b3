// The draw: which token a trace's final distribution gives for a uniform number. [D8]
#pragma once

#include <cstdint>

#include "sampling/trace.h"

namespace lp {

struct DrawnToken {
  TokenRow row;
  double u = 0;  // the uniform number that decided, in [0, 1)
};

// Inverse CDF in rank order (so a small u is a likely token): the first kept token whose cumulative probability exceeds
// u. A pure function of the trace, the settings' seed and `position` (the number of tokens before this one).
DrawnToken Draw(const Trace& trace, uint64_t position);

// The same for a given u in [0, 1).
TokenRow TokenAt(const Trace& trace, double u);

}  // namespace lp
