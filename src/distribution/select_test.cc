#include "distribution/select.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "support/logit_shapes.h"
#include "support/simd_targets.h"

namespace lp {
namespace {

using reference::AllShapes;
using reference::Sizes;

std::vector<Candidate> Sorted(const std::vector<float>& x) {
  std::vector<Candidate> all;
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] > kMasked) all.push_back({static_cast<TokenId>(i), x[i]});
  }
  std::stable_sort(all.begin(), all.end(), [](const Candidate& a, const Candidate& b) { return a.value > b.value; });
  return all;
}

// Few distinct values, so that ties are the rule; -inf among them, and blocks that are all -inf.
std::vector<float> TiedLogits() {
  const auto n = *rc::gen::inRange<size_t>(1, 1200);
  const int spread = *rc::gen::inRange(1, 40);
  const auto seed = *rc::gen::arbitrary<unsigned>();
  std::mt19937 random(seed);
  std::vector<float> x(n);
  for (size_t i = 0; i < n; ++i) {
    const int v = static_cast<int>(random() % static_cast<unsigned>(2 * spread)) - spread;
    x[i] = v == -spread || (seed % 3 == 0 && i / 256 == 1) ? kMasked : static_cast<float>(v) / 2;
  }
  x[random() % n] = 0.5f;
  return x;
}

void ExpectSame(std::span<const Candidate> got, std::span<const Candidate> expected, const std::string& what) {
  ASSERT_EQ(got.size(), expected.size()) << what;
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i].id, expected[i].id) << what << ", rank " << i + 1;
    ASSERT_EQ(got[i].value, expected[i].value) << what;
  }
}

// Mutation: nextafter dropped in Gathering::Prune, and prune_at = limit -> red ("all equal").
// Mutation: -0 not made 0 in Key -> red; runs of equal values left as they are -> red; a digit skipped -> red.
TEST(SortByRank, EqualsASort) {
  std::mt19937 random(11);
  constexpr float kSpecial[] = {0.0f, -0.0f, 1e-45f, -1e-45f, 3.4e38f, -3.4e38f, kMasked, 1.0f, -1.0f};
  for (size_t n = 0; n < 3000; n += 1 + n / 7) {
    for (const unsigned kind : {0u, 1u, 2u}) {  // all kinds of floats; a few logits, mostly tied; logits
      std::vector<Candidate> c(n);
      for (size_t i = 0; i < n; ++i) {
        const auto bits = static_cast<uint32_t>(random());
        float v;
        std::memcpy(&v, &bits, sizeof(v));
        if (kind == 1) v = kSpecial[bits % std::size(kSpecial)];
        if (kind == 2 || std::isnan(v)) v = static_cast<float>(static_cast<int>(bits >> 8)) * 0x1p-20f;
        c[i] = {static_cast<TokenId>(i), v};
      }
      std::shuffle(c.begin(), c.end(), random);
      std::vector<Candidate> expected = c;
      std::sort(expected.begin(), expected.end(), RanksBefore);
      SortByRank(c);
      for (size_t i = 0; i < n; ++i) ASSERT_EQ(c[i].id, expected[i].id) << n << " of kind " << kind << " at " << i;
    }
  }
}

TEST(TopRanked, EqualsASortOnEveryTarget) {
  for (const size_t n : Sizes()) {
    for (const auto& [name, x] : AllShapes(n)) {
      const std::vector<Candidate> sorted = Sorted(x);
      const LogitVector v(x);
      const std::vector<float> block_max = ScanLogits(v).block_max;
      ForEachSimdTarget([&, &name = name] {
        for (const size_t k : {0u, 1u, 2u, 40u, 200u, 1000u, 3000u}) {
          ExpectSame(TopRanked(v, block_max, k), std::span(sorted).first(std::min(k, sorted.size())),
                     name + ", n = " + std::to_string(n) + ", k = " + std::to_string(k));
        }
      });
    }
  }
}

RC_GTEST_PROP(TopRanked, EqualsASortOfTies, ()) {
  const std::vector<float> x = TiedLogits();
  const LogitVector v(x);
  const std::vector<Candidate> sorted = Sorted(x);
  const auto k = *rc::gen::inRange<size_t>(0, x.size() + 2);
  const auto top = TopRanked(v, ScanLogits(v).block_max, k);
  RC_ASSERT(top.size() == std::min(k, sorted.size()));
  for (size_t i = 0; i < top.size(); ++i) RC_ASSERT(top[i].id == sorted[i].id);
}

RC_GTEST_PROP(Between, EqualsASortAndAFilter, ()) {
  const std::vector<float> x = TiedLogits();
  const LogitVector v(x);
  const float low = *rc::gen::elementOf(x), high = *rc::gen::elementOf(x);
  std::vector<Candidate> expected = Sorted(x);
  std::erase_if(expected, [&](const Candidate& c) { return c.value < low || c.value > high; });
  const auto got = Between(v, ScanLogits(v).block_max, low, high);
  RC_ASSERT(got.size() == expected.size());
  for (size_t i = 0; i < got.size(); ++i) RC_ASSERT(got[i].id == expected[i].id);
}

RC_GTEST_PROP(RanksOfBlocks, AgreeWithTheOrder, ()) {
  const std::vector<float> x = TiedLogits();
  const auto ids =
      *rc::gen::container<std::vector<TokenId>>(rc::gen::inRange<TokenId>(0, static_cast<TokenId>(x.size())));
  ForEachSimdTarget([&] {
    const std::vector<size_t> ranks = RanksOf(LogitVector(x), ids);
    RC_ASSERT(ranks.size() == ids.size());
    for (size_t i = 0; i < ids.size(); ++i) {
      size_t rank = 1;
      for (size_t j = 0; j < x.size(); ++j) {
        rank += RanksBefore({static_cast<TokenId>(j), x[j]}, {ids[i], x[static_cast<size_t>(ids[i])]});
      }
      RC_ASSERT(ranks[i] == rank);
    }
  });
}

TEST(CountAbove, CountsOnEveryTarget) {
  for (const size_t n : {1u, 17u, 256u, 1000u, 50257u}) {
    for (const auto& [name, x] : AllShapes(n)) {
      for (const float v : {x[0], x[n / 2], kMasked, 0.0f, 1e38f}) {
        size_t above = 0, equal = 0;
        for (const float u : x) above += u > v, equal += u == v;
        ForEachSimdTarget([&, &x = x, &name = name] {
          const Counts counts = CountAbove(LogitVector(x), v);
          ASSERT_EQ(counts.above, above) << name;
          ASSERT_EQ(counts.equal, equal) << name;
        });
      }
    }
  }
}

// Mutation: keeps_ties for b <= tie_block -> red. Mutation: no check of n_changed -> red (shares).
TEST(KeepRange, MasksWhatIsOutsideOnEveryTarget) {
  for (const size_t n : {1u, 17u, 256u, 513u, 5000u, 50257u}) {
    for (const auto& [name, x] : AllShapes(n)) {
      const std::vector<Candidate> sorted = Sorted(x);
      for (const size_t keep :
           {size_t{1}, std::min<size_t>(40, sorted.size()), (sorted.size() + 1) / 2, sorted.size()}) {
        const Candidate last = sorted[keep - 1], first = sorted[keep / 3];
        for (const float high : {std::numeric_limits<float>::infinity(), first.value}) {
          ForEachSimdTarget([&, &x = x, &name = name] {
            const LogitVector v(x);
            const LogitVector y = KeepRange(v, last.value, last.id, high);
            for (size_t b = 0; b < v.n_blocks(); ++b) {
              bool changed = false;
              size_t kept = 0;
              for (size_t i = 0; i < 256; ++i) {
                const Candidate c{static_cast<TokenId>(256 * b + i), v.block(b)[i]};
                const bool in = c.value > kMasked && !RanksBefore(last, c) && c.value <= high;
                ASSERT_EQ(y.block(b)[i], in ? c.value : kMasked) << name << ", n = " << n << ", keep " << keep;
                changed |= c.value > kMasked && !in;
                kept += in;
              }
              ASSERT_TRUE(changed || kept == 0 || y.SharesBlock(v, b));
            }
          });
        }
      }
    }
  }
}

TEST(KeepRange, WithoutTiesBelowIdZero) {
  const std::vector<float> x = {1, 2, 1, 3};
  const LogitVector y = KeepRange(LogitVector(x), 1, -1, 2);
  EXPECT_EQ(y[0], kMasked);
  EXPECT_EQ(y[1], 2);
  EXPECT_EQ(y[2], kMasked);
  EXPECT_EQ(y[3], kMasked);
}

}  // namespace
}  // namespace lp
