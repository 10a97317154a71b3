// Softmax, entropy and KL in double, written as the definitions read: what the float kernels are checked against.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace lp::reference {

inline std::vector<double> Softmax(std::span<const float> x) {
  const double m = static_cast<double>(*std::max_element(x.begin(), x.end()));
  std::vector<double> p(x.size());
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) sum += p[i] = std::exp(static_cast<double>(x[i]) - m);
  for (double& v : p) v /= sum;
  return p;
}

inline double Entropy(std::span<const double> p) {
  double h = 0;
  for (const double v : p) h -= v > 0 ? v * std::log(v) : 0;
  return h;
}

inline double Kl(std::span<const double> p, std::span<const double> q) {
  double kl = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    if (p[i] > 0) kl += q[i] > 0 ? p[i] * std::log(p[i] / q[i]) : std::numeric_limits<double>::infinity();
  }
  return kl;
}

// Vectors of logits that have broken somebody's softmax before. Deterministic.
struct NamedLogits {
  std::string name;
  std::vector<float> x;
};

inline std::vector<NamedLogits> HardLogits(size_t n) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  std::mt19937 random(static_cast<unsigned>(n));
  std::normal_distribution<float> normal(0, 3);
  std::vector<float> gauss(n), low(n), far(n), masked(n), zipf(n);
  for (size_t i = 0; i < n; ++i) {
    gauss[i] = normal(random);
    low[i] = -150 + normal(random);       // GPT-2's logits lie there
    far[i] = i == n / 2 ? 10000.0f : gauss[i];
    masked[i] = i % 3 == 1 || i + 1 == n ? -kInf : gauss[i];
    zipf[i] = -1.1f * std::log(static_cast<float>(i + 1));
  }
  masked[0] = 1;  // never all masked
  std::shuffle(zipf.begin(), zipf.end(), random);
  return {{"normal", gauss},   {"near -150", low},
          {"10,000 apart", far}, {"-inf tails", masked},
          {"zipf", zipf},      {"all equal", std::vector<float>(n, 7.5f)},
          {"all zero", std::vector<float>(n, 0.0f)}};
}

}  // namespace lp::reference
