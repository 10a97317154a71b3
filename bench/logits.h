// Logits to measure with, by vocabulary and shape. Deterministic, and the same shapes as in docs/performance.md.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

namespace lp::bench {

// peaked: N(0, 2.2) with 30 raised tokens, of which 5 to 8 make a nucleus of 0.95: what language models give. zipf:
// -1.1 ln(rank) + noise, shuffled. flat: N(0, 1).
enum Shape { kPeaked, kZipf, kFlat };

inline const char* Name(Shape shape) { return shape == kPeaked ? "peaked" : shape == kZipf ? "zipf" : "flat"; }

inline std::vector<float> Logits(Shape shape, size_t n) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> x(n);
  for (size_t i = 0; i < n; ++i) {
    x[i] = shape == kPeaked ? 2.2f * normal(random)
           : shape == kZipf ? -1.1f * std::log(static_cast<float>(i + 1)) + 0.1f * normal(random)
                            : normal(random);
  }
  for (size_t i = 0; shape == kPeaked && i < 30; ++i) x[random() % n] = 12 + 2 * normal(random);
  if (shape == kZipf) std::shuffle(x.begin(), x.end(), random);
  return x;
}

}  // namespace lp::bench
