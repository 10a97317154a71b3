// Attention on every SIMD target against the same sums in double, and the same bits by every route.
#include "model/attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "support/random_vector.h"
#include "support/simd_targets.h"

namespace lp {
namespace {

AttentionShape Shape(size_t head_dim) {
  return {head_dim, 1.0f / std::sqrt(static_cast<float>(head_dim)), 0};
}

// Keys and values [n, head_dim] in slabs of `slots` slots each, in runs of `longest` that begin `lane` slots into a slab, the first run in
// the last slab; all other slots are NaN.
struct Slabs {
  Slabs(const float* keys, const float* values, size_t n, size_t head_dim, size_t longest, size_t lane = 0) {
    const size_t slots = (lane + longest + kKeys - 1) / kKeys * kKeys, n_runs = (n + longest - 1) / longest;
    place = {0, slots * head_dim};
    numbers.resize(n_runs * 2 * slots * head_dim, std::numeric_limits<float>::quiet_NaN());
    for (size_t t = 0; t < n; ++t) {
      const size_t run = t / longest, at = lane + t % longest;
      float* const slab = numbers.data() + (n_runs - 1 - run) * 2 * slots * head_dim;
      // A run may go on past the last position.
      rows.push_back({slab, static_cast<uint32_t>(at), static_cast<uint32_t>((run + 1) * longest - t)});
      Put(keys + t * head_dim, values + t * head_dim, rows[t], place, head_dim);
    }
  }
  std::vector<float> numbers;
  std::vector<KvRow> rows;
  HeadPlace place;
};

void AttendIn(size_t longest, const AttentionShape& shape, const float* q, const float* keys, const float* values, size_t n, float* out,
              size_t lane = 0) {
  const Slabs slabs(keys, values, n, shape.head_dim, longest, lane);
  const AttentionQuery query = {q, out, 0, n};
  Attend(shape, {&query, 1}, slabs.rows, slabs.place);
}

TEST(Attention, MatchesItsDefinition) {
  ForEachSimdTarget([] {
    for (const size_t head_dim : {2u, 6u, 8u, 10u, 16u, 24u, 32u, 40u, 64u, 96u, 128u}) {
      for (const size_t n : {1u, 2u, 63u, 64u, 65u, 128u, 200u}) {
        for (const float scale : {0.0f, 1.0f, 12.0f}) {  // all scores equal; usual; nearly one-hot
          const auto q = RandomVector(1 + head_dim, scale, 7);
          const auto keys = RandomVector(1 + n * head_dim, 2.0f, 8), values = RandomVector(1 + n * head_dim, 1.0f, 9);
          std::vector<float> out(head_dim + 2, 9.0f);
          AttendIn(n, Shape(head_dim), q.data() + 1, keys.data() + 1, values.data() + 1, n, out.data() + 1);
          for (const size_t longest : {1u, 7u, 64u}) {  // where rows lie changes no bit
            for (const size_t lane : {0u, 3u}) {
              std::vector<float> scattered(head_dim + 2, 9.0f);
              AttendIn(longest, Shape(head_dim), q.data() + 1, keys.data() + 1, values.data() + 1, n, scattered.data() + 1, lane);
              ASSERT_EQ(scattered, out) << longest << " from lane " << lane;
            }
          }
          std::vector<double> p(n), expected(head_dim);
          double total = 0, max = -1e300;
          for (size_t t = 0; t < n; ++t) {
            for (size_t i = 0; i < head_dim; ++i) {
              p[t] += static_cast<double>(q[1 + i]) * static_cast<double>(keys[1 + t * head_dim + i]);
            }
            p[t] /= std::sqrt(static_cast<double>(head_dim));
            max = std::max(max, p[t]);
          }
          for (double& v : p) total += v = std::exp(v - max);
          for (size_t t = 0; t < n; ++t) {
            for (size_t i = 0; i < head_dim; ++i) {
              expected[i] += p[t] / total * static_cast<double>(values[1 + t * head_dim + i]);
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
TEST(Attention, IgnoresWhatLiesPastItsPositions) {
  const auto q = RandomVector(1 + 32, 1.0f, 10);
  const auto keys = RandomVector(1 + 70 * 32, 1.0f, 11), values = RandomVector(1 + 70 * 32, 1.0f, 12);
  std::vector<float> before(32), after(32);
  AttendIn(70, Shape(32), q.data(), keys.data(), values.data(), 70, before.data());
  AttendIn(100, Shape(32), q.data(), keys.data(), values.data(), 70, after.data());
  EXPECT_EQ(before, after);
}

TEST(Attention, HidesNoNan) {
  ForEachSimdTarget([] {
    for (const size_t bad : {0u, 5u, 64u, 69u}) {
      const auto q = RandomVector(1 + 16, 1.0f, 13);
      auto keys = RandomVector(1 + 70 * 16, 1.0f, 14);
      const auto values = RandomVector(1 + 70 * 16, 1.0f, 15);
      keys[bad * 16 + 3] = std::numeric_limits<float>::quiet_NaN();
      std::vector<float> out(16);
      AttendIn(70, Shape(16), q.data(), keys.data(), values.data(), 70, out.data());
      for (const float v : out) EXPECT_TRUE(std::isnan(v)) << bad;
    }
  });
}

// Laws of a rotation: lengths stay, and the product of two rotated vectors depends on the distance of their positions
// only.

// Also where they read different positions, and where their blocks are not whole.
TEST(Attention, ComesToTheSameBitsTogetherAndAlone) {
  ForEachSimdTarget([] {
    const size_t head_dim = 24, n = 150;
    const auto q = RandomVector(1 + kMaxQueries * head_dim, 2.0f, 16), keys = RandomVector(1 + n * head_dim, 1.0f, 17);
    const auto values = RandomVector(1 + n * head_dim, 1.0f, 18);
    const Slabs slabs(keys.data(), values.data(), n, head_dim, 50, 5);
    std::vector<float> together(kMaxQueries * head_dim), alone(kMaxQueries * head_dim);
    std::vector<AttentionQuery> queries;
    for (size_t i = 0; i < kMaxQueries; ++i) {
      const size_t end = i % 3 == 0 ? 10 + i : n - i;
      queries.push_back({q.data() + i * head_dim, together.data() + i * head_dim, i % 2 * (end - 7), end});
    }
    Attend(Shape(head_dim), queries, slabs.rows, slabs.place);
    for (size_t i = 0; i < kMaxQueries; ++i) {
      queries[i].out = alone.data() + i * head_dim;
      Attend(Shape(head_dim), std::span(queries).subspan(i, 1), slabs.rows, slabs.place);
    }
    EXPECT_EQ(together, alone);
  });
}
// Mutation: begin blocks at the first position that any query reads -> red.

}  // namespace
}  // namespace lp
