// The generate loop: evaluate, shape, draw, append, until something says stop.
#pragma once

#include <functional>

#include "engine/engine.h"
#include "sampling/draw.h"

namespace lp {

enum class StopReason { kLength, kEndOfText, kContextFull, kCancelled };

struct GeneratedToken {
  size_t position = 0;  // tokens before it
  size_t rank_raw = 0;  // 1-based, by the model's own logits
  TokenRow row;         // rank, logit, probabilities
  double u = 0;         // the uniform number drawn
};

// Told each token as it comes; returning false stops.
using OnToken = std::function<bool(const GeneratedToken&)>;

// Appends up to n tokens to `context`. The same engine, context, settings and n give the same tokens, on one thread or
// many. An end-of-text token is reported and appended, and ends the loop.
Result<StopReason> Generate(Engine& engine, std::vector<TokenId>& context, Chain chain, size_t n,
                            const OnToken& on_token);

}  // namespace lp
