// Each step on every SIMD target against the same sums in double, at sizes around the vector widths and with unaligned
// vectors.
#include "model/ops.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "model/rope.h"
#include "support/simd_targets.h"

namespace lp {
namespace {

constexpr size_t kSizes[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100};

// n numbers in [-scale, scale), used from index 1: unaligned for SIMD.
std::vector<float> RandomVector(size_t n, float scale, uint32_t seed) {
  std::mt19937 rng(seed);
  std::vector<float> x(n + 1);
  for (float& v : x) v = scale * (static_cast<float>(rng() >> 8) * 0x1p-23f - 1.0f);
  return x;
}

AttentionShape Shape(size_t stride, size_t head_dim) {
  return {stride, head_dim, 1.0f / std::sqrt(static_cast<float>(head_dim)), 0};
}

TEST(Ops, RmsNormMatchesItsDefinition) {
  ForEachSimdTarget([] {
    for (const size_t n : kSizes) {
      for (const float scale : {1e-6f, 1.0f, 1e6f}) {
        const auto x = RandomVector(n, scale, 1), weight = RandomVector(n, 2.0f, 2);
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
        const auto gate = RandomVector(n, scale, 3), up = RandomVector(n, 1.0f, 4);
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
      const auto x = RandomVector(n, 1.0f, 5), y = RandomVector(n, 1.0f, 6);
      auto out = x;
      Add(out.data() + 1, y.data() + 1, n);
      EXPECT_EQ(out[0], x[0]);
      for (size_t i = 1; i <= n; ++i) ASSERT_EQ(out[i], x[i] + y[i]);
    }
  });
}

// Attend over n positions of keys and values, laid out in runs of `longest` rows, the runs in reverse order; what is past the
// last position is NaN.
void AttendIn(size_t longest, const AttentionShape& shape, const float* q, const float* keys, const float* values, size_t n, float* out) {
  const size_t row = shape.stride, n_runs = (n + longest - 1) / longest;
  std::vector<float> memory(2 * n_runs * longest * row, std::numeric_limits<float>::quiet_NaN());
  const size_t values_at = n_runs * longest * row;
  std::vector<KvRow> rows;
  for (size_t t = 0; t < n; ++t) {
    const size_t run = t / longest, left = (run + 1) * longest - t;  // a run may go on past the last position
    float* at = memory.data() + ((n_runs - 1 - run) * longest + t % longest) * row;
    std::copy_n(keys + t * row, shape.head_dim, at);
    std::copy_n(values + t * row, shape.head_dim, at + values_at);
    rows.push_back({at, left});
  }
  Attend(shape, q, rows, 0, values_at, out);
}

TEST(Ops, AttendMatchesItsDefinition) {
  ForEachSimdTarget([] {
    for (const size_t head_dim : {2u, 6u, 8u, 10u, 16u, 24u, 32u, 40u, 64u, 96u, 128u}) {
      for (const size_t n : {1u, 2u, 63u, 64u, 65u, 128u, 200u}) {
        for (const float scale : {0.0f, 1.0f, 12.0f}) {  // all scores equal; usual; nearly one-hot
          const size_t stride = 2 * head_dim + 3;
          const auto q = RandomVector(head_dim, scale, 7);
          const auto keys = RandomVector(n * stride, 2.0f, 8), values = RandomVector(n * stride, 1.0f, 9);
          std::vector<float> out(head_dim + 2, 9.0f);
          AttendIn(n, Shape(stride, head_dim), q.data() + 1, keys.data() + 1, values.data() + 1, n, out.data() + 1);
          for (const size_t longest : {1u, 7u, 64u}) {  // where rows lie changes no bit
            std::vector<float> scattered(head_dim + 2, 9.0f);
            AttendIn(longest, Shape(stride, head_dim), q.data() + 1, keys.data() + 1, values.data() + 1, n, scattered.data() + 1);
            ASSERT_EQ(scattered, out) << longest;
          }
          std::vector<double> p(n), expected(head_dim);
          double total = 0, max = -1e300;
          for (size_t t = 0; t < n; ++t) {
            for (size_t i = 0; i < head_dim; ++i) {
              p[t] += static_cast<double>(q[1 + i]) * static_cast<double>(keys[1 + t * stride + i]);
            }
            p[t] /= std::sqrt(static_cast<double>(head_dim));
            max = std::max(max, p[t]);
          }
          for (double& v : p) total += v = std::exp(v - max);
          for (size_t t = 0; t < n; ++t) {
            for (size_t i = 0; i < head_dim; ++i) {
              expected[i] += p[t] / total * static_cast<double>(values[1 + t * stride + i]);
            }
          }
          // A score is off by a few 2^-24 of its terms' size (up to 12 * 2 * sqrt(128)), and values are at most 1.
          for (size_t i = 0; i < head_dim; ++i) {
            ASSERT_NEAR(out[1 + i], expected[i], 2e-5) << head_dim << " dims, " << n << " positions";
          }
          EXPECT_EQ(out[head_dim + 1], 9.0f);
        }
      }
    }
  });
}
// Mutation: rescale at every run of a block, not at its first -> red.
// Mutation: forget to rescale the sum at a new maximum; the last block's missing positions as 0 instead of -inf -> red.

// A score's block is decided by its position alone: later positions do not change what was there before.
TEST(Ops, AttendIgnoresWhatLiesPastItsPositions) {
  const auto q = RandomVector(32, 1.0f, 10);
  const auto keys = RandomVector(70 * 32, 1.0f, 11), values = RandomVector(70 * 32, 1.0f, 12);
  std::vector<float> before(32), after(32);
  AttendIn(70, Shape(32, 32), q.data(), keys.data(), values.data(), 70, before.data());
  AttendIn(100, Shape(32, 32), q.data(), keys.data(), values.data(), 70, after.data());
  EXPECT_EQ(before, after);
}

TEST(Ops, NanScoresAreNotHidden) {
  ForEachSimdTarget([] {
    for (const size_t bad : {0u, 5u, 64u, 69u}) {
      const auto q = RandomVector(16, 1.0f, 13);
      auto keys = RandomVector(70 * 16, 1.0f, 14);
      const auto values = RandomVector(70 * 16, 1.0f, 15);
      keys[bad * 16 + 3] = std::numeric_limits<float>::quiet_NaN();
      std::vector<float> out(16);
      AttendIn(70, Shape(16, 16), q.data(), keys.data(), values.data(), 70, out.data());
      for (const float v : out) EXPECT_TRUE(std::isnan(v)) << bad;
    }
  });
}

// Laws of a rotation: lengths stay, and the product of two rotated vectors depends on the distance of their positions
// only.
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
  const auto a = RandomVector(40, 1.0f, 16), b = RandomVector(40, 1.0f, 17);
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
