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

// A norm's weight and, of LayerNorm, bias: [n_embd], or [head_dim] where said. Empty where the model has no such norm.
struct NormWeights {
  std::vector<float> weight, bias;
};

// Matrices are views, into the mapped file or into copies (model/weight_copies.h); vectors are small and copied as float32, and empty where there are none.
struct LayerWeights {
  NormWeights attn_norm;
  WeightMatrix attn_q;                        // [q_dim, n_embd]
  WeightMatrix attn_k, attn_v;                // [kv_dim, n_embd]
  std::vector<float> q_bias, k_bias, v_bias;  // [q_dim], [kv_dim], [kv_dim]
  NormWeights q_norm, k_norm;                 // [head_dim]
  WeightMatrix attn_output;                   // [n_embd, q_dim]
  std::vector<float> output_bias;             // [n_embd]
  NormWeights attn_post_norm;                 // of what attention adds
  NormWeights ffn_norm;
  WeightMatrix ffn_gate, ffn_up;          // [n_ff, n_embd]; no gate: rows is 0
  std::vector<float> gate_bias, up_bias;  // [n_ff]
  WeightMatrix ffn_down;                  // [n_embd, n_ff]
  std::vector<float> down_bias;           // [n_embd]
  NormWeights ffn_post_norm;              // of what the feed-forward block adds
};

struct ModelWeights {
  WeightMatrix token_embd;           // [n_vocab, n_embd]
  WeightMatrix position_embd;        // [at least n_ctx, n_embd], or no rows
  std::vector<LayerWeights> layers;  // [n_layer]
  NormWeights output_norm;
  WeightMatrix output;                  // [n_vocab, n_embd]; token_embd itself where the file has no output.weight
  std::vector<float> rope_factors;      // [rope.dim / 2] what each frequency is divided by, or empty
  uint64_t n_parameters = 0;            // elements of all of the above, a tied output once
  GgmlType main_type = GgmlType::kF32;  // the type that holds most of them
};

// Views into the bytes of `file`. Errors name the tensor: kCorrupt (missing, or another shape than the config says,
// with both), kUnsupported (a type without kernels; a tensor that this architecture does not have, for leaving it out
// would compute something else than the model).
Result<ModelWeights> ReadWeights(const GgufFile& file, const ModelConfig& config);

}  // namespace lp
