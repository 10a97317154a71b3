// Numbers from the ends of float32 and of double, in logits and in settings: no NaN, no token lost but by a ban, no
// abort.
#include <gtest/gtest.h>

#include <cmath>

#include "sampling/draw.h"
#include "sampling/trace.h"

namespace lp {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity(), kMost = std::numeric_limits<float>::max();

Trace RunOn(const std::vector<float>& logits, std::vector<Stage> stages, const std::vector<TokenId>& history = {}) {
  auto trace = Trace::Run(logits, Step::After(history), {.stages = std::move(stages)});
  LP_CHECK(trace.ok());
  return std::move(trace).value();
}

std::vector<double> Probabilities(const Trace& trace) {
  std::vector<double> p;
  for (size_t i = 0; i < trace.n_vocab(); ++i) p.push_back(trace.final().Probability(static_cast<TokenId>(i)));
  return p;
}

// Mutation: static_cast<float> for ToFloat32 -> T = 0 or infinity, NaN, and with a masked token a crash.
TEST(Extremes, TemperaturesOutsideFloat32) {
  EXPECT_EQ(Probabilities(RunOn({1, 2, 3, -kInf}, {Temperature{1e-50}})), (std::vector<double>{0, 0, 1, 0}));
  EXPECT_EQ(Probabilities(RunOn({1, 2, -kInf}, {Temperature{1e39}})), (std::vector<double>{0.5, 0.5, 0}));
  EXPECT_EQ(Probabilities(RunOn({1, 2, -kInf}, {DynamicTemperature{1e-50, 1e-49, 1}})), (std::vector<double>{0, 1, 0}));
}

// [D4] A temperature cuts no token: some frameworks mask with -3.4e38, and half of T doubles that. In both forms of a
// state.
TEST(Extremes, TemperatureLosesNoToken) {
  std::vector<float> logits(3000, -kMost);
  logits[7] = 1;
  EXPECT_EQ(RunOn(logits, {Temperature{0.5}}).n_kept(), 3000u);
  EXPECT_EQ(RunOn(logits, {TopK{.k = 50}, Temperature{0.5}}).n_kept(), 50u);
  EXPECT_EQ(RunOn({kMost, -kMost, 0}, {LogSoftmax{}}).n_kept(), 3u);
}

// What overflows stays at the end of float32; only -inf bans.
TEST(Extremes, PenaltiesThatOverflowDoNotBan) {
  const std::vector<TokenId> seen = {0, 0, 0};
  const std::vector<Stage> stages = {PresencePenalty{1e39, {}}, FrequencyPenalty{3e38, {}},
                                     LogitBias{{{0, -3e38f}, {0, -3e38f}}}, Dry{1e30, 1e20, 0, {}, {}}};
  for (const Stage& stage : stages) {
    const Trace trace = RunOn({0, 1, 2}, {stage}, seen);
    EXPECT_EQ(trace.n_kept(), 3u) << StageName(stage);
    EXPECT_LT(trace.final().Value(0), -1e38f) << StageName(stage);
  }
  EXPECT_EQ(RunOn({0, 1, 2}, {LogitBias{{{0, -kInf}, {0, 5.0f}}}}).n_kept(), 2u);
  EXPECT_EQ(RunOn({0, 1, 2}, {RepetitionPenalty{1e39, {}}}, seen).final().Value(0), 0);  // 0 times infinity is NaN
}

TEST(Extremes, ThresholdsOfNothing) {
  EXPECT_EQ(RunOn({1, 2, 3, -kInf, -kInf}, {Xtc{1, 0}}).n_kept(), 1u) << "masked tokens are not above 0";
  EXPECT_EQ(RunOn({1, 2, -kInf}, {MinP{5e-324, true}}).n_kept(), 2u);
  EXPECT_EQ(RunOn({1, 2, -kInf}, {EpsilonCutoff{5e-324}}).n_kept(), 2u);
  EXPECT_EQ(RunOn({1, 1, 1}, {TopP{5e-324}}).n_kept(), 1u);
  EXPECT_EQ(RunOn({1, 2, 3}, {MinP{0.9, false, std::numeric_limits<int64_t>::max()}}).n_kept(), 3u);
}

// Squares of 3e38 leave float32, and the logarithm of three equals beside it leaves double.
TEST(Extremes, LogitsAtTheEndsOfFloat32) {
  EXPECT_EQ(RunOn({3e38f, -3e38f, 0}, {TopNSigma{1}}).n_kept(), 1u);
  const Trace equals = RunOn({kMost, kMost, kMost, -kMost}, {TopK{.k = 2}});
  EXPECT_NEAR(equals.raw().sums().Entropy(), std::log(3.0), 1e-6);
  EXPECT_NEAR(equals.MassOut(0), 2.0 / 3, 1e-6);
  EXPECT_EQ(RunOn({kMost, kMost, -kMost}, {TypicalP{.p = 0.9}}).n_kept(), 2u);
}

// [D13] A dynamic temperature that comes to 0 is the greedy choice, a cut.
TEST(Extremes, DynamicTemperatureOfZeroIsGreedy) {
  const Trace trace = RunOn({0, 1, 2}, {DynamicTemperature{0, 0, 1}});
  EXPECT_EQ(trace.n_kept(), 1u);
  EXPECT_EQ(trace.Shaped().n(), 3u);
  EXPECT_EQ(trace.stages()[0].threshold, 0);
}

// One pass, not one for every rank before it. Mutation: look for the rank by asking for each -> minutes.
TEST(Extremes, RankOfABannedToken) {
  std::vector<float> logits(150'000);
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = -static_cast<float>(i * 7919 % logits.size()) / 1000;
  const Trace trace = RunOn(logits, {BannedTokens{{5, 6}}});
  EXPECT_EQ(trace.RowOf(5).rank, 149'999u);
  EXPECT_EQ(trace.RowOf(6).rank, 150'000u);
  EXPECT_EQ(trace.Row(149'999).id, 5);
}

}  // namespace
}  // namespace lp
