// The draw: which token a trace's final distribution gives for a random number. Random numbers are a pure function of
// (seed, position), so a draw can be repeated on its own, in any order, on any machine.
#pragma once

#include <cstdint>
#include <vector>

#include "sampling/trace.h"

namespace lp {

struct DrawnToken {
  TokenRow row;
  double u = 0;           // the uniform number that decided, in [0, 1); of a race: NaN
  bool boundary = false;  // u lies within rounding of the edge between two tokens [D37]
};

// By the chain's DrawRule, with its seed, at the step's position.
DrawnToken Draw(const Trace& trace);
DrawnToken DrawAt(const Trace& trace, uint64_t position);  // the same at another position
TokenId DrawId(const Trace& trace);                        // only which token: computes nothing else

// How often each token comes when a step is drawn n times over: counts of the tokens that came at all, by rank. Inverse CDF with
// numbers keyed by (seed, position, draw), so the same n draws come again, and are not the one that Draw makes. [D8]
struct DrawCount {
  TokenId id = 0;
  size_t n = 0;
};
std::vector<DrawCount> DrawMany(const Trace& trace, size_t n);

// What a draw leaves behind for the next step: mirostat's mu [D34, D35], adaptive-p's memory [D36]. Everything else in
// a chain is the same at every step.
Chain Advance(const Trace& trace, TokenId drawn);

// Inverse CDF [D8]: the first kept token in rank order whose cumulative probability exceeds u, u in [0, 1).
TokenRow TokenAt(const Trace& trace, double u);

}  // namespace lp
