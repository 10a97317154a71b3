#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <functional>
#include <optional>

#include "distribution/select.h"
#include "support/logit_shapes.h"
#include "support/simd_targets.h"

namespace lp {
namespace {

using reference::AllShapes;

// What a search may be wrong by, as a part of the whole: documented in select.h.
constexpr double kBound = 4e-7;
double worst_error = 0;  // over everything checked

// Sorts everything and adds it up in double.
struct FullOrder {
  std::vector<Candidate> order;
  std::vector<double> cumulative;  // [order.size() + 1]

  FullOrder(const std::vector<float>& x, bool entropy, const double* centre) {
    double max = -std::numeric_limits<double>::infinity(), sum = 0;
    for (const float v : x) max = std::max(max, static_cast<double>(v));
    for (size_t i = 0; i < x.size(); ++i) {
      if (x[i] == kMasked) continue;
      sum += std::exp(static_cast<double>(x[i]) - max);
      order.push_back({static_cast<TokenId>(i), x[i]});
    }
    std::stable_sort(order.begin(), order.end(), [&](const Candidate& a, const Candidate& b) {
      const double va = static_cast<double>(a.value), vb = static_cast<double>(b.value);
      return centre != nullptr ? std::abs(va - *centre) < std::abs(vb - *centre) : va > vb;
    });
    cumulative.push_back(0);
    for (const Candidate& c : order) {
      const double log_p = static_cast<double>(c.value) - max - std::log(sum), p = std::exp(log_p);
      cumulative.push_back(cumulative.back() + (entropy ? (p > 0 ? -p * log_p : 0) : p));
    }
  }

  void Check(const MassEdge& edge, double target, const std::string& what) const {
    const double whole = std::max(1.0, cumulative.back());
    if (target > cumulative.back() + kBound * whole) {
      ASSERT_FALSE(edge.reached) << what;
      ASSERT_EQ(edge.n, order.size()) << what;
    }
    ASSERT_GE(edge.n, 1u) << what;
    ASSERT_LE(edge.n, order.size()) << what;
    ASSERT_EQ(edge.last.id, order[edge.n - 1].id) << what << ", n = " << edge.n;
    ASSERT_EQ(edge.last.value, order[edge.n - 1].value) << what;
    worst_error = std::max(worst_error, std::abs(edge.before - cumulative[edge.n - 1]) / whole);
    worst_error = std::max(worst_error, std::abs(edge.through - cumulative[edge.n]) / whole);
    ASSERT_NEAR(edge.before, cumulative[edge.n - 1], kBound * whole) << what;
    ASSERT_NEAR(edge.through, cumulative[edge.n], kBound * whole) << what;
    if (!edge.reached) return;
    ASSERT_GE(cumulative[edge.n], target - kBound * whole) << what;
    ASSERT_TRUE(edge.n == 1 || cumulative[edge.n - 1] < target + kBound * whole) << what;
  }
};

constexpr double kTargets[] = {0, 1e-9, 0.1, 0.5, 0.9, 0.95, 0.999, 0.999999, 1, 1.5};

void ExpectSameOnEveryTarget(const std::function<MassEdge()>& find, const std::function<void(const MassEdge&)>& check) {
  std::optional<MassEdge> first;
  ForEachSimdTarget([&] {
    const MassEdge edge = find();
    check(edge);
    if (!first) first = edge;
    ASSERT_EQ(edge.n, first->n);
    ASSERT_EQ(edge.last.id, first->last.id);
    ASSERT_EQ(edge.before, first->before);
    ASSERT_EQ(edge.through, first->through);
    ASSERT_EQ(edge.reached, first->reached);
  });
}

// Mutation: inner = outer in Bracket (a bracket that misses) -> still green: it is noticed; without the two checks ->
// red.
TEST(FindMass, EqualsASortOnEveryTarget) {
  for (const size_t n : {1u, 2u, 17u, 255u, 257u, 513u, 4096u, 5000u, 50257u, 151936u, 262144u}) {
    for (const auto& [name, x] : AllShapes(n)) {
      const LogitVector v(x);
      const VectorSums sums = ComputeSums(v);
      for (const Weight weight : {Weight::kProbability, Weight::kEntropy}) {
        const bool entropy = weight == Weight::kEntropy;
        const FullOrder reference(x, entropy, nullptr);
        for (double target : kTargets) {
          if (entropy) target *= sums.total.Entropy();
          ExpectSameOnEveryTarget([&] { return FindMass(v, sums, weight, target); },
                                  [&, &name = name](const MassEdge& edge) {
                                    reference.Check(edge, target,
                                                    name + (entropy ? ", entropy" : "") + ", V = " + std::to_string(n) +
                                                        ", target " + std::to_string(target));
                                  });
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST(FindMassAround, EqualsASortOnEveryTarget) {
  for (const size_t n : {1u, 2u, 17u, 257u, 4096u, 5000u, 50257u, 151936u}) {
    for (const auto& [name, x] : AllShapes(n)) {
      const LogitVector v(x);
      const VectorSums sums = ComputeSums(v);
      // [D26] the centre of typical sampling: log p = -H
      for (const double centre : {sums.total.LogSumExp() - sums.total.Entropy(), 0.0, 1e4}) {
        const FullOrder reference(x, false, &centre);
        for (const double target : kTargets) {
          ExpectSameOnEveryTarget([&] { return FindMassAround(v, sums, centre, target); },
                                  [&, &name = name](const MassEdge& edge) {
                                    reference.Check(edge, target,
                                                    name + ", V = " + std::to_string(n) + ", target " +
                                                        std::to_string(target) + ", centre " + std::to_string(centre));
                                  });
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST(FindMass, ReportsTheWorstError) { RecordProperty("worst", std::to_string(worst_error * 1e9) + "e-9"); }

TEST(FindMass, AllMaskedReachesNothing) {
  const std::vector<float> x(300, kMasked);
  const LogitVector v(x);
  EXPECT_FALSE(FindMass(v, ComputeSums(v), Weight::kProbability, 0.5).reached);
  EXPECT_EQ(FindMassAround(v, ComputeSums(v), 0, 0.5).n, 0u);
}

RC_GTEST_PROP(FindMass, EqualsASortOfTies, ()) {
  const auto n = *rc::gen::inRange<size_t>(1, 9000);
  std::mt19937 random(*rc::gen::arbitrary<unsigned>());
  const size_t distinct = 1 + random() % 30;
  std::vector<float> x(n);
  for (float& value : x) value = random() % 9 == 0 ? kMasked : static_cast<float>(random() % distinct) / 4;
  x[0] = 1;
  const double target = static_cast<double>(random() % 1000) / 1000;
  const LogitVector v(x);
  const VectorSums sums = ComputeSums(v);
  FullOrder(x, false, nullptr).Check(FindMass(v, sums, Weight::kProbability, target), target, "ties");
  const double centre = 1.3;
  FullOrder(x, false, &centre).Check(FindMassAround(v, sums, centre, target), target, "around");
}

}  // namespace
}  // namespace lp
