#include "sampling/trace.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/reference_distribution.h"

namespace lp {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

std::vector<float> LogOf(std::vector<double> p) {
  std::vector<float> x;
  for (const double v : p) x.push_back(static_cast<float>(std::log(v)));
  return x;
}

Chain Stages(std::vector<Stage> stages) { return {.stages = std::move(stages)}; }

Trace RunOn(const std::vector<float>& logits, std::vector<Stage> stages, const std::vector<TokenId>& history = {}) {
  auto trace = Trace::Run(logits, Step::After(history), Stages(std::move(stages)));
  LP_CHECK(trace.ok());
  return std::move(trace).value();
}

std::string CutName(const Trace& trace, const TokenRow& row) {
  if (!row.cut_by) return "";
  return *row.cut_by == TokenRow::kMasked ? "mask" : std::string(StageName(trace.chain().stages[*row.cut_by]));
}

TEST(Trace, StagesThatAreOffChangeNothing) {
  const std::vector<Stage> off = {RepetitionPenalty{},
                                  PresencePenalty{},
                                  FrequencyPenalty{},
                                  Dry{},
                                  NoRepeatNgram{},
                                  LogitBias{},
                                  Temperature{},
                                  TopK{},
                                  TopP{},
                                  MinP{},
                                  TypicalP{},
                                  TopNSigma{},
                                  EpsilonCutoff{},
                                  EtaCutoff{},
                                  TopA{},
                                  TopH{},
                                  TailFree{},
                                  Xtc{},
                                  AdaptiveP{}};
  for (const auto& [name, x] : reference::HardLogits(1000)) {
    SCOPED_TRACE(name);
    const Trace trace = RunOn(x, off, {1, 2, 3});
    EXPECT_EQ(&trace.raw(), &trace.final());
    for (const StageRecord& stage : trace.stages()) EXPECT_FALSE(stage.active);
    for (size_t rank = 1; rank <= trace.n_finite(); ++rank) {
      const TokenRow row = trace.Row(rank);
      EXPECT_EQ(row.prob, row.prob_raw);
      EXPECT_FALSE(row.cut_by);
    }
  }
}

// [D7] the three rules, with probabilities whose sums are exact. Figures: facts 6 of docs/dialects.md.
TEST(Trace, TopPRules) {
  const auto kept = [](std::vector<double> p, double top_p, MassRule rule) {
    return RunOn(LogOf(std::move(p)), {TopP{.p = top_p, .rule = rule}}).n_kept();
  };
  const std::vector<double> quarter = {0.5, 0.25, 0.125, 0.125};
  EXPECT_EQ(kept(quarter, 0.4999, MassRule::kBeforeLess), 1u);
  EXPECT_EQ(kept(quarter, 0.5001, MassRule::kBeforeLess), 2u);
  EXPECT_EQ(kept(quarter, 0.7499, MassRule::kBeforeLess), 2u);
  EXPECT_EQ(kept(quarter, 0.7501, MassRule::kBeforeLess), 3u);
  EXPECT_EQ(kept(quarter, 1e-12, MassRule::kBeforeLess), 1u);
  EXPECT_EQ(kept({0.5, 0.3, 0.2}, 0.75, MassRule::kBeforeLess), 2u);
  EXPECT_EQ(kept({0.5, 0.3, 0.2}, 0.75, MassRule::kBeforeLessOrEqual), 2u);
  EXPECT_EQ(kept({0.5, 0.3, 0.2}, 0.75, MassRule::kThroughLessOrEqual), 1u);
  EXPECT_EQ(kept({0.6, 0.3, 0.1}, 0.8, MassRule::kThroughLessOrEqual), 1u);
  EXPECT_EQ(kept({0.5, 0.25, 0.15, 0.1}, 0.4, MassRule::kThroughLessOrEqual), 1u) << "the first is always kept";
}

// [D7] How engines add up float32 probabilities, where it decides. Figures: facts 7 of docs/dialects.md, in the order
// llama.cpp, transformers, vLLM, MLX. Mutation: 1 - p in float32 for transformers, too -> red.
TEST(Trace, TopPFloat32Sums) {
  const auto kept = [](const std::vector<double>& p, double top_p) {
    std::vector<size_t> n;
    for (const MassArithmetic arithmetic :
         {MassArithmetic::kFloat32Descending, MassArithmetic::kFloat32Ascending,
          MassArithmetic::kFloat32AscendingFloat32P, MassArithmetic::kFloat32DescendingBefore}) {
      n.push_back(RunOn(LogOf(p), {TopP{.p = top_p, .arithmetic = arithmetic}}).n_kept());
    }
    return n;
  };
  const std::vector<double> tenths(10, 0.1);
  EXPECT_EQ(kept(tenths, 0.3), (std::vector<size_t>{3, 4, 4, 3}));
  EXPECT_EQ(kept(tenths, 0.8), (std::vector<size_t>{8, 8, 9, 8}));
  EXPECT_EQ(kept(tenths, 0.9), (std::vector<size_t>{9, 9, 9, 9}));
}

// A decision that rounding could turn is flagged; one that it could not is not.
TEST(Trace, BoundaryFlags) {
  const auto flag = [](std::vector<float> x, Stage stage) { return RunOn(x, {std::move(stage)}).stages()[0].boundary; };
  EXPECT_TRUE(flag(LogOf({0.5, 0.3, 0.2}), TopP{.p = 0.8}));
  EXPECT_FALSE(flag(LogOf({0.5, 0.3, 0.2}), TopP{.p = 0.79}));
  EXPECT_TRUE(flag({2, 1, 1, 1, 0}, TopK{.k = 2}));
  EXPECT_FALSE(flag({2, 1, 0.5f, 0}, TopK{.k = 2}));
  EXPECT_TRUE(flag(LogOf({0.8, 0.16, 0.04}), MinP{.p = 0.05}));
  EXPECT_FALSE(flag(LogOf({0.8, 0.16, 0.04}), MinP{.p = 0.06}));
  EXPECT_TRUE(flag({3, 3, 1}, Greedy{}));
  // What stays whatever a sum says is no decision: the first token, the first min_keep, all of them.
  EXPECT_FALSE(flag({2, 1, 0}, TopP{.p = 1e-9}));
  EXPECT_FALSE(flag({2, 1, 0}, TypicalP{.p = 1e-9}));
  EXPECT_FALSE(flag({2, 1, 0}, MinP{.p = 1}));
  EXPECT_FALSE(flag({2, 1, 0}, EpsilonCutoff{.epsilon = 1}));
  EXPECT_FALSE(flag({2, 1, 0}, Mirostat1{.tau = 20}));
}

// [D6] exactly k, ties by lower id; or all ties.
TEST(Trace, TopKTies) {
  const std::vector<float> logits = {2, 1, 1, 1, 0};
  const Trace lower = RunOn(logits, {TopK{.k = 2}}), all = RunOn(logits, {TopK{.k = 2, .ties = Ties::kKeepAll}});
  ASSERT_EQ(lower.n_kept(), 2u);
  EXPECT_EQ(lower.Row(2).id, 1);
  EXPECT_NEAR(lower.Row(1).prob, 0.7311, 5e-5);
  EXPECT_EQ(lower.stages()[0].threshold, 1.0);
  EXPECT_EQ(lower.Row(3).margin, 0) << "it missed by nothing but its id";
  EXPECT_EQ(all.n_kept(), 4u);
  EXPECT_NEAR(all.Row(1).prob, 0.4754, 5e-5);
}

// Worked figures: the 25 logits of "The cat sat on the" (lmviz): P(mat) and entropy in bits at T = 1, 0.5 and 2.
TEST(Trace, TemperatureWorkedFigures) {
  const std::vector<float> logits = {13.8f, 11.2f, 10.1f, 9.8f, 9.5f, 9.2f, 8.9f, 8.1f, 7.6f, 7.3f, 7.0f, 6.8f, 6.5f,
                                     6.2f,  6.0f,  5.6f,  5.3f, 5.0f, 4.7f, 4.4f, 4.0f, 3.7f, 3.4f, 3.4f, 3.4f};
  const struct { double t, p, bits; } kCases[] = {{1, 0.8622, 0.9295}, {0.5, 0.9932, 0.066}, {2, 0.4474, 3.061}};
  for (const auto& c : kCases) {
    const Trace trace = RunOn(logits, {Temperature{c.t}});
    EXPECT_NEAR(trace.Row(1).prob, c.p, 5e-5) << c.t;
    EXPECT_NEAR(trace.final().sums().Entropy() / std::log(2.0), c.bits, 5e-4) << c.t;
  }
}

// [D3] worked figures: logits [2, 1, .5] + c, penalty 1.3 on token 0: the result depends on the offset c ...
TEST(Trace, RepetitionPenaltyIsNotShiftInvariant) {
  const struct {
    float c;
    double p;
  } kCases[] = {{0, 0.5161}, {-3, 0.5562}, {10, 0.0959}};
  for (const auto& [c, p] : kCases) {
    const std::vector<float> logits = {2 + c, 1 + c, 0.5f + c};
    const Trace trace = RunOn(logits, {RepetitionPenalty{1.3, {}}}, {0, 0});
    EXPECT_NEAR(trace.RowOf(0).prob, p, 5e-5) << c;
    EXPECT_NEAR(trace.RowOf(0).prob_raw, 0.6285, 5e-5) << c;
    // ... which log_softmax before it takes away.
    const Trace normalised = RunOn(logits, {LogSoftmax{}, RepetitionPenalty{1.3, {}}}, {0, 0});
    const Trace shifted = RunOn({2, 1, 0.5f}, {LogSoftmax{}, RepetitionPenalty{1.3, {}}}, {0, 0});
    EXPECT_NEAR(normalised.RowOf(0).prob, shifted.RowOf(0).prob, 1e-6);
  }
}

// T -> 0 is the greedy choice, T -> infinity uniform; a tiny T must not overflow.
TEST(Trace, TemperatureLimits) {
  const std::vector<float> logits = {-150, -149, -151, -149};
  EXPECT_NEAR(RunOn(logits, {Temperature{1e-30}}).Row(1).prob, 0.5, 1e-7);  // two equal maxima share
  const Trace zero = RunOn(logits, {Temperature{0}});
  EXPECT_EQ(zero.Row(1).id, 1);  // [D5] the lower id
  EXPECT_EQ(zero.Row(1).prob, 1);
  EXPECT_EQ(CutName(zero, zero.Row(2)), "temperature");
  EXPECT_NEAR(RunOn(logits, {Temperature{1e9}}).Row(4).prob, 0.25, 1e-6);
}

// The margin is the distance to what the stage kept, in the logits it saw.
TEST(Trace, MarginsAreInTheLogitsOfTheStage) {
  const Trace trace = RunOn({4, 3, 2, 1}, {Temperature{0.5}, TopK{.k = 2}});
  EXPECT_EQ(trace.Row(3).margin, 2);  // 6 - 4
  EXPECT_EQ(trace.Row(4).margin, 4);
  const Trace min_p = RunOn({4, 3, 2, 1}, {MinP{.p = std::exp(-1.5)}});
  EXPECT_NEAR(min_p.Row(3).margin, 0.5, 1e-12);
  EXPECT_TRUE(std::isnan(RunOn({4, 3}, {BannedTokens{{0}}}).RowOf(0).margin)) << "a ban has no edge";
}

TEST(Trace, RefusesWhatIsNoDistribution) {
  const auto error = [](std::vector<float> x) { return Trace::Run(x, {}, {}).error().message; };
  EXPECT_NE(error({1, std::nanf(""), kInf}).find("token 1 is NaN"), std::string::npos);
  EXPECT_NE(error({1, 2, kInf}).find("token 2 is +inf"), std::string::npos);
  EXPECT_NE(error({-kInf, -kInf}).find("every logit"), std::string::npos);
  EXPECT_NE(error({}).find("no logits"), std::string::npos);
  const std::vector<float> two = {1, 2};
  const std::vector<TokenId> outside = {2};
  EXPECT_NE(Trace::Run(two, Step::After(outside), {}).error().message.find("token 2 is outside the vocabulary"),
            std::string::npos);
  EXPECT_NE(Trace::Run(two, {}, Stages({BannedTokens{{0, 1}}})).error().message.find("forbids every token"),
            std::string::npos);
}

// Each parameter out of its range is one sentence that names it.
TEST(Stages, OutOfRangeNamesTheParameter) {
  const double nan = std::nan("");
  const struct {
    Stage stage;
    const char* where;
  } kCases[] = {{RepetitionPenalty{0, {}}, "repetition_penalty.value"},
                {RepetitionPenalty{nan, {}}, "repetition_penalty.value"},
                {RepetitionPenalty{1.1, {.last_n = -2}}, "repetition_penalty.last_n"},
                {PresencePenalty{nan, {}}, "presence_penalty.value"},
                {FrequencyPenalty{INFINITY, {}}, "frequency_penalty.value"},
                {Temperature{-0.1}, "temperature.value"},
                {Temperature{nan}, "temperature.value"},
                {Temperature{INFINITY}, "temperature.value"},
                {DynamicTemperature{1, 0.5, 1}, "dynamic_temperature.high"},
                {DynamicTemperature{0, 1, 0}, "dynamic_temperature.exponent"},
                {TopK{-1}, "top_k.value"},
                {TopP{2}, "top_p.value"},
                {TopP{nan}, "top_p.value"},
                {MinP{-0.1}, "min_p.value"},
                {TypicalP{1.5}, "typical_p.value"},
                {TopNSigma{nan}, "top_n_sigma.n"},
                {TopNSigma{INFINITY}, "top_n_sigma.n"},
                {EpsilonCutoff{2}, "epsilon_cutoff.value"},
                {EtaCutoff{-1}, "eta_cutoff.value"},
                {TopA{2}, "top_a.value"},
                {TopH{2}, "top_h.value"},
                {TailFree{2}, "tail_free.value"},
                {Xtc{2, 0.1}, "xtc.probability"},
                {Xtc{0.5, -1}, "xtc.threshold"},
                {Dry{-1}, "dry.multiplier"},
                {NoRepeatNgram{-1, {}}, "no_repeat_ngram.n"},
                {Mirostat1{.tau = -1}, "mirostat_1.tau"},
                {Mirostat1{.m = 1}, "mirostat_1.m"},
                {Mirostat2{.tau = nan}, "mirostat_2.tau"},
                {Mirostat1{.eta = -1}, "mirostat_1.eta"},
                {Mirostat1{.mu = nan}, "mirostat_1.mu"},
                {Mirostat2{.eta = nan}, "mirostat_2.eta"},
                {Mirostat2{.mu = INFINITY}, "mirostat_2.mu"},
                {AdaptiveP{.target = 0.5, .decay = 1}, "adaptive_p.decay"},
                {AdaptiveP{.target = 0.5, .weighted_sum = nan}, "adaptive_p.memory"},
                {AdaptiveP{1.5}, "adaptive_p.target"},
                {LogitBias{{{9, 1.0f}}}, "logit_bias.ids"},
                {LogitBias{{{1, kInf}}}, "logit_bias.bias"},
                {BannedTokens{{-1}}, "banned_tokens.ids"},
                {AllowedTokens{{9}}, "allowed_tokens.ids"},
                {BadWords{{{1, 9}}}, "bad_words.ids"},
                {SequenceBias{{{{9}, 1.0f}}}, "sequence_bias.ids"}};
  for (const auto& c : kCases) {
    const Status status = Validate(c.stage, 9);
    ASSERT_FALSE(status.ok()) << c.where;
    EXPECT_EQ(status.error().where, c.where);
    EXPECT_EQ(status.error().message.find('\n'), std::string::npos);
  }
}

}  // namespace
}  // namespace lp
