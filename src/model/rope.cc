#include "model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lp {
namespace {

// The pair that turns `turns` times within the original context, as a real number.
double PairThatTurns(const RopeConfig& c, double turns) {
  const double wavelength = static_cast<double>(c.original_context) / (turns * 2 * std::numbers::pi);
  return static_cast<double>(c.dim) * std::log(wavelength) / (2 * std::log(static_cast<double>(c.base)));
}

// What YaRN divides pair i's frequency by: 1 for pairs that turn fast, the factor for slow ones, in between a mean of
// the two frequencies. Limits are rounded outwards to whole pairs, as the reference implementation does.
double YarnDivisor(const RopeConfig& c, size_t i) {
  const double low = std::max(0.0, std::floor(PairThatTurns(c, static_cast<double>(c.yarn_fast))));
  const double high =
      std::min(static_cast<double>(c.dim) - 1, std::ceil(PairThatTurns(c, static_cast<double>(c.yarn_slow))));
  const double slow = std::clamp((static_cast<double>(i) - low) / std::max(0.001, high - low), 0.0, 1.0);
  return 1 / (slow / static_cast<double>(c.factor) + 1 - slow);
}

}  // namespace

Rope::Rope(const RopeConfig& c, std::span<const float> factors)
    : frequency_(c.dim / 2), magnitude_(static_cast<double>(c.magnitude)) {
  for (size_t i = 0; i < frequency_.size(); ++i) {
    const double exponent = -2.0 * static_cast<double>(i) / c.dim;
    const double factor = factors.empty() ? 1.0 : static_cast<double>(factors[i]);
    const double divisor = c.yarn ? YarnDivisor(c, i) : static_cast<double>(c.factor);
    frequency_[i] = std::pow(static_cast<double>(c.base), exponent) / factor / divisor;
  }
}

void Rope::Angles(size_t position, std::span<float> out) const {
  for (size_t i = 0; i < frequency_.size(); ++i) {
    const double angle = static_cast<double>(position) * frequency_[i];
    out[2 * i] = static_cast<float>(std::cos(angle) * magnitude_);
    out[2 * i + 1] = static_cast<float>(std::sin(angle) * magnitude_);
  }
}

void Rotate(RopeKind kind, std::span<const float> angles, size_t n_heads, size_t head_dim, float* x) {
  const size_t n = angles.size() / 2, step = kind == RopeKind::kHalves ? 1 : 2;
  const size_t apart = kind == RopeKind::kHalves ? n : 1;
  for (size_t h = 0; h < n_heads; ++h, x += head_dim) {
    for (size_t i = 0; i < n; ++i) {
      float &first = x[i * step], &second = x[i * step + apart];
      const float c = angles[2 * i], s = angles[2 * i + 1], a = first, b = second;
      first = a * c - b * s;
      second = a * s + b * c;
    }
  }
}

}  // namespace lp
