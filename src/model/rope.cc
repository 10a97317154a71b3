#include "model/rope.h"

#include <cmath>

namespace lp {

Rope::Rope(const ModelConfig& config, std::span<const float> factors) : frequency_(config.rope_dim / 2) {
  for (size_t i = 0; i < frequency_.size(); ++i) {
    const double exponent = -2.0 * static_cast<double>(i) / config.rope_dim;
    const double factor = factors.empty() ? 1.0 : static_cast<double>(factors[i]);
    frequency_[i] =
        std::pow(static_cast<double>(config.rope_base), exponent) / factor / static_cast<double>(config.rope_factor);
  }
}

void Rope::Angles(size_t position, std::span<float> out) const {
  for (size_t i = 0; i < frequency_.size(); ++i) {
    const double angle = static_cast<double>(position) * frequency_[i];
    out[2 * i] = static_cast<float>(std::cos(angle));
    out[2 * i + 1] = static_cast<float>(std::sin(angle));
  }
}

void Rotate(std::span<const float> angles, size_t n_heads, size_t head_dim, float* x) {
  for (size_t h = 0; h < n_heads; ++h, x += head_dim) {
    for (size_t i = 0; i < angles.size(); i += 2) {
      const float c = angles[i], s = angles[i + 1], a = x[i], b = x[i + 1];
      x[i] = a * c - b * s;
      x[i + 1] = a * s + b * c;
    }
  }
}

}  // namespace lp
