// Vectors of logits on which selection and summation go wrong, beyond those of reference::HardLogits. Deterministic.
#pragma once

#include <algorithm>

#include "support/reference_distribution.h"

namespace lp::reference {

inline std::vector<NamedLogits> AllShapes(size_t n) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  std::vector<NamedLogits> shapes = HardLogits(n);
  std::mt19937 random(static_cast<unsigned>(n) + 1);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> one_hot(n, -kInf), flat(n), peaked(n), ties(n), tail(n), holes(n), falling(n), extremes(n);
  one_hot[n / 3] = -150;
  for (size_t i = 0; i < n; ++i) {
    flat[i] = normal(random);
    peaked[i] = 2.2f * normal(random);
    ties[i] = static_cast<float>(random() % 5) / 2 - 1;  // both zeros among them
    if (ties[i] == 0 && i % 2 == 0) ties[i] = -0.0f;
    tail[i] = i % 7 == 0 ? normal(random) : -87.5f + normal(random);  // exp on the edge of denormal numbers
    holes[i] = random() % 2 == 0 ? -kInf : 3 * normal(random);
    falling[i] = -static_cast<float>(i) / 64;
    extremes[i] = i % 2 == 0 ? 3e38f : -3e38f;
  }
  for (size_t i = 0; i < std::min<size_t>(30, n / 4); ++i) peaked[random() % n] = 12 + 2 * normal(random);
  holes[n - 1] = 0;
  for (auto& [name, x] : std::vector<NamedLogits>{{"one-hot", one_hot},
                                                  {"flat", flat},
                                                  {"peaked", peaked},
                                                  {"ties", ties},
                                                  {"denormal tail", tail},
                                                  {"holes", holes},
                                                  {"falling", falling},
                                                  {"extremes", extremes}}) {
    shapes.push_back({name, x});
  }
  return shapes;
}

// Around every vector width and the block of 256, and real vocabularies.
inline const std::vector<size_t>& Sizes() {
  static const std::vector<size_t> sizes = {1,   2,   15,   16,   17,    255,    256,    257,   511,
                                            512, 513, 4096, 5000, 50257, 128256, 151936, 262144};
  return sizes;
}

}  // namespace lp::reference
