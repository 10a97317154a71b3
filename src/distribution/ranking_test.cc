#include "distribution/ranking.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>

namespace lp {
namespace {

std::vector<TokenId> FullSort(std::span<const float> values) {
  std::vector<TokenId> ids(values.size());
  std::iota(ids.begin(), ids.end(), TokenId{0});
  std::stable_sort(ids.begin(), ids.end(),
                   [&](TokenId a, TokenId b) { return values[static_cast<size_t>(a)] > values[static_cast<size_t>(b)]; });
  return ids;
}

// Few distinct values, so that ties are the rule; -inf among them.
std::vector<float> TiedLogits() {
  auto values = *rc::gen::container<std::vector<float>>(rc::gen::map(rc::gen::inRange(-4, 5), [](int v) {
    return v == -4 ? -std::numeric_limits<float>::infinity() : static_cast<float>(v) / 2;
  }));
  values.push_back(0.5f);
  return values;
}

// Mutation: `a < b` -> `a > b` in Above -> red.
RC_GTEST_PROP(RankOrder, AnyWalkEqualsAStableSort, ()) {
  const std::vector<float> values = TiedLogits();
  const std::vector<TokenId> expected = FullSort(values);
  RankOrder order(values);
  for (const size_t n : *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(0, 2 * values.size()))) {
    const auto first = order.First(n);
    RC_ASSERT(first.size() == std::min(n, values.size()));
    RC_ASSERT(std::equal(first.begin(), first.end(), expected.begin()));
  }
}

RC_GTEST_PROP(RanksOf, AgreeWithTheOrder, ()) {
  const std::vector<float> values = TiedLogits();
  const std::vector<TokenId> order = FullSort(values);
  const auto asked = *rc::gen::container<std::vector<TokenId>>(rc::gen::inRange<TokenId>(0, static_cast<TokenId>(values.size())));
  const std::vector<size_t> ranks = RanksOf(values, asked);
  RC_ASSERT(ranks.size() == asked.size());
  for (size_t i = 0; i < asked.size(); ++i) RC_ASSERT(order[ranks[i] - 1] == asked[i]);
}

TEST(RankOrder, GrowsInLargeVocabularies) {
  std::vector<float> values(5000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>((i * 7919) % 5000);
  RankOrder order(values);
  const std::vector<TokenId> expected = FullSort(values);
  for (const size_t n : {1u, 255u, 256u, 257u, 1500u, 5000u}) {
    const auto first = order.First(n);
    EXPECT_TRUE(std::equal(first.begin(), first.end(), expected.begin())) << n;
  }
}

}  // namespace
}  // namespace lp
