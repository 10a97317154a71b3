// The numbers of a model's architecture, read from GGUF metadata and checked before anything is computed from them.
//
// Not here: whether the tensors fit these numbers (model/weights.h).
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "gguf/gguf.h"
#include "model/architecture.h"

namespace lp {

// Rotary positions. Pair i turns by position * base^(-2i / dim) / factor radians a position, `factor` being what
// positions are stretched by; YaRN (Peng et al., 2023) stretches long wavelengths only, from those that turn `slow`
// times within the context the model was first trained for to those that turn `fast` times.
struct RopeConfig {
  RopeKind kind = RopeKind::kNeighbours;
  uint32_t dim = 0;  // leading dimensions of a head that are turned: even, 0 without rotation
  float base = 10000.0f;
  float factor = 1.0f;
  bool yarn = false;
  float yarn_fast = 32.0f, yarn_slow = 1.0f;
  uint32_t original_context = 0;  // tokens; for YaRN
  float magnitude = 1.0f;         // q and k are multiplied by this as they are turned
  bool long_factors = false;      // of a model with two sets of factors, those for long texts
};

// From `<architecture>.*` metadata. After ReadConfig no count is 0, each is small enough that the products formed below
// fit in 64 bits, n_kv_head divides n_head, and rope.dim is even.
struct ModelConfig {
  std::string architecture;            // general.architecture
  const Architecture* arch = nullptr;  // the row of that name; of static storage
  uint32_t n_layer = 0;
  uint32_t n_embd = 0;  // width of the residual stream
  uint32_t n_head = 0;
  uint32_t n_kv_head = 0;  // < n_head: grouped-query attention
  uint32_t head_dim = 0;
  uint32_t n_ff = 0;     // inner width of the feed-forward block
  uint32_t n_vocab = 0;  // rows of the embedding
  uint32_t n_ctx = 0;    // tokens that can be evaluated: context_length, or less (ReadRope in model/config_rope.cc)
  float norm_epsilon = 1e-5f;
  bool parallel_residual = false;
  float attention_scale = 0;     // scores are q . k times this
  float attention_soft_cap = 0;  // c: scores are c tanh(score / c) (0: they are not)
  float final_soft_cap = 0;      // the same, of logits
  RopeConfig rope;
  RopeConfig window_rope;      // of windowed layers
  uint32_t window = 0;         // a windowed layer sees so many positions, its own among them; 0: no layer is windowed
  uint32_t window_period = 0;  // as in Architecture

  uint32_t q_dim() const { return n_head * head_dim; }
  uint32_t kv_dim() const { return n_kv_head * head_dim; }
  bool IsWindowed(size_t layer) const {
    return window != 0 && (window_period == 0 || layer % window_period + 1 < window_period);
  }
};

// Errors: kUnsupported (an architecture, position scaling or mixture of experts that is not there, by name), kNotFound
// (a required key), kCorrupt (a number that is zero, absurd or contradicts another), each naming the key.
// context: tokens that will be asked for, 0 where nobody has said (ReadLongRope in model/config_rope.cc).
Result<ModelConfig> ReadConfig(const GgufFile& file, uint64_t context = 0);

}  // namespace lp
