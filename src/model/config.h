// The numbers of a model's architecture, read from GGUF metadata and checked before anything is computed from them.
//
// Not here: whether the tensors fit these numbers (model/weights.h).
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "gguf/gguf.h"

namespace lp {

// From `<architecture>.*` metadata. After ReadConfig no count is 0, each is small enough that the products formed below
// fit in 64 bits, n_kv_head divides n_head, and head_dim and rope_dim are even.
struct ModelConfig {
  std::string architecture;  // general.architecture
  uint32_t n_layer = 0;
  uint32_t n_embd = 0;  // width of the residual stream
  uint32_t n_head = 0;
  uint32_t n_kv_head = 0;  // < n_head: grouped-query attention
  uint32_t head_dim = 0;
  uint32_t n_ff = 0;      // inner width of SwiGLU
  uint32_t n_vocab = 0;   // rows of the embedding
  uint32_t n_ctx = 0;     // context_length the model was trained for
  uint32_t rope_dim = 0;  // leading dimensions of a head that are rotated
  float rope_base = 10000.0f;
  float rope_factor = 1.0f;  // linear position scaling: position p is rotated as p / rope_factor
  float norm_epsilon = 1e-5f;

  uint32_t q_dim() const { return n_head * head_dim; }
  uint32_t kv_dim() const { return n_kv_head * head_dim; }
};

// Errors: kUnsupported (an architecture, position scaling or mixture of experts that is not there, by name), kNotFound
// (a required key), kCorrupt (a number that is zero, absurd or contradicts another), each naming the key.
Result<ModelConfig> ReadConfig(const GgufFile& file);

}  // namespace lp
