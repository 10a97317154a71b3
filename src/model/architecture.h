// What differs from one family of transformers to the next, as data: the one forward pass (model/forward.h) does what a
// row of this table says. A new family is a row; only a new kind of step is code.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lp {

enum class NormKind : uint8_t {
  kRms,    // x / sqrt(mean(x^2) + e) * weight (Zhang & Sennrich, 2019)
  kLayer,  // (x - mean(x)) / sqrt(variance(x) + e) * weight + bias (Ba et al., 2016)
};

// Which numbers of a head are turned as a pair. Files of the llama family have the rows of Q and K reordered so that
// neighbours are; all others keep the order they were trained in.
enum class RopeKind : uint8_t {
  kNone,
  kNeighbours,  // (2i, 2i + 1)
  kHalves,      // (i, i + rope_dim / 2)
};

enum class Activation : uint8_t {
  kSilu,      // x / (1 + exp(-x))
  kGelu,      // x Phi(x), Phi the normal distribution
  kGeluTanh,  // x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, GPT-2's approximation of it
};

enum class Presence : uint8_t { kNever, kMaybe, kAlways };

struct Architecture {
  std::string_view name;  // general.architecture, and the prefix of its keys

  NormKind norm = NormKind::kRms;
  RopeKind rope = RopeKind::kHalves;
  Activation activation = Activation::kSilu;
  bool gated = true;                // the activation's output is multiplied by a second projection
  bool post_norms = false;          // what a block adds to x is normalised first
  bool qk_norm = false;             // each head of q and k is normalised
  bool parallel_residual = false;   // both blocks read the same x, unless use_parallel_residual says otherwise
  bool position_embedding = false;  // learnt, added to the token's
  bool scaled_embedding = false;    // times sqrt(n_embd)

  Presence qkv_bias = Presence::kNever;
  Presence output_bias = Presence::kNever;  // of attention
  Presence ffn_bias = Presence::kNever;
  bool fused_qkv = false;      // may be stored as one matrix: rows of q, then k, then v
  bool fused_gate_up = false;  // the same: rows of gate, then up

  // Layers that see only `attention.sliding_window` positions: of every window_period layers all but the last; 0: all.
  uint32_t window_period = 0;
  uint32_t window = 0;                  // where the key is missing; 0: no layer is limited
  float window_rope_base = 0;           // of those layers; 0: as everywhere
  float attention_soft_cap = 0;         // where the key is missing; 0: none
  float final_soft_cap = 0;             // the same, of logits
  uint32_t layers_scaled_by_width = 0;  // models of so many layers divide scores by sqrt(n_embd / n_head)
};

// nullptr for an architecture that is not there.
const Architecture* FindArchitecture(std::string_view name);
std::string ArchitectureNames();  // "llama, qwen2, ...", for messages

}  // namespace lp
