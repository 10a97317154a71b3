#include "distribution/lens.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <optional>

#include "distribution/select.h"
#include "support/logit_shapes.h"
#include "support/simd_targets.h"

namespace lp {
namespace {

using reference::AllShapes;

// Lenses that keep all, about half (with a tie at the end, of which some stay), and one token, divided and not.
std::vector<Lens> Lenses(const LogitVector& x, const Scan& scan) {
  std::vector<Lens> lenses;
  for (const size_t k : {x.size(), x.size() / 2 + 1, size_t{1}}) {
    const auto best = TopRanked(x, scan.block_max, k);
    const Candidate last = best.back();
    for (const float t : {1.0f, 0.7f, 1.9f}) {
      if (!std::isfinite(scan.max / t)) continue;  // who divides sees to that
      lenses.push_back({.low = last.value, .ties_end = static_cast<size_t>(last.id) + 1, .divisor = t});
    }
  }
  lenses.push_back({.divisor = 1.9f});
  return lenses;
}

// Divisors with a numerator that their reciprocal rounds wrongly.
constexpr float kInexact[] = {1.57504261f, 1.73248804f, 1.98837793f};

void ExpectSameSums(const SoftmaxSums& a, const SoftmaxSums& b) {
  EXPECT_EQ(a.max, b.max);
  EXPECT_EQ(a.n, b.n);
  EXPECT_EQ(a.sum_exp, b.sum_exp);
  EXPECT_EQ(a.sum_x_exp, b.sum_x_exp);
  EXPECT_EQ(a.sum_xx_exp, b.sum_xx_exp);
  EXPECT_EQ(a.sum_exp2, b.sum_exp2);
}

// Whatever is asked of a view is what is asked of the vector written down, bit for bit.
// Mutation: ThroughLens keeps ties in the block where they end, and in the next -> red.
TEST(Lens, ShowsWhatMakeWrites) {
  for (const size_t n : {1u, 255u, 257u, 1000u, 9000u}) {
    for (const auto& [name, logits] : AllShapes(n)) {
      const LogitVector x(logits);
      const Scan scan = ScanLogits(x);
      if (scan.n_finite == 0) continue;
      for (const Lens& lens : Lenses(x, scan)) {
        SCOPED_TRACE(name + ", V = " + std::to_string(n) + ", from " + std::to_string(lens.low) + " / " +
                     std::to_string(lens.divisor));
        const LogitVector made = Make(x, lens);
        const std::vector<float> maxima = BlockMaxima(x, scan.block_max, lens);
        EXPECT_EQ(maxima, ScanLogits(made).block_max);
        for (size_t i = 0; i < n; ++i) ASSERT_EQ(lens.Of(x[i], i), made[i]) << i;
        const View view{x, lens, maxima};
        for (const Sums which : {Sums::kMass, Sums::kVarentropy, Sums::kAll}) {
          const VectorSums sums = ComputeSums(made, which);
          ForEachSimdTarget([&] { ExpectSameSums(ComputeSums(view, which).total, sums.total); });
        }
        if (HasFailure()) return;
      }
    }
  }
}

// Every quotient that a float32 can have, but for the exponent: `exact` is whether all are as a division rounds them.
// About 1 divisor of 100 is not.
// Mutation: look at s = 24 only -> red.
TEST(Reciprocal, KnowsWhetherItDivides) {
  size_t n_exact = 0, n_not = 0;
  const auto expect = [&](float t) {
    const Reciprocal reciprocal(t);
    bool same = true;
    for (float x = 0x1p23f; same && x < 0x1p24f; x += 1) same = reciprocal.Quotient(x) == x / t;
    EXPECT_EQ(reciprocal.exact, same) << t;
    ++(same ? n_exact : n_not);
  };
  for (const float t : {0.7f, 0.8f, 1.5f, 1.9f}) expect(t);
  for (const float t : kInexact) expect(t);
  EXPECT_EQ(n_exact, 4u);
  EXPECT_EQ(n_not, std::size(kInexact));
  for (const float t : {0x1p-20f, 0.25f, 1.0f, 64.0f}) EXPECT_TRUE(Reciprocal(t).exact) << t;
  for (const float t : {0.0f, 1e-7f, 2e6f, 1e30f}) EXPECT_FALSE(Reciprocal(t).exact) << t;
}

// Mutation: round the middle to float32, or take the float from v on -> red.
TEST(Lens, KnowsWhereAQuotientBegins) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float t : {0.7f, 0.8f, 1.9f, 3.0f, 6.0f, 1e-3f, 1e6f}) {
    const Lens lens{.divisor = t};
    uint32_t bits = 1;
    for (int i = 0; i < 20000; ++i) {
      bits = bits * 1664525u + 1013904223u;
      float v;
      std::memcpy(&v, &bits, sizeof(v));
      if (std::isnan(v)) continue;
      const float from = lens.BeforeDivision(v);
      EXPECT_TRUE(from == kInfinity || lens.Of(from, 0) >= v) << v << " times " << t;
      if (from <= Lens::kLowest) continue;
      EXPECT_LT(lens.Of(std::nextafter(from, -kInfinity), 0), v) << v << " times " << t;
      if (HasFailure()) return;
    }
  }
}

// A search that makes the sums as it goes finds what one finds that knows them, and makes the same sums.
// Mutation: leave what lies beyond the edge in `prefix` -> red; no side of `known` blocks -> red.
TEST(FindMass, MakesTheSumsAlongTheWay) {
  for (const size_t n : {300u, 9000u, 50257u}) {
    for (const auto& [name, logits] : AllShapes(n)) {
      const LogitVector x(logits);
      const Scan scan = ScanLogits(x);
      for (const Lens& lens : Lenses(x, scan)) {
        const LogitVector made = Make(x, lens);
        const std::vector<float> maxima = BlockMaxima(x, scan.block_max, lens);
        const VectorSums known = ComputeSums(made, Sums::kVarentropy);
        for (const double target : {0.001, 0.3, 0.95, 0.999999}) {
          SCOPED_TRACE(name + ", V = " + std::to_string(n) + ", from " + std::to_string(lens.low) + " / " +
                       std::to_string(lens.divisor) + ", target " + std::to_string(target));
          const MassEdge expected = FindMass(made, known, Weight::kProbability, target);
          std::optional<VectorSums> sums;
          const MassEdge edge = FindMass({x, lens, maxima}, sums, Sums::kVarentropy, Weight::kProbability, target);
          ExpectSameSums(sums->total, known.total);
          if (n == 9000) {
            ForEachSimdTarget([&] {
              std::optional<VectorSums> again;
              const MassEdge same = FindMass({x, lens, maxima}, again, Sums::kVarentropy, Weight::kProbability, target);
              ExpectSameSums(again->total, known.total);
              EXPECT_EQ(same.last.id, edge.last.id);
              EXPECT_EQ(same.through, edge.through);
            });
          }
          EXPECT_NEAR(edge.through, expected.through, 8e-7);
          EXPECT_NEAR(edge.through + edge.after, 1, 1e-9);
          if (edge.n != expected.n) {  // rounding decides
            EXPECT_NEAR(std::abs(expected.through - target), 0, 8e-7);
            continue;
          }
          EXPECT_EQ(edge.last.id, expected.last.id);
          const Counts counts = CountAbove(made, edge.last.value);
          EXPECT_EQ(edge.tied.value_or(counts.above + counts.equal > edge.n), counts.above + counts.equal > edge.n);
          if (!edge.prefix) continue;
          const LogitVector kept = KeepRange(made, edge.last.value, edge.last.id, std::numeric_limits<float>::infinity());
          const SoftmaxSums prefix = ComputeSums(kept, Sums::kVarentropy).total;
          EXPECT_EQ(edge.prefix->n, prefix.n);
          EXPECT_NEAR(edge.prefix->sum_exp / prefix.sum_exp, 1, 1e-6);
          if (edge.prefix_sums < Sums::kEntropy) continue;  // a bracket missed
          EXPECT_NEAR(edge.prefix->Entropy(), prefix.Entropy(), 3e-6 * (1 + prefix.Entropy()));
        }
        if (HasFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace lp
