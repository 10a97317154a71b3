#include "distribution/exp.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "distribution/fused.h"
#include "support/simd_targets.h"

namespace lp {
namespace {

TEST(Exp, DoubleIsTheLibrarysTo12Digits) {
  for (double x = 0; x > -690; x -= 0.0371) EXPECT_NEAR(ExpNonPositiveDouble(x) / std::exp(x), 1, 1e-12) << x;
  EXPECT_EQ(ExpNonPositiveDouble(0), 1);
  EXPECT_EQ(ExpNonPositiveDouble(-1e300), 0);
}

// Mutation: the sum rounded to double and not to odd -> red.
TEST(FusedMulAdd, IsTheLibrarys) {
  std::mt19937 random(3);
  const auto any = [&] {
    const auto bits = static_cast<uint32_t>(random() % 0x400000 | random() % 2 << 22);
    return std::ldexp(static_cast<float>(bits | 0x800000), static_cast<int>(random() % 60) - 60) *
           (random() % 2 ? 1.0f : -1.0f);
  };
  for (int i = 0; i < 1000000; ++i) {
    const float a = any(), b = any(), c = i % 2 ? any() : -a * b * (1 + 0x1p-23f * static_cast<float>(random() % 3));
    ASSERT_EQ(FusedMulAdd(a, b, c), std::fma(a, b, c)) << a << " " << b << " " << c;
  }
  // Less than half a unit of the result by 2^-64, which double rounds away: a tie then, and ties go up here.
  ASSERT_EQ(FusedMulAdd(0x1.00001p0f, 0x1.ffffep-25f, 0x1.000002p0f), 0x1.000002p0f);
}

TEST(Exp, ManyAtOnceHaveTheSameBits) {
  std::vector<double> x;
  for (double v = 0; v > -720; v -= 0.0371) x.push_back(v);
  x.push_back(-std::numeric_limits<double>::infinity());
  ForEachSimdTarget([&] {
    std::vector<double> e = x;
    ExpNonPositiveDoubles(e);
    for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(e[i], ExpNonPositiveDouble(x[i])) << x[i];
  });
}

}  // namespace
}  // namespace lp
