#include "sampling/draw.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

#include "base/random.h"
#include "support/logit_shapes.h"
#include "support/reference_distribution.h"
#include "support/simd_targets.h"

namespace lp {
namespace {

// Known answers of Philox4x32-10 from the authors' distribution (Random123, kat_vectors).
TEST(Random, PhiloxKnownAnswers) {
  constexpr std::array<uint32_t, 4> kZero = Philox4x32({0, 0, 0, 0}, {0, 0});
  EXPECT_EQ(kZero, (std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr std::array<uint32_t, 4> kOnes =
      Philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff});
  EXPECT_EQ(kOnes, (std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  constexpr std::array<uint32_t, 4> kPi =
      Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0});
  EXPECT_EQ(kPi, (std::array<uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

Trace RunOn(const std::vector<float>& logits, Chain chain) {
  auto trace = Trace::Run(logits, {}, chain);
  LP_CHECK(trace.ok());
  return std::move(trace).value();
}

TEST(Draw, IsAPureFunctionOfSeedAndPosition) {
  const std::vector<float> logits = reference::HardLogits(500)[0].x;
  for (const DrawRule rule : {DrawRule::kInverseCdf, DrawRule::kExponentialRace, DrawRule::kLlamaCpp}) {
    const Trace trace = RunOn(logits, {.seed = 7, .draw = rule}), again = RunOn(logits, {.seed = 7, .draw = rule}),
                other = RunOn(logits, {.seed = 8, .draw = rule});
    size_t differ = 0;
    for (uint64_t position = 0; position < 200; ++position) {
      EXPECT_EQ(DrawAt(trace, position).row.id, DrawAt(again, position).row.id);
      differ += size_t{DrawAt(trace, position).row.id != DrawAt(other, position).row.id};
    }
    EXPECT_GT(differ, 100u);
  }
}

// [D8] u walks down the cumulative sum in rank order; what was cut can never be drawn.
TEST(Draw, WalksTheRankOrder) {
  const std::vector<float> logits = {std::log(0.2f), std::log(0.5f), std::log(0.3f)};
  const Trace trace = RunOn(logits, {});
  EXPECT_EQ(TokenAt(trace, 0).id, 1);
  EXPECT_EQ(TokenAt(trace, 0.4999).id, 1);
  EXPECT_EQ(TokenAt(trace, 0.5001).id, 2);
  EXPECT_EQ(TokenAt(trace, 0.7999).id, 2);
  EXPECT_EQ(TokenAt(trace, 0.8001).id, 0);
  EXPECT_EQ(TokenAt(trace, 1 - 0x1p-53).id, 0);
  EXPECT_EQ(TokenAt(RunOn(logits, {.stages = {TopK{.k = 2}}}), 1 - 0x1p-53).id, 2);
}

// [D42] std::mt19937(seed) and its uniform_real_distribution, one draw a position; by id where no stage sorted.
TEST(Draw, LlamaCppIsTheStandardLibrarysTwister) {
  const std::vector<float> logits = {std::log(0.2f), std::log(0.5f), std::log(0.3f)};
  const Trace by_id = RunOn(logits, {.seed = 1234, .draw = DrawRule::kLlamaCpp});
  std::mt19937 random(1234);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (uint64_t position = 0; position < 300; ++position) {
    const double u = uniform(random);
    const DrawnToken drawn = DrawAt(by_id, position);
    EXPECT_EQ(drawn.u, u);
    EXPECT_EQ(drawn.row.id, u < 0.2 ? 0 : u < 0.7 ? 1 : 2) << u;
  }
}

// Frequencies of 20,000 draws against the probabilities: chi-squared with 9 degrees of freedom stays under its 1 - 1e-6
// quantile, 46.0, for each rule and several seeds. The seeds are fixed, so this cannot fail by chance. Mutation: draw from
// raw instead of final, or (in the race) leave out the logarithm -> red.
TEST(Draw, FrequenciesFollowTheProbabilities) {
  const std::vector<float> logits = reference::HardLogits(10)[0].x;
  for (const DrawRule rule : {DrawRule::kInverseCdf, DrawRule::kExponentialRace, DrawRule::kLlamaCpp}) {
    for (const uint64_t seed : {1u, 42u, 12345u}) {
      const Trace trace = RunOn(logits, {.stages = {Temperature{3}}, .seed = seed, .draw = rule});
      std::vector<double> count(10);
      // llama.cpp's rule starts its twister anew for every position: fewer of them.
      const uint64_t n_draws = rule == DrawRule::kLlamaCpp ? 2000 : 20000;
      for (uint64_t i = 0; i < n_draws; ++i) ++count[static_cast<size_t>(DrawAt(trace, i).row.id)];
      const double n = std::accumulate(count.begin(), count.end(), 0.0);
      double chi2 = 0;
      for (size_t rank = 1; rank <= 10; ++rank) {
        const TokenRow row = trace.Row(rank);
        const double expected = n * row.prob;
        chi2 += std::pow(count[static_cast<size_t>(row.id)] - expected, 2) / expected;
      }
      EXPECT_LT(chi2, 46.0) << "seed " << seed;
    }
  }
}

// The same bits on every SIMD target: trace, figures and draw.
TEST(Draw, TheSameOnEverySimdTarget) {
  for (const auto& [name, x] : reference::AllShapes(5000)) {
    const std::vector<TokenId> history = {1, 2, 3, 2, 1, 4000};
    const Chain chain{.stages = {RepetitionPenalty{1.2, {}}, TopK{.k = 3000}, TypicalP{.p = 0.99}, TopP{.p = 0.97}, MinP{.p = 0.001}, Temperature{0.7}}};
    std::vector<std::vector<double>> all;
    ForEachSimdTarget([&] {
      const auto trace = Trace::Run(x, Step::After(history), chain);
      ASSERT_TRUE(trace.ok());
      std::vector<double> figures = {static_cast<double>(DrawId(*trace)), trace->raw().sums().Entropy(), trace->final().sums().Varentropy()};
      for (size_t i = 0; i < trace->stages().size(); ++i) {
        const StageRecord& record = trace->stages()[i];
        figures.insert(figures.end(), {static_cast<double>(record.n_out), std::isnan(record.threshold) ? -1 : record.threshold, trace->MassOut(i)});
      }
      for (size_t rank = 1; rank <= 300; ++rank) figures.push_back(trace->Row(rank).prob), figures.push_back(trace->Row(rank).id);
      all.push_back(std::move(figures));
    });
    for (const auto& figures : all) EXPECT_EQ(figures, all.front()) << name;
  }
}

// [D34], [D35] mu' = mu - eta (surprise - tau), surprise of the drawn token among those left, in bits.
TEST(Advance, Mirostat) {
  const std::vector<float> logits = {std::log(0.5f), std::log(0.25f), std::log(0.25f)};
  const Chain chain{.stages = {Mirostat2{.tau = 1.2, .eta = 0.5}}};
  const Trace trace = RunOn(logits, chain);
  EXPECT_EQ(trace.n_kept(), 3u);  // mu = 2.4: surprises 1, 2, 2
  const Chain next = Advance(trace, 1);
  EXPECT_NEAR(std::get<Mirostat2>(next.stages[0]).mu, 2.4 - 0.5 * (2 - 1.2), 1e-6);
  const Trace after = RunOn(logits, {.stages = {Mirostat2{.tau = 1.2, .eta = 0.5, .mu = 1.99}}});
  EXPECT_EQ(after.n_kept(), 1u);
  EXPECT_NEAR(std::get<Mirostat2>(Advance(after, 0).stages[0]).mu, 1.99 + 0.5 * 1.2, 1e-6);  // the only token: no surprise
}

// [D36] Its memory: probabilities of what was drawn, fading by `decay`.
TEST(Advance, AdaptiveP) {
  const std::vector<float> logits = {std::log(0.5f), std::log(0.25f), std::log(0.25f)};
  Chain chain{.stages = {AdaptiveP{.target = 0.4, .decay = 0.5}}};
  chain = Advance(RunOn(logits, chain), 1);
  EXPECT_NEAR(std::get<AdaptiveP>(chain.stages[0]).weighted_sum, 0.25, 1e-6);
  EXPECT_NEAR(std::get<AdaptiveP>(chain.stages[0]).total_weight, 1, 1e-12);
  chain = Advance(RunOn(logits, chain), 0);
  EXPECT_NEAR(std::get<AdaptiveP>(chain.stages[0]).weighted_sum, 0.5 + 0.5 * 0.25, 1e-6);
  EXPECT_NEAR(std::get<AdaptiveP>(chain.stages[0]).total_weight, 1.5, 1e-12);
  EXPECT_NEAR(RunOn(logits, chain).stages()[0].threshold, 2 * 0.4 - 0.625 / 1.5, 1e-6);
}

}  // namespace
}  // namespace lp
