// The tensors of a model, found by name and checked against its config: type and shape, before any kernel touches them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/gguf.h"
#include "model/config.h"
#include "quant/matrix.h"

namespace lp {

// Matrices are views into the mapped file; vectors are small and copied as float32.
struct LayerWeights {
  std::vector<float> attn_norm;   // [n_embd]
  WeightMatrix attn_q;            // [q_dim, n_embd]
  WeightMatrix attn_k, attn_v;    // [kv_dim, n_embd]
  WeightMatrix attn_output;       // [n_embd, q_dim]
  std::vector<float> ffn_norm;    // [n_embd]
  WeightMatrix ffn_gate, ffn_up;  // [n_ff, n_embd]
  WeightMatrix ffn_down;          // [n_embd, n_ff]
};

struct ModelWeights {
  WeightMatrix token_embd;              // [n_vocab, n_embd]
  std::vector<LayerWeights> layers;     // [n_layer]
  std::vector<float> output_norm;       // [n_embd]
  WeightMatrix output;                  // [n_vocab, n_embd]; token_embd itself where the file has no output.weight
  std::vector<float> rope_factors;      // [rope_dim / 2] what each frequency is divided by, or empty
  uint64_t n_parameters = 0;            // elements of all of the above, a tied output once
  GgmlType main_type = GgmlType::kF32;  // the type that holds most of them
};

// Views into the bytes of `file`. Errors name the tensor: kCorrupt (missing, or another shape than the config says,
// with both), kUnsupported (a type without kernels; a tensor that this architecture does not have, for leaving it out
// would compute something else than the model).
Result<ModelWeights> ReadWeights(const GgufFile& file, const ModelConfig& config);

}  // namespace lp
