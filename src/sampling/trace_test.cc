#include "sampling/trace.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "support/reference_distribution.h"

namespace lp {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

std::vector<float> LogOf(std::vector<double> p) {
  std::vector<float> x;
  for (const double v : p) x.push_back(static_cast<float>(std::log(v)));
  return x;
}

// The pipeline again, as the definitions read: double, full sort, no sharing with the code under test.
struct Reference {
  std::vector<double> shaped, final;  // by id
  std::vector<std::string> cut_by;    // by id, "" = kept
};

Reference RunReference(std::span<const float> logits, std::span<const TokenId> context, const SamplerSettings& s) {
  const size_t n_vocab = logits.size();
  std::vector<double> x(logits.begin(), logits.end());
  const size_t window = s.repeat_last_n < 0 ? context.size() : std::min(context.size(), static_cast<size_t>(s.repeat_last_n));
  std::set<TokenId> seen(context.end() - static_cast<std::ptrdiff_t>(window), context.end());
  for (const TokenId id : seen) {
    double& v = x[static_cast<size_t>(id)];
    v = v > 0 ? v / s.repetition_penalty : v * s.repetition_penalty;
  }
  std::vector<size_t> order(n_vocab);
  for (size_t i = 0; i < n_vocab; ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return x[a] > x[b]; });
  Reference r{std::vector<double>(n_vocab), std::vector<double>(n_vocab), std::vector<std::string>(n_vocab)};
  const double max = x[order[0]];
  double sum = 0;
  for (const size_t i : order) {
    r.shaped[i] = s.temperature > 0 ? std::exp((x[i] - max) / s.temperature) : (i == order[0] ? 1 : 0);
    sum += r.shaped[i];
    if (x[i] == -static_cast<double>(kInf)) {
      r.cut_by[i] = "mask";
    } else if (s.temperature == 0 && i != order[0]) {
      r.cut_by[i] = "temperature";
    }
  }
  for (double& p : r.shaped) p /= sum;
  size_t rank = 0;
  double mass = 0;
  for (const size_t i : order) {
    if (++rank > static_cast<size_t>(s.top_k) && s.top_k > 0 && r.cut_by[i].empty()) r.cut_by[i] = "top_k";
    if (r.cut_by[i].empty()) mass += r.shaped[i];
  }
  double before = 0, kept = 0;
  for (const size_t i : order) {
    if (!r.cut_by[i].empty()) continue;
    if (before >= s.top_p) {
      r.cut_by[i] = "top_p";
    } else {
      kept += r.shaped[i];
    }
    before += s.top_p < 1 ? r.shaped[i] / mass : 0;
  }
  for (size_t i = 0; i < n_vocab; ++i) r.final[i] = r.cut_by[i].empty() ? r.shaped[i] / kept : 0;
  return r;
}

std::string CutName(const Trace& trace, const TokenRow& row) {
  if (!row.cut_by) return "";
  return *row.cut_by == TokenRow::kMasked ? "mask" : std::string(StageName(trace.stages()[*row.cut_by].kind));
}

// Mutations, each red: `x > 0` -> `x < 0` in the penalty; `before < p` -> `before <= p` is caught by TopPBoundary; drop the unique() -> red;
// divide by T before the penalty -> red.
RC_GTEST_PROP(Trace, EqualsTheReference, ()) {
  const auto n_vocab = *rc::gen::inRange<size_t>(1, 400);
  std::vector<float> logits = *rc::gen::container<std::vector<float>>(
      n_vocab, rc::gen::map(rc::gen::inRange(-900, 900), [](int v) { return v < -850 ? -kInf : static_cast<float>(v) / 64; }));
  logits[*rc::gen::inRange<size_t>(0, n_vocab)] = 2;
  const auto context = *rc::gen::container<std::vector<TokenId>>(rc::gen::inRange<TokenId>(0, static_cast<TokenId>(n_vocab)));
  const SamplerSettings s{
      .repetition_penalty = *rc::gen::elementOf(std::vector<double>{1, 1.1, 1.3, 2, 0.8}),
      .repeat_last_n = *rc::gen::elementOf(std::vector<int64_t>{-1, 0, 1, 3, 64}),
      .temperature = *rc::gen::elementOf(std::vector<double>{0, 0.01, 0.5, 0.8, 1, 1.7, 10, 1000}),
      .top_k = *rc::gen::elementOf(std::vector<int64_t>{0, 1, 2, 5, 40, 1000}),
      .top_p = *rc::gen::elementOf(std::vector<double>{0.013, 0.313, 0.7531, 0.9517, 1}),
  };
  const Reference expected = RunReference(logits, context, s);
  const auto trace = Trace::Run(logits, context, s);
  RC_ASSERT(trace.ok());
  double total = 0;
  size_t kept = 0;
  for (size_t rank = 1; rank <= n_vocab; ++rank) {
    const TokenRow row = trace->Row(rank);
    const auto i = static_cast<size_t>(row.id);
    const std::string cut = CutName(*trace, row);
    RC_ASSERT(cut == expected.cut_by[i]);
    RC_ASSERT(std::abs(row.prob - expected.final[i]) <= 1e-6 + 3e-5 * expected.final[i]);  // (x - m) / T is rounded to float
    RC_ASSERT(trace->RankOf(row.id) == rank);
    const auto last = trace->After(trace->stages().size() - 1, row);
    RC_ASSERT(last.has_value() == cut.empty());
    if (last) RC_ASSERT(std::abs(last->prob - row.prob) < 1e-12);
    total += row.prob;
    kept += size_t{cut.empty()};
  }
  RC_ASSERT(std::abs(total - 1) < 1e-6);
  RC_ASSERT(kept == trace->n_kept());
}

// A stage's figures describe the distribution that its tokens have after it.
RC_GTEST_PROP(Trace, StageRecordsAgreeWithTheTokens, ()) {
  const auto logits = *rc::gen::container<std::vector<float>>(
      200, rc::gen::map(rc::gen::inRange(-640, 640), [](int v) { return static_cast<float>(v) / 64; }));
  const SamplerSettings s{.repetition_penalty = 1.2, .temperature = 0.7, .top_k = *rc::gen::inRange(1, 100), .top_p = 0.9};
  const auto trace = Trace::Run(logits, std::vector<TokenId>{3, 5, 5, 7}, s);
  RC_ASSERT(trace.ok());
  size_t entered = logits.size();
  for (size_t stage = 0; stage < trace->stages().size(); ++stage) {
    const StageRecord& record = trace->stages()[stage];
    RC_ASSERT(record.n_in == entered);
    std::vector<double> alive;
    double mass_before = 0;
    for (size_t rank = 1; rank <= logits.size(); ++rank) {
      if (const auto value = trace->After(stage, trace->Row(rank))) {
        alive.push_back(value->prob);
        if (stage >= 2) mass_before += trace->After(stage - 1, trace->Row(rank))->prob;
      }
    }
    RC_ASSERT(alive.size() == record.n_out);
    RC_ASSERT(std::abs(reference::Entropy(alive) - record.entropy) < 2e-6);
    if (stage >= 2) RC_ASSERT(std::abs(mass_before - record.mass_out) < 1e-6);
    entered = record.n_out;
  }
}

TEST(Trace, NeutralSettingsChangeNothing) {
  for (const auto& [name, x] : reference::HardLogits(1000)) {
    SCOPED_TRACE(name);
    const auto trace = Trace::Run(x, std::vector<TokenId>{1, 2, 3}, {});
    ASSERT_TRUE(trace.ok());
    for (const StageRecord& stage : trace->stages()) EXPECT_FALSE(stage.active);
    for (size_t rank = 1; rank <= trace->n_finite(); ++rank) {
      const TokenRow row = trace->Row(rank);
      EXPECT_EQ(row.prob, row.prob_raw);
      EXPECT_FALSE(row.cut_by);
    }
  }
}

// [D7] a token stays iff the mass before it is below p. Probabilities are powers of two, so every sum is exact.
TEST(Trace, TopPBoundary) {
  const std::vector<float> logits = LogOf({0.5, 0.25, 0.125, 0.125});
  const auto kept = [&](double p) { return Trace::Run(logits, {}, {.top_p = p})->n_kept(); };
  EXPECT_EQ(kept(0.4999), 1u);
  EXPECT_EQ(kept(0.5001), 2u);
  EXPECT_EQ(kept(0.7499), 2u);
  EXPECT_EQ(kept(0.7501), 3u);
  EXPECT_EQ(kept(1e-12), 1u);
}

// [D6] exactly k, ties by lower id: logits [2, 1, 1, 1, 0], k = 2 keeps tokens 0 and 1.
TEST(Trace, TopKBreaksTiesByLowerId) {
  const std::vector<float> logits = {2, 1, 1, 1, 0};
  const auto trace = Trace::Run(logits, {}, {.top_k = 2});
  ASSERT_EQ(trace->n_kept(), 2u);
  EXPECT_EQ(trace->Kept()[1], 1);
  EXPECT_NEAR(trace->Row(1).prob, 0.7311, 5e-5);
  EXPECT_EQ(trace->stages()[2].threshold, 1.0);
}

// Worked figures: the 25 logits of "The cat sat on the" (lmviz): P(mat) and entropy in bits at T = 1, 0.5 and 2.
TEST(Trace, TemperatureWorkedFigures) {
  const std::vector<float> logits = {13.8f, 11.2f, 10.1f, 9.8f, 9.5f, 9.2f, 8.9f, 8.1f, 7.6f, 7.3f, 7.0f, 6.8f, 6.5f,
                                     6.2f,  6.0f,  5.6f,  5.3f, 5.0f, 4.7f, 4.4f, 4.0f, 3.7f, 3.4f, 3.4f, 3.4f};
  const struct {
    double t, p, bits;
  } kCases[] = {{1, 0.8622, 0.9295}, {0.5, 0.9932, 0.066}, {2, 0.4474, 3.061}};
  for (const auto& c : kCases) {
    const auto trace = Trace::Run(logits, {}, {.temperature = c.t});
    EXPECT_NEAR(trace->Row(1).prob, c.p, 5e-5) << c.t;
    EXPECT_NEAR(trace->stages().back().entropy / std::log(2.0), c.bits, 5e-4) << c.t;
  }
}

// [D3] worked figures: logits [2, 1, .5] + c, penalty 1.3 on token 0: the result depends on the offset c.
TEST(Trace, RepetitionPenaltyIsNotShiftInvariant) {
  const struct {
    float c;
    double p;
  } kCases[] = {{0, 0.5161}, {-3, 0.5562}, {10, 0.0959}};
  for (const auto& [c, p] : kCases) {
    const std::vector<float> logits = {2 + c, 1 + c, 0.5f + c};
    const auto trace = Trace::Run(logits, std::vector<TokenId>{0, 0}, {.repetition_penalty = 1.3});
    EXPECT_NEAR(trace->Row(trace->RankOf(0)).prob, p, 5e-5) << c;
    EXPECT_NEAR(trace->RawProbability(0), 0.6285, 5e-5) << c;
  }
}

// T -> 0 is the greedy choice, T -> infinity uniform; a tiny T must not overflow.
TEST(Trace, TemperatureLimits) {
  const std::vector<float> logits = {-150, -149, -151, -149};
  const auto tiny = Trace::Run(logits, {}, {.temperature = 1e-30});
  EXPECT_NEAR(tiny->Row(1).prob, 0.5, 1e-7);  // two equal maxima share
  const auto zero = Trace::Run(logits, {}, {.temperature = 0});
  EXPECT_EQ(zero->Row(1).id, 1);  // [D5] the lower id
  EXPECT_EQ(zero->Row(1).prob, 1);
  EXPECT_EQ(CutName(*zero, zero->Row(2)), "temperature");
  const auto hot = Trace::Run(logits, {}, {.temperature = 1e9});
  EXPECT_NEAR(hot->Row(4).prob, 0.25, 1e-6);
}

TEST(Trace, RefusesWhatIsNoDistribution) {
  const auto where = [](std::vector<float> x) { return Trace::Run(x, {}, {}).error(); };
  EXPECT_NE(where({1, std::nanf(""), kInf}).message.find("token 1 is NaN"), std::string::npos);
  EXPECT_NE(where({1, 2, kInf}).message.find("token 2 is +inf"), std::string::npos);
  EXPECT_NE(where({-kInf, -kInf}).message.find("every logit"), std::string::npos);
  EXPECT_NE(where({}).message.find("no logits"), std::string::npos);
}

TEST(Settings, OutOfRangeNamesTheField) {
  const struct {
    SamplerSettings s;
    const char* field;
  } kCases[] = {{{.repetition_penalty = 0}, "repetition_penalty"}, {{.repetition_penalty = std::nan("")}, "repetition_penalty"},
                {{.repeat_last_n = -2}, "repeat_last_n"},          {{.temperature = -0.1}, "temperature"},
                {{.temperature = std::nan("")}, "temperature"},    {{.temperature = INFINITY}, "temperature"},
                {{.top_k = -1}, "top_k"},                          {{.top_p = 0}, "top_p"},
                {{.top_p = 2}, "top_p"},                           {{.top_p = std::nan("")}, "top_p"}};
  for (const auto& c : kCases) {
    const Status status = Validate(c.s);
    ASSERT_FALSE(status.ok()) << c.field;
    EXPECT_EQ(status.error().where, c.field);
  }
  EXPECT_TRUE(Validate({}).ok());
}

}  // namespace
}  // namespace lp
