// Each step on every SIMD target against the same sums in double, at sizes around the vector widths and with unaligned
// vectors: one number more than is used, from index 1.
#include "model/ops.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "model/rope.h"
#include "support/random_vector.h"
#include "support/simd_targets.h"

namespace lp {
namespace {

constexpr size_t kSizes[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100};

TEST(Ops, RmsNormMatchesItsDefinition) {
  ForEachSimdTarget([] {
    for (const size_t n : kSizes) {
      for (const float scale : {1e-6f, 1.0f, 1e6f}) {
        const auto x = RandomVector(1 + n, scale, 1), weight = RandomVector(1 + n, 2.0f, 2);
        std::vector<float> out(n + 2, 9.0f);
        RmsNorm(x.data() + 1, weight.data() + 1, n, 1e-5f, out.data() + 1);
        double squares = 0;
        for (size_t i = 1; i <= n; ++i) squares += static_cast<double>(x[i]) * static_cast<double>(x[i]);
        const double root = std::sqrt(squares / static_cast<double>(n) + static_cast<double>(1e-5f));
        for (size_t i = 1; i <= n; ++i) {
          const double expected = static_cast<double>(x[i]) / root * static_cast<double>(weight[i]);
          ASSERT_NEAR(out[i], expected, 1e-6 * std::abs(expected) + 1e-12) << n;
        }
        EXPECT_EQ(out[n + 1], 9.0f);
      }
    }
  });
}

TEST(Ops, SwiGluMatchesItsDefinition) {
  ForEachSimdTarget([] {
    for (const size_t n : kSizes) {
      for (const float scale : {1e-3f, 5.0f, 300.0f}) {  // 300: exp(300) would overflow
        const auto gate = RandomVector(1 + n, scale, 3), up = RandomVector(1 + n, 1.0f, 4);
        auto out = gate;
        Activate(Activation::kSilu, out.data() + 1, up.data() + 1, n);
        for (size_t i = 1; i <= n; ++i) {
          const double x = static_cast<double>(gate[i]);
          const double expected = x / (1 + std::exp(-x)) * static_cast<double>(up[i]);
          ASSERT_NEAR(out[i], expected, 1e-6 * std::abs(expected) + 1e-30) << x;
        }
      }
    }
  });
}

TEST(Ops, AddAdds) {
  ForEachSimdTarget([] {
    for (const size_t n : kSizes) {
      const auto x = RandomVector(1 + n, 1.0f, 5), y = RandomVector(1 + n, 1.0f, 6);
      auto out = x;
      Add(out.data() + 1, y.data() + 1, n);
      EXPECT_EQ(out[0], x[0]);
      for (size_t i = 1; i <= n; ++i) ASSERT_EQ(out[i], x[i] + y[i]);
    }
  });
}

TEST(Rope, TurnsWithoutStretchingAndSeesDistancesOnly) {
  RopeConfig config;
  config.dim = 16;
  const Rope rope(config, {});
  const auto rotated = [&](std::vector<float> x, size_t position) {
    std::vector<float> angles(16);
    rope.Angles(position, angles);
    Rotate(RopeKind::kNeighbours, angles, 2, 20, x.data());
    return x;
  };
  const auto dot = [](const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (size_t i = 0; i < 16; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    return sum;
  };
  const auto a = RandomVector(1 + 40, 1.0f, 16), b = RandomVector(1 + 40, 1.0f, 17);
  EXPECT_EQ(rotated(a, 0), a);
  for (const size_t p : {1u, 7u, 500u, 8000u}) {
    EXPECT_NEAR(dot(rotated(a, p), rotated(a, p)), dot(a, a), 1e-5);
    EXPECT_NEAR(dot(rotated(a, p), rotated(b, p + 3)), dot(a, rotated(b, 3)), 1e-5) << p;
    const auto r = rotated(a, p);
    for (const size_t i : {16u, 17u, 18u, 19u, 36u, 39u}) EXPECT_EQ(r[i], a[i]) << "past rope_dim";
  }
  // The first pair turns by one radian a position.
  const auto r = rotated({1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                          1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
                         2);
  EXPECT_FLOAT_EQ(r[20], std::cos(2.0f));
  EXPECT_FLOAT_EQ(r[21], std::sin(2.0f));
}

}  // namespace
}  // namespace lp
