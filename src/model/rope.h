// Rotary position embedding: pair i = (x[2i], x[2i + 1]) of a head is turned by the angle
//   position / rope_factor * rope_base^(-2i / rope_dim) / factor[i]
// (Su et al., "RoFormer", 2021; neighbouring pairs, as GGUF files of the llama family order their rows).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "model/config.h"

namespace lp {

class Rope {
 public:
  Rope() = default;
  // `factors`: [rope_dim / 2] or empty for all 1 (rope_freqs.weight, which stretches long wavelengths).
  Rope(const ModelConfig& config, std::span<const float> factors);

  // cos and sin of every pair's angle at a position, interleaved: out [rope_dim]. Angles are double: a float's would be
  // off by 1e-4 at position 2000 already.
  void Angles(size_t position, std::span<float> out) const;

 private:
  std::vector<double> frequency_;  // [rope_dim / 2] radians per position
};

// Turns the leading angles.size() numbers of each of `n_heads` heads: x [n_heads, head_dim].
void Rotate(std::span<const float> angles, size_t n_heads, size_t head_dim, float* x);

}  // namespace lp
