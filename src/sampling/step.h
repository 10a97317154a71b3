#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/token.h"

namespace lp {

// Where in a text a distribution stands: what penalties look at and what the draw is keyed by.
struct Step {
  std::span<const TokenId> history;  // every token before the one to be chosen, prompt first
  size_t prompt_length = 0;          // how many of them are the prompt
  uint64_t position = 0;             // of the draw: normally history.size()
  uint64_t seed = 0;                 // for stages that toss a coin; Trace::Run sets the chain's

  // The usual one: everything is prompt as far as penalties can tell, the next token is drawn.
  static Step After(std::span<const TokenId> history) { return {history, history.size(), history.size()}; }
};

}  // namespace lp
