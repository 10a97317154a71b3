#include "distribution/sums.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstring>

#include "support/logit_shapes.h"
#include "support/simd_targets.h"

namespace lp {
namespace {

using reference::AllShapes;
using reference::Sizes;
constexpr float kInf = std::numeric_limits<float>::infinity();

struct Expected {
  double sum = 0, sum_x = 0, sum_xx = 0, sum_2 = 0, max = 0;
  size_t n = 0;
};
Expected Reference(const std::vector<float>& x) {
  Expected e;
  e.max = static_cast<double>(*std::max_element(x.begin(), x.end()));
  for (const float v : x) {
    if (v == kMasked) continue;
    const double y = static_cast<double>(v) - e.max, p = std::exp(y);
    ++e.n, e.sum += p, e.sum_2 += p * p;
    if (p > 0) e.sum_x += y * p, e.sum_xx += y * y * p;
  }
  return e;
}

// Bit for bit, but for the padding between members.
bool Same(const SoftmaxSums& a, const SoftmaxSums& b) {
  return std::memcmp(&a.max, &b.max, sizeof(float)) == 0 && a.n == b.n && a.sum_exp == b.sum_exp &&
         a.sum_x_exp == b.sum_x_exp && a.sum_xx_exp == b.sum_xx_exp && a.sum_exp2 == b.sum_exp2;
}

TEST(ComputeSums, EqualsDoubleReferenceOnEveryTarget) {
  double worst_sum = 0, worst_entropy = 0, worst_varentropy = 0;
  for (const size_t n : Sizes()) {
    for (const auto& [name, x] : AllShapes(n)) {
      SCOPED_TRACE(name + ", n = " + std::to_string(n));
      const Expected e = Reference(x);
      const double entropy = std::log(e.sum) - e.sum_x / e.sum;
      const double varentropy = e.sum_xx / e.sum - e.sum_x / e.sum * e.sum_x / e.sum;
      ForEachSimdTarget([&, &x = x] {
        const SoftmaxSums t = ComputeSums(LogitVector(x)).total;
        ASSERT_EQ(static_cast<double>(t.max), e.max);
        ASSERT_EQ(t.n, e.n);
        ASSERT_NEAR(t.sum_exp / e.sum, 1, 1e-6);
        ASSERT_NEAR(t.sum_exp2 / e.sum_2, 1, 1e-6);
        ASSERT_NEAR(t.Entropy(), entropy, 1e-6);
        ASSERT_NEAR(t.Varentropy(), varentropy, 1e-5 * (1 + varentropy));
        ASSERT_NEAR(t.LogSumExp(), e.max + std::log(e.sum), 1e-6 + 1e-15 * std::abs(e.max));
        worst_sum = std::max(worst_sum, std::abs(t.sum_exp / e.sum - 1));
        worst_entropy = std::max(worst_entropy, std::abs(t.Entropy() - entropy));
        worst_varentropy = std::max(worst_varentropy, std::abs(t.Varentropy() - varentropy));
      });
    }
  }
  RecordProperty("worst_sum", std::to_string(worst_sum * 1e9) + "e-9");
  RecordProperty("worst_entropy", std::to_string(worst_entropy * 1e9) + "e-9");
  RecordProperty("worst_varentropy", std::to_string(worst_varentropy * 1e9) + "e-9");
}

// What falling into other lanes, fusing multiply-adds or another order would show in.
TEST(ComputeSums, TheSameBitsOnEveryTarget) {
  for (const size_t n : Sizes()) {
    const auto shapes = AllShapes(n);
    for (const auto& [name, x] : shapes) {
      SCOPED_TRACE(name + ", n = " + std::to_string(n));
      const LogitVector v(x), other(shapes[0].x);
      VectorSums first;
      std::vector<float> first_p;
      double first_kl = 0;
      Moments first_moments;
      bool have = false;
      ForEachSimdTarget([&] {
        const VectorSums s = ComputeSums(v);
        std::vector<float> p(n);
        Softmax(v, s.total, p);
        const double kl = KlDivergence(v, s.total, other, ComputeSums(other).total) + KlDivergence(v, other);
        const Moments moments = LogitMoments(v);
        const Scan scan = ScanLogits(v);
        if (!have) first = s, first_p = p, first_kl = kl, first_moments = moments, have = true;
        ASSERT_TRUE(Same(s.total, first.total));
        ASSERT_EQ(std::memcmp(s.blocks.data(), first.blocks.data(), s.blocks.size() * sizeof(BlockSums)), 0);
        ASSERT_EQ(std::memcmp(p.data(), first_p.data(), n * sizeof(float)), 0);
        ASSERT_EQ(kl, first_kl);
        if (name != "extremes") {  // whose squares overflow
          ASSERT_EQ(moments.mean, first_moments.mean);
          ASSERT_EQ(moments.deviation, first_moments.deviation);
        }
        for (size_t b = 0; b < s.blocks.size(); ++b) {
          ASSERT_EQ(std::memcmp(&scan.block_max[b], &first.blocks[b].max, sizeof(float)), 0);
        }
      });
    }
  }
}

TEST(ComputeSums, SharedBlocksAreTakenFromBefore) {
  for (const auto& [name, x] : AllShapes(5000)) {
    const LogitVector before(x);
    const VectorSums before_sums = ComputeSums(before);
    LogitVector after = before;
    for (size_t i = 0; i < x.size(); i += 700) after.Set(i, x[i] == kMasked ? kMasked : x[i] - 1);
    after.MaskBlock(3);
    const VectorSums whole = ComputeSums(after), update = ComputeSums(after, before, before_sums);
    EXPECT_TRUE(Same(whole.total, update.total)) << name;
  }
}

// Mutation: known_n rounded up to the padded block -> red (n, and exponentials of padding).
TEST(ComputeSums, WhatAScanKnowsChangesNoBit) {
  for (const size_t n : Sizes()) {
    for (const auto& [name, x] : AllShapes(n)) {
      const LogitVector v(x);
      const Scan scan = ScanLogits(v);
      const Known known = {.block_max = scan.block_max, .no_masks = scan.n_finite == n};
      ForEachSimdTarget([&, &name = name] {
        for (const Sums which : {Sums::kMass, Sums::kEntropy, Sums::kVarentropy, Sums::kAll}) {
          ASSERT_TRUE(Same(ComputeSums(v, which, known).total, ComputeSums(v, which).total)) << name << ", n = " << n;
        }
      });
    }
  }
}

// Mutation: block maxima not divided in Combine -> red; the sums left relative to max / t -> red ("shifted").
TEST(ComputeSumsOfQuotient, EqualsDoubleReferenceOnEveryTarget) {
  for (const size_t n : Sizes()) {
    for (const auto& [name, x] : AllShapes(n)) {
      if (name == "extremes") continue;  // whose quotients are not all finite
      SCOPED_TRACE(name + ", n = " + std::to_string(n));
      constexpr double kT = static_cast<double>(0.8f);
      const double max = static_cast<double>(*std::max_element(x.begin(), x.end()) / 0.8f);
      double sum = 0, sum_x = 0;
      for (const float v : x) {
        const double y = static_cast<double>(v) / kT - max, e = std::exp(y);
        sum += e, sum_x += e > 0 ? y * e : 0;
      }
      const LogitVector v(x);
      const Scan scan = ScanLogits(v);
      const Known known = {.block_max = scan.block_max, .no_masks = scan.n_finite == n};
      SoftmaxSums first;
      ForEachSimdTarget([&] {
        const SoftmaxSums s = ComputeSumsOfQuotient(v, 0.8f, known);
        if (first.n == 0) first = s;
        ASSERT_TRUE(Same(s, first));
        ASSERT_EQ(s.n, scan.n_finite);
        ASSERT_NEAR(s.sum_exp / sum, 1, 1e-6);
        ASSERT_NEAR(s.Entropy(), std::log(sum) - sum_x / sum, 1e-6 + 1e-15 * std::abs(max));
      });
    }
  }
}

TEST(ComputeSums, ExactCases) {
  EXPECT_NEAR(ComputeSums(LogitVector(std::vector<float>(1024, -3.0f))).total.Entropy(), std::log(1024.0), 1e-12);
  std::vector<float> x(1000, kMasked);
  EXPECT_EQ(ComputeSums(LogitVector(x)).total.n, 0u);
  EXPECT_EQ(ComputeSums(LogitVector(x)).total.max, kMasked);
  x[999] = -150;
  const SoftmaxSums one_hot = ComputeSums(LogitVector(x)).total;
  EXPECT_EQ(one_hot.Entropy(), 0);
  EXPECT_EQ(one_hot.Varentropy(), 0);
  EXPECT_EQ(one_hot.EffectiveVocabulary(), 1);
  EXPECT_EQ(one_hot.MeanLogit(), -150);
  EXPECT_EQ(ComputeSums(LogitVector()).total.n, 0u);
}

// Mutation: ExpFlush(x - m) without TwoDiff -> red ("10,000 apart", "normal").
TEST(SoftmaxOfBlocks, EqualsDoubleReferenceOnEveryTarget) {
  double worst_of_all = 0;
  for (const size_t n : Sizes()) {
    for (const auto& [name, x] : AllShapes(n)) {
      SCOPED_TRACE(name + ", n = " + std::to_string(n));
      const std::vector<double> expected = reference::Softmax(x);
      ForEachSimdTarget([&, &x = x] {
        const LogitVector v(x);
        std::vector<float> p(n + 1, -1);
        Softmax(v, ComputeSums(v).total, std::span(p).first(n));
        double worst = 0, total = 0;
        for (size_t i = 0; i < n; ++i) {
          // below 1e-37 float has no full precision left
          const double error = std::abs(static_cast<double>(p[i]) - expected[i]);
          worst = std::max(worst, expected[i] < 1e-37 ? (error > 2e-37 ? 1.0 : 0.0) : error / expected[i]);
          total += static_cast<double>(p[i]);
        }
        ASSERT_LT(worst, 1e-6);
        ASSERT_NEAR(total, 1, 1e-6);
        ASSERT_EQ(p[n], -1) << "nothing is written past the end";
        worst_of_all = std::max(worst_of_all, worst);
      });
    }
  }
  RecordProperty("worst_relative", std::to_string(worst_of_all * 1e9) + "e-9");
}

double ReferenceKl(const std::vector<float>& x, const std::vector<float>& y) {
  const Expected ex = Reference(x), ey = Reference(y);
  double kl = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] == kMasked) continue;
    if (y[i] == kMasked) return std::numeric_limits<double>::infinity();
    const double lp = static_cast<double>(x[i]) - ex.max - std::log(ex.sum);
    const double p = std::exp(lp);
    if (p > 0) kl += p * (lp - (static_cast<double>(y[i]) - ey.max - std::log(ey.sum)));
  }
  return kl;
}

// float rounds differences of thousands of nats, so the bound has a relative part too.
TEST(KlOfBlocks, EqualsDoubleReferenceOnEveryTarget) {
  double worst = 0;
  for (const size_t n : {1u, 5u, 17u, 256u, 1000u, 50257u, 262144u}) {
    const auto shapes = AllShapes(n);
    for (size_t a = 0; a < shapes.size(); ++a) {
      const size_t b = (a * 5 + 2) % shapes.size();
      std::vector<float> warmer = shapes[a].x;
      for (float& v : warmer) v /= 0.8f;
      if (shapes[a].name == "extremes" || shapes[b].name == "extremes") continue;
      for (const std::vector<float>& other : {shapes[b].x, warmer}) {
        SCOPED_TRACE(shapes[a].name + " || " + shapes[b].name + ", n = " + std::to_string(n));
        const double expected = ReferenceKl(shapes[a].x, other);
        ForEachSimdTarget([&] {
          const LogitVector x(shapes[a].x), y(other);
          for (const double kl : {KlDivergence(x, ComputeSums(x).total, y, ComputeSums(y).total), KlDivergence(x, y)}) {
            if (std::isinf(expected)) {
              ASSERT_EQ(kl, expected);
            } else {
              ASSERT_NEAR(kl, expected, 3e-6 + 1e-6 * expected);
              if (expected < 30) worst = std::max(worst, std::abs(kl - expected));
            }
          }
        });
      }
    }
  }
  RecordProperty("worst_kl", std::to_string(worst * 1e9) + "e-9");
}

TEST(KlOfBlocks, SkipsWhatIsSharedAndIsZeroForItself) {
  for (const auto& [name, x] : AllShapes(3000)) {
    const LogitVector v(x);
    const SoftmaxSums s = ComputeSums(v).total;
    EXPECT_EQ(KlDivergence(v, s, v, s), 0) << name;
    LogitVector cut = v;
    cut.MaskBlock(2);
    const SoftmaxSums c = ComputeSums(cut).total;
    if (c.n == s.n || c.n == 0) continue;
    EXPECT_EQ(KlDivergence(v, s, cut, c), std::numeric_limits<double>::infinity()) << name;
    EXPECT_NEAR(KlDivergence(cut, c, v, s), s.LogSumExp() - c.LogSumExp(), 3e-6) << name;
  }
}

// Mutation: compare with > instead of >= infinity -> red.
TEST(ScanLogits, FindsTheFirstInvalidOnEveryTarget) {
  ForEachSimdTarget([] {
    for (const size_t n : {1u, 17u, 256u, 300u, 1000u}) {
      std::vector<float> x(n, 1.0f);
      EXPECT_EQ(ScanLogits(LogitVector(x)).invalid, std::nullopt);
      for (size_t i = 0; i < n; ++i) {
        for (const float bad : {kInf, std::nanf(""), -std::nanf("")}) {
          x[n - 1] = kInf;
          x[i] = bad;
          ASSERT_EQ(ScanLogits(LogitVector(x)).invalid, i);
          x[n - 1] = x[i] = 1.0f;
        }
        x[i] = kMasked;
        const Scan scan = ScanLogits(LogitVector(x));
        ASSERT_EQ(scan.invalid, std::nullopt);
        ASSERT_EQ(scan.n_finite, n - 1);
        x[i] = 1.0f;
      }
    }
  });
}

TEST(ScanLogits, MaximaAndCounts) {
  for (const size_t n : Sizes()) {
    for (const auto& [name, x] : AllShapes(n)) {
      ForEachSimdTarget([&, &x = x, &name = name] {
        const Scan scan = ScanLogits(LogitVector(x));
        ASSERT_EQ(scan.max, *std::max_element(x.begin(), x.end())) << name;
        ASSERT_EQ(scan.n_finite, Reference(x).n) << name;
        for (size_t b = 0; b < scan.block_max.size(); ++b) {
          const auto begin = x.begin() + static_cast<std::ptrdiff_t>(256 * b);
          ASSERT_EQ(scan.block_max[b],
                    *std::max_element(begin, begin + static_cast<std::ptrdiff_t>(std::min<size_t>(256, n - 256 * b))));
        }
      });
    }
  }
}

// The quotient that C gives: correctly rounded, not a product with 1 / t.
TEST(Divide, IsTheQuotientOfEveryLogit) {
  for (const auto& [name, x] : AllShapes(1000)) {
    ForEachSimdTarget([&, &x = x] {
      for (const float t : {0.7f, 1.0f, 1.3f, 3.0f}) {
        LogitVector v(x);
        v.MaskBlock(1);
        const LogitVector y = Divide(v, t);
        EXPECT_TRUE(y.SharesBlock(v, 1));
        for (size_t i = 0; i < x.size(); ++i) {
          // Mutation: no lower end -> -3e38, which some frameworks mask with, is lost.
          ASSERT_EQ(y[i], v[i] > kMasked ? std::max(v[i] / t, std::numeric_limits<float>::lowest()) : kMasked);
        }
        EXPECT_EQ(y.block(3)[255], kMasked);
      }
    });
  }
}

TEST(LogitMoments, EqualDoubleReference) {
  for (const size_t n : {1u, 2u, 255u, 257u, 5000u, 151936u}) {
    for (const auto& [name, x] : AllShapes(n)) {
      if (name == "extremes") continue;
      double count = 0, mean = 0, squares = 0;
      for (const float v : x) {
        if (v > kMasked) count += 1, mean += static_cast<double>(v);
      }
      mean /= count;
      for (const float v : x)
        squares += v > kMasked ? (static_cast<double>(v) - mean) * (static_cast<double>(v) - mean) : 0;
      const double deviation = std::sqrt(squares / count);
      ForEachSimdTarget([&, &x = x, &name = name] {
        const Moments m = LogitMoments(LogitVector(x));
        ASSERT_NEAR(m.mean, mean, 1e-6 * (std::abs(mean) + deviation)) << name << n;
        ASSERT_NEAR(m.deviation, deviation, 1e-6 * (deviation + 1e-3)) << name << n;
      });
    }
  }
}

}  // namespace
}  // namespace lp
