// Rotary position embedding: pair i of a head is turned by the angle
//   position * base^(-2i / dim) / factor[i]      factor[i]: of RopeConfig, and of the file
// (Su et al., "RoFormer", 2021). Which numbers are a pair: RopeKind.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "model/config.h"

namespace lp {

class Rope {
 public:
  Rope() = default;
  // `factors`: [dim / 2] or empty for all 1 (rope_freqs.weight of Llama 3, which stretches long wavelengths).
  Rope(const RopeConfig& config, std::span<const float> factors);

  // cos and sin of every pair's angle at a position, times the config's magnitude, interleaved: out [dim]. Angles are
  // double: a float's would be off by 1e-4 at position 2000 already.
  void Angles(size_t position, std::span<float> out) const;

 private:
  std::vector<double> frequency_;  // [dim / 2] radians per position
  double magnitude_ = 1;
};

// Turns the leading angles.size() numbers of each of `n_heads` heads: x [n_heads, head_dim].
void Rotate(RopeKind kind, std::span<const float> angles, size_t n_heads, size_t head_dim, float* x);

}  // namespace lp
