// LayerNorm, activations and soft-caps on every SIMD target against their definitions in double.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

#include "model/attention.h"
#include "model/ops.h"
#include "support/random_vector.h"
#include "support/simd_targets.h"

namespace lp {
namespace {

double Definition(Activation activation, double x) {
  switch (activation) {
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kGelu:
      return x * std::erfc(-x / std::numbers::sqrt2) / 2;
    case Activation::kGeluTanh:
      return x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x))) / 2;
  }
  return 0;
}

TEST(Functions, ActivationsMatchTheirDefinitions) {
  ForEachSimdTarget([] {
    for (const auto activation : {Activation::kSilu, Activation::kGelu, Activation::kGeluTanh}) {
      for (const float scale : {1e-6f, 0.5f, 5.0f, 300.0f}) {
        for (const size_t n : {1u, 3u, 8u, 17u, 1000u}) {
          const auto x = RandomVector(n, scale, 1), up = RandomVector(n, 2.0f, 2);
          auto alone = x, gated = x;
          Activate(activation, alone.data(), nullptr, n);
          Activate(activation, gated.data(), up.data(), n);
          for (size_t i = 0; i < n; ++i) {
            const double expected = Definition(activation, static_cast<double>(x[i]));
            // Below 0 the argument of exp is rounded before its error is multiplied by x^2.
            ASSERT_NEAR(alone[i], expected, 1e-6 * std::abs(expected) + 1e-9) << x[i];
            ASSERT_EQ(gated[i], alone[i] * up[i]);
          }
        }
      }
    }
  });
}
// Mutation: the last coefficient of Gelu's polynomial without its sign; 0.0447 for 0.044715 -> red.

TEST(Functions, SoftCapIsATanh) {
  ForEachSimdTarget([] {
    for (const float cap : {0.5f, 30.0f}) {
      for (const float scale : {1e-3f, 0.6f, 0.7f, 20.0f, 1e4f}) {
        const auto x = RandomVector(333, scale, 3);
        auto out = x;
        SoftCap(out.data(), cap, out.size());
        for (size_t i = 0; i < x.size(); ++i) {
          const double c = static_cast<double>(cap), expected = c * std::tanh(static_cast<double>(x[i]) / c);
          ASSERT_NEAR(out[i], expected, 4e-7 * std::abs(expected) + 1e-30) << x[i];
        }
      }
    }
    float odd[] = {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                   std::numeric_limits<float>::quiet_NaN(), 0.0f, -0.0f};
    SoftCap(odd, 30.0f, 5);
    EXPECT_EQ(odd[0], 30.0f);
    EXPECT_EQ(odd[1], -30.0f);
    EXPECT_TRUE(std::isnan(odd[2]));
    EXPECT_EQ(odd[3], 0.0f);
  });
}

TEST(Functions, NanStaysNan) {
  ForEachSimdTarget([] {
    for (const auto activation : {Activation::kSilu, Activation::kGelu, Activation::kGeluTanh}) {
      std::vector<float> x(19, std::numeric_limits<float>::quiet_NaN());
      Activate(activation, x.data(), nullptr, x.size());
      for (const float v : x) EXPECT_TRUE(std::isnan(v));
    }
  });
}

TEST(Functions, LayerNormMatchesItsDefinition) {
  ForEachSimdTarget([] {
    for (const size_t n : {1u, 2u, 7u, 8u, 31u, 32u, 33u, 64u, 100u}) {
      for (const float offset : {0.0f, 100.0f}) {  // far from 0 a difference of squares would lose the variance
        auto x = RandomVector(n, 1.0f, 4);
        for (float& v : x) v += offset;
        const auto weight = RandomVector(n, 2.0f, 5), bias = RandomVector(n, 1.0f, 6);
        std::vector<float> out(n + 1, 9.0f);
        LayerNorm(x.data(), weight.data(), bias.data(), n, 1e-5f, out.data());
        double mean = 0, variance = 0;
        for (const float v : x) mean += static_cast<double>(v) / static_cast<double>(n);
        for (const float v : x) variance += std::pow(static_cast<double>(v) - mean, 2) / static_cast<double>(n);
        const double root = std::sqrt(variance + static_cast<double>(1e-5f));
        for (size_t i = 0; i < n; ++i) {
          const double expected =
              (static_cast<double>(x[i]) - mean) / root * static_cast<double>(weight[i]) + static_cast<double>(bias[i]);
          // The mean is a float near `offset`: off by a few 2^-24 of it.
          ASSERT_NEAR(out[i], expected, 2e-6 + 2e-7 * static_cast<double>(offset) * 2 / root) << n;
        }
        EXPECT_EQ(out[n], 9.0f);
        LayerNorm(x.data(), weight.data(), bias.data(), n, 1e-5f, x.data());
        EXPECT_TRUE(std::equal(x.begin(), x.end(), out.begin())) << "in place";
      }
    }
  });
}

TEST(Functions, AttentionTakesItsScaleAndSoftCap) {
  ForEachSimdTarget([] {
    const size_t n = 70, head_dim = 16;
    const auto q = RandomVector(head_dim, 3.0f, 7), keys = RandomVector(n * head_dim, 2.0f, 8);
    const auto values = RandomVector(n * head_dim, 1.0f, 9);
    std::vector<float> out(head_dim);
    std::vector<float> slab((n + 2) * 2 * head_dim);  // 72 slots
    const HeadPlace place = {0, (n + 2) * head_dim};
    std::vector<KvRow> rows;
    for (uint32_t t = 0; t < n; ++t) {
      rows.push_back({slab.data(), t, static_cast<uint32_t>(n) - t});
      Put(keys.data() + t * head_dim, values.data() + t * head_dim, rows[t], place, head_dim);
    }
    const AttentionQuery query = {q.data(), out.data(), 0, n};
    Attend({head_dim, 0.3f, 2.0f}, {&query, 1}, rows, place);
    std::vector<double> expected(head_dim);
    double total = 0;
    for (size_t t = 0; t < n; ++t) {
      double score = 0;
      for (size_t i = 0; i < head_dim; ++i) {
        score += static_cast<double>(q[i]) * static_cast<double>(keys[t * head_dim + i]);
      }
      const double p = std::exp(2 * std::tanh(score * 0.3 / 2));
      total += p;
      for (size_t i = 0; i < head_dim; ++i) expected[i] += p * static_cast<double>(values[t * head_dim + i]);
    }
    for (size_t i = 0; i < head_dim; ++i) EXPECT_NEAR(out[i], expected[i] / total, 2e-6);
  });
}

}  // namespace
}  // namespace lp
