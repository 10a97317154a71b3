// What decoding one token costs, layer by layer.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "tokenizer/tokenizer.h"

namespace lp {

struct TokenCost {
  uint64_t weight_bytes = 0;     // read for it: all tensors, but not an embedding of which it looks up one row
  std::vector<double> layer_ms;  // [n_layer] medians; the first includes the embedding
  double head_ms = 0;            // median; final norm and output matrix
};

// Decodes the last `n` tokens of `context` one by one with a clock in every layer, on a model of its own opened from `path`: an engine
// in use is not slowed down by clocks. copied: of copied weights, not those in the mapped file. 1 <= n < context.size(). Errors: those of opening the file and of evaluating.
Result<TokenCost> MeasureTokenCost(const std::string& path, bool copied, size_t n_threads, std::span<const TokenId> context, size_t n);

}  // namespace lp
