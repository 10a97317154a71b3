// Numbers for kernels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace lp {

// n numbers in [-scale, scale).
inline std::vector<float> RandomVector(size_t n, float scale, uint32_t seed) {
  std::mt19937 rng(seed);
  std::vector<float> x(n);
  for (float& v : x) v = scale * (static_cast<float>(rng() >> 8) * 0x1p-23f - 1.0f);
  return x;
}

}  // namespace lp
