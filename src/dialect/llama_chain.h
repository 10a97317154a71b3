// llama.cpp's chain, which two dialects share. Inside dialect/ only.
#pragma once

#include "dialect/resolver.h"

namespace lp {

struct LlamaDefaults {
  double temperature = 0.8;
  int64_t top_k = 40;
  double top_p = 0.95, min_p = 0.05, repetition_penalty = 1.0;
  int64_t repeat_last_n = 64, dry_last_n = 64;
};
Status AddLlamaChain(Resolver& r, const LlamaDefaults& defaults);

}  // namespace lp
