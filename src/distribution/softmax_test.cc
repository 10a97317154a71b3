#include "distribution/softmax.h"

#include <gtest/gtest.h>

#include "support/reference_distribution.h"
#include "support/simd_targets.h"

namespace lp {
namespace {

using reference::HardLogits;
constexpr float kInf = std::numeric_limits<float>::infinity();

// Around every vector width and the block of 256, and real vocabularies.
const size_t kSizes[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 255, 256, 257, 1000, 4096, 50257, 151936};

// float32 sums in blocks of 256: relative error of a probability below 1e-6, of an entropy below 1e-6 + 1e-6 H.
TEST(Softmax, EqualsDoubleReferenceOnEveryTarget) {
  for (const size_t n : kSizes) {
    for (const auto& [name, x] : HardLogits(n)) {
      SCOPED_TRACE(name + ", n = " + std::to_string(n));
      const std::vector<double> expected = reference::Softmax(x);
      ForEachSimdTarget([&, &x = x] {
        const SoftmaxStats stats = ComputeSoftmaxStats(x);
        std::vector<float> p(n);
        Softmax(x, stats, p);
        double worst = 0, total = 0;
        for (size_t i = 0; i < n; ++i) {
          // below 1e-37 float has no full precision left; nothing there can be drawn
          worst = std::max(worst, std::abs(static_cast<double>(p[i]) - expected[i]) / (expected[i] + 1e-37));
          total += static_cast<double>(p[i]);
        }
        EXPECT_LT(worst, 1e-6);
        EXPECT_NEAR(total, 1, 1e-6);
        EXPECT_NEAR(stats.Entropy(), reference::Entropy(expected), 1e-6 + 1e-6 * std::log(static_cast<double>(n)));
        double squares = 0;
        for (const double v : expected) squares += v * v;
        EXPECT_NEAR(stats.EffectiveVocabulary() * squares, 1, 2e-6);
      });
    }
  }
}
// Mutation: drop the error term of ExpDifference -> red ("normal", n = 256). Mutation: drop its floor of -104 -> red ("-inf tails").

TEST(Softmax, UnalignedInputGivesTheSameBits) {
  const std::vector<float> x = HardLogits(1003)[0].x;
  std::vector<float> shifted(x.size() + 1);
  std::copy(x.begin(), x.end(), shifted.begin() + 1);
  ForEachSimdTarget([&] {
    EXPECT_EQ(ComputeSoftmaxStats(x).sum_exp, ComputeSoftmaxStats(std::span(shifted).subspan(1)).sum_exp);
  });
}

// [D2] softmax(x + c) = softmax(x); exact when adding c loses nothing.
TEST(Softmax, IsShiftInvariant) {
  std::vector<float> x = HardLogits(513)[0].x;
  for (float& v : x) v = std::round(v * 64) / 64;
  std::vector<float> y = x;
  for (float& v : y) v += 1024;
  const SoftmaxStats a = ComputeSoftmaxStats(x), b = ComputeSoftmaxStats(y);
  EXPECT_EQ(a.sum_exp, b.sum_exp);
  EXPECT_EQ(a.Entropy(), b.Entropy());
  EXPECT_NEAR(b.LogSumExp() - a.LogSumExp(), 1024, 1e-9);
}

TEST(Softmax, EntropyOfExactCases) {
  EXPECT_NEAR(ComputeSoftmaxStats(std::vector<float>(1024, -3.0f)).Entropy(), std::log(1024.0), 1e-12);
  std::vector<float> one_hot(1024, -kInf);
  one_hot[1023] = -150;
  EXPECT_EQ(ComputeSoftmaxStats(one_hot).Entropy(), 0);
  EXPECT_EQ(ComputeSoftmaxStats(one_hot).EffectiveVocabulary(), 1);
}

TEST(Softmax, AllMaskedHasNoSum) { EXPECT_EQ(ComputeSoftmaxStats(std::vector<float>(5, -kInf)).sum_exp, 0); }

TEST(Kl, EqualsDoubleReferenceOnEveryTarget) {
  for (const size_t n : {1u, 5u, 17u, 256u, 1000u, 50257u}) {
    const auto a = HardLogits(n), b = HardLogits(n + 1);
    for (const auto& [px, qx] : {std::pair{0, 0}, {0, 1}, {1, 0}, {4, 0}, {0, 4}, {4, 5}, {3, 0}, {0, 3}, {2, 0}}) {
      const std::vector<float>& x = a[static_cast<size_t>(px)].x;
      const std::vector<float> y(b[static_cast<size_t>(qx)].x.begin(), b[static_cast<size_t>(qx)].x.end() - 1);
      SCOPED_TRACE(a[static_cast<size_t>(px)].name + " || " + b[static_cast<size_t>(qx)].name + ", n = " + std::to_string(n));
      const double expected = reference::Kl(reference::Softmax(x), reference::Softmax(y));
      ForEachSimdTarget([&] {
        const double kl = KlDivergence(x, ComputeSoftmaxStats(x), y, ComputeSoftmaxStats(y));
        if (std::isinf(expected)) {
          EXPECT_EQ(kl, expected);
        } else {
          EXPECT_NEAR(kl, expected, 3e-6 * (1 + expected));
        }
      });
    }
  }
}
// Mutation: drop IfThenZeroElse in CrossSum -> red (NaN where both are -inf).

TEST(Kl, OfADistributionWithItselfIsZero) {
  for (const auto& [name, x] : HardLogits(777)) {
    const SoftmaxStats s = ComputeSoftmaxStats(x);
    EXPECT_EQ(KlDivergence(x, s, x, s), 0) << name;
  }
}

TEST(FindInvalidLogit, NamesTheFirst) {
  std::vector<float> x(100, -kInf);
  EXPECT_EQ(FindInvalidLogit(x), std::nullopt);
  x[70] = kInf;
  EXPECT_EQ(FindInvalidLogit(x), 70u);
  x[40] = std::nanf("");
  EXPECT_EQ(FindInvalidLogit(x), 40u);
}

}  // namespace
}  // namespace lp
