// The sampler settings of the `logitpeek` order: penalties, temperature, softmax, top-k, top-p, draw.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace lp {

// The default changes nothing: temperature 1, no penalty, no cut, final distribution = the model's own.
struct SamplerSettings {
  double repetition_penalty = 1.0;  // [D3] > 0; 1 = off
  int64_t repeat_last_n = -1;       // how many of the last context tokens the penalty sees; -1 = all, 0 = none
  double temperature = 1.0;         // [D4] >= 0; 0 = greedy
  int64_t top_k = 0;                // [D6] 0 = off
  double top_p = 1.0;               // [D7] in (0, 1]; 1 = off
  uint64_t seed = 42;               // [D8]
};

// Error::where is the field's name; the message says what was given and what is allowed.
Status Validate(const SamplerSettings& settings);

}  // namespace lp
