// Every stage in any order, against tests/support/reference_sampler.h: 100,000 random vectors, chains and histories.
//
// A stage is judged on the state that really entered it, so one decision that rounding turned excuses nothing after it,
// and equal stages make equal chains.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "sampling/draw.h"
#include "sampling/trace.h"
#include "support/random_chains.h"
#include "support/reference_rounding.h"
#include "support/reference_sampler.h"

namespace lp {
namespace {

using reference::kGone;
using reference::Logits;
using testing::RandomCase;

struct Tally {
  size_t cases = 0, cuts = 0, stages = 0, emptied = 0;
  size_t smooth_cuts = 0, smooth_flagged = 0;  // cuts of logits without ties, and how many of them are flagged
  std::map<std::string, size_t> differing;     // flagged decisions that double arithmetic takes otherwise
};

std::string Describe(uint64_t seed, const Chain& chain, size_t stage) {
  std::string text = "case " + std::to_string(seed) + ", stage " + std::to_string(stage) + " of";
  for (const Stage& s : chain.stages) {
    text += " " + std::string(StageName(s)) + "(";
    for (const StageParam& p : StageParams(s)) text += std::string(p.name) + "=" + std::to_string(p.value) + " ";
    text += ")";
  }
  return text;
}

Logits ValuesOf(const State& state) {
  Logits x(state.n_vocab());
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<double>(state.Value(static_cast<TokenId>(i)));
  return x;
}
bool SameTokens(const Logits& x, const Logits& y) {
  return std::equal(x.begin(), x.end(), y.begin(), [](double a, double b) { return (a == kGone) == (b == kGone); });
}
bool Near(double a, double b, double relative, double absolute) {
  return a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= relative * std::abs(b) + absolute;
}

bool IsEdit(const Stage& s) { return s.index() <= 9; }  // the first group of stages.h: they change single logits
bool IsCut(const Stage& s) {
  return s.index() >= 14 || (std::holds_alternative<Temperature>(s) && std::get<Temperature>(s).temperature == 0);
}

// Stages whose logits hang on a sum over the vocabulary.
bool IsRounded(const Stage& s) {
  return std::holds_alternative<LogSoftmax>(s) || std::holds_alternative<DynamicTemperature>(s) ||
         std::holds_alternative<AdaptiveP>(s);
}

// What such a stage came to may differ by what its sum may; given that, logits are as exact as any.
std::optional<Logits> FromItsThreshold(const Stage& stage, const StageRecord& record, Logits before,
                                       std::optional<Logits> expected, reference::Sampler& sampler) {
  if (std::holds_alternative<DynamicTemperature>(stage) && record.active && !record.skipped) {
    return sampler.Apply(Temperature{record.threshold}, before);
  }
  if (std::holds_alternative<LogSoftmax>(stage)) {
    for (double& v : before) v = reference::ToFloat(v - record.threshold);
    return before;
  }
  return expected;
}

bool IsItsThreshold(const Stage& stage, double threshold, double expected, const Logits& before) {
  // Equal best tokens make s = 0, and k a power of 1/0: anything up to 1 means one token.
  if (std::holds_alternative<Mirostat1>(stage) && threshold <= 1 && expected <= 1) return true;
  const auto* s = std::get_if<DynamicTemperature>(&stage);
  if (s == nullptr || std::isnan(expected)) return Near(threshold, expected, 3e-6, 3e-6);
  const auto at = [&](double entropy) {
    const double share =
        std::clamp(entropy / std::log(static_cast<double>(reference::Ranked(before).size())), 0.0, 1.0);
    return s->low + (s->high - s->low) * std::pow(share, s->exponent);
  };
  const double entropy = reference::EntropyOf(before);
  return threshold >= at(entropy - 3e-6) - 1e-12 && threshold <= at(entropy + 3e-6) + 1e-12;
}

// The order of rows: logits after the last stage that edits single ones, no matter what was cut; banned tokens last, by
// the model's logit.
std::vector<TokenId> RowOrder(const Trace& trace, reference::Sampler& sampler) {
  const Logits raw = ValuesOf(trace.raw());
  Logits x = raw, order = raw;
  for (size_t i = 0; i < trace.stages().size(); ++i) {
    const Stage& stage = trace.chain().stages[i];
    const StageRecord& record = trace.stages()[i];
    if (IsCut(stage) || std::holds_alternative<AdaptiveP>(stage) || !record.active) continue;
    const bool dynamic = std::holds_alternative<DynamicTemperature>(stage);
    if (dynamic && (record.skipped || record.threshold == 0)) continue;
    x = sampler.Apply(dynamic ? Stage(Temperature{record.threshold}) : stage, x).value();
    if (IsEdit(stage)) order = x;
  }
  std::vector<TokenId> ids;
  for (const size_t i : reference::Ranked(order)) ids.push_back(static_cast<TokenId>(i));
  std::vector<TokenId> banned;
  for (size_t i = 0; i < raw.size(); ++i) {
    if (order[i] == kGone) banned.push_back(static_cast<TokenId>(i));
  }
  std::stable_sort(banned.begin(), banned.end(),
                   [&](TokenId a, TokenId b) { return raw[static_cast<size_t>(a)] > raw[static_cast<size_t>(b)]; });
  ids.insert(ids.end(), banned.begin(), banned.end());
  return ids;
}

void CheckStage(const Trace& trace, size_t i, const std::optional<Logits>& expected,
                const reference::Sampler::Edges& edges, reference::Sampler& sampler, const std::string& what,
                Tally& tally) {
  const Stage& stage = trace.chain().stages[i];
  const StageRecord& record = trace.stages()[i];
  const Logits before = ValuesOf(trace.Before(i)), after = ValuesOf(trace.After(i));
  ASSERT_TRUE(expected.has_value()) << what;
  ASSERT_EQ(record.n_in, reference::Ranked(before).size()) << what;
  ASSERT_EQ(record.n_out, reference::Ranked(after).size()) << what;
  if (!record.active) {
    ASSERT_EQ(&trace.Before(i), &trace.After(i)) << what;
  }
  const bool same = SameTokens(after, *expected);
  if (!same) {
    ASSERT_TRUE(record.boundary) << what;
    ASSERT_TRUE(reference::IsRounding(stage, before, after, *expected, edges.threshold, sampler))
        << what << ": " << record.n_out << " of " << record.n_in << " tokens left, reference "
        << reference::Ranked(*expected).size();
    ++tally.differing[std::string(StageName(stage))];
  } else {
    const double slack = std::holds_alternative<AdaptiveP>(stage) ? 2e-4 : 0;
    for (size_t id = 0; id < after.size(); ++id)
      ASSERT_TRUE(Near(after[id], (*expected)[id], 0, slack))
          << what << ", token " << id << ": " << after[id] << ", reference " << (*expected)[id];
    ASSERT_TRUE(IsItsThreshold(stage, record.threshold, edges.threshold, before))
        << what << ": threshold " << record.threshold << ", reference " << edges.threshold;
  }
  // Sums and probabilities of what the stage made, and the mass it let through.
  const std::vector<double> p_before = reference::Probabilities(before), p = reference::Probabilities(after);
  double mass = 0;
  std::vector<TokenId> ids(p.size());
  std::iota(ids.begin(), ids.end(), 0);
  const auto journeys = trace.Journeys(ids);
  for (size_t id = 0; id < p.size(); ++id) {
    const auto& value = journeys[id * trace.stages().size() + i];
    ASSERT_EQ(value.has_value(), after[id] != kGone) << what;
    if (!value) continue;
    mass += p_before[id];
    ASSERT_TRUE(Near(value->prob, p[id], 1e-6, 1e-37))
        << what << ", token " << id << ": p = " << value->prob << ", reference " << p[id];
  }
  ASSERT_TRUE(Near(trace.MassOut(i), mass, 3e-6, IsCut(stage) ? 1e-37 : 2e-6))
      << what << ": mass " << trace.MassOut(i) << ", reference " << mass;
  ASSERT_NEAR(trace.After(i).sums().Entropy(), reference::EntropyOf(after), 3e-6) << what;
  // Whom it cut, and by how much they missed.
  for (size_t id = 0; same && id < p.size(); ++id) {
    if (before[id] == kGone || after[id] != kGone || trace.raw().Value(static_cast<TokenId>(id)) == kMasked) continue;
    const TokenRow row = trace.RowOf(static_cast<TokenId>(id));
    ASSERT_EQ(row.cut_by, i) << what << ", token " << id;
    const double margin = before[id] < edges.low                            ? edges.low - before[id]
                          : before[id] > edges.high                         ? before[id] - edges.high
                          : std::isnan(edges.low) && std::isnan(edges.high) ? std::nan("")
                                                                            : 0;
    ASSERT_TRUE(Near(row.margin, margin, 1e-6, 1e-6 * (1 + std::abs(before[id]))))
        << what << ", token " << id << ": margin " << row.margin << ", reference " << margin;
  }
}

void CheckRows(const Trace& trace, reference::Sampler& sampler, const std::string& what) {
  const std::vector<TokenRow> rows = trace.Rows(trace.n_vocab());
  const std::vector<TokenId> order = RowOrder(trace, sampler);
  const Logits raw = ValuesOf(trace.raw());
  const std::vector<double> p_raw = reference::Probabilities(raw),
                            p = reference::Probabilities(ValuesOf(trace.final()));
  const auto& stages = trace.chain().stages;
  const bool exact = std::none_of(stages.begin(), stages.end(), IsRounded);
  for (size_t r = 0; r < rows.size(); ++r) {
    const auto id = static_cast<size_t>(rows[r].id);
    ASSERT_EQ(rows[r].rank, r + 1) << what;
    if (exact) {
      ASSERT_EQ(rows[r].id, order[r]) << what << ", rank " << r + 1;
    }
    if (r % 7 == 0) {
      ASSERT_EQ(trace.RankOf(rows[r].id), r + 1) << what;
    }
    ASSERT_EQ(rows[r].logit, raw[id]) << what;
    ASSERT_TRUE(Near(rows[r].prob_raw, p_raw[id], 1e-6, 1e-37)) << what;
    ASSERT_TRUE(Near(rows[r].prob, p[id], 1e-6, 1e-37)) << what;
    ASSERT_EQ(rows[r].cut_by == TokenRow::kMasked, raw[id] == kGone) << what;
    ASSERT_EQ(rows[r].cut_by.has_value(), !trace.final().Has(rows[r].id)) << what;
  }
  std::vector<TokenId> listed;
  for (const TokenRow& row : rows) listed.push_back(row.id);
  std::sort(listed.begin(), listed.end());
  for (size_t id = 0; id < listed.size(); ++id) ASSERT_EQ(static_cast<size_t>(listed[id]), id) << what;
}

// Settings at which rounding always decides: a share within 1e-6 of all, and top-H where one token has it all and the
// entropy is itself a rounding error.
bool AtItsEdge(const Stage& stage, const Logits& before) {
  if (const auto* s = std::get_if<TopP>(&stage)) return s->p > 0.9999;
  if (const auto* s = std::get_if<TypicalP>(&stage)) return s->p > 0.9999;
  return std::holds_alternative<TopH>(stage) && reference::EntropyOf(before) < 1e-5;
}

void CheckCase(uint64_t seed, size_t n_vocab, Tally& tally) {
  RandomCase random(seed);
  const std::vector<float> logits = random.Logits(n_vocab);
  const std::vector<TokenId> history = random.History(n_vocab);
  Step step{history, random.Below(history.size() + 1), history.size()};
  Chain chain = random.AnyChain(n_vocab);
  step.seed = chain.seed;
  reference::Sampler sampler(step);
  ++tally.cases;
  auto trace = Trace::Run(logits, step, chain);
  if (!trace.ok()) {  // a stage forbids every token: the reference must agree about the first that does
    ++tally.emptied;
    std::optional<Stage> stage;
    while (!trace.ok()) {
      ASSERT_FALSE(chain.stages.empty()) << "case " << seed << ": " << trace.error().ToString();
      stage = chain.stages.back();
      chain.stages.pop_back();
      trace = Trace::Run(logits, step, chain);
    }
    ASSERT_FALSE(sampler.Apply(*stage, ValuesOf(trace->final())).has_value())
        << Describe(seed, chain, chain.stages.size());
  }
  for (size_t i = 0; i < chain.stages.size() && !::testing::Test::HasFatalFailure(); ++i) {
    ++tally.stages;
    const Logits before = ValuesOf(trace->Before(i));
    auto expected = sampler.Apply(chain.stages[i], before);
    const auto edges = sampler.edges();
    expected = FromItsThreshold(chain.stages[i], trace->stages()[i], before, std::move(expected), sampler);
    CheckStage(*trace, i, expected, edges, sampler, Describe(seed, chain, i), tally);
    const StageRecord& record = trace->stages()[i];
    if (!IsCut(chain.stages[i]) || !record.active) continue;
    ++tally.cuts;
    if (random.has_ties() || AtItsEdge(chain.stages[i], before)) continue;
    ++tally.smooth_cuts;
    tally.smooth_flagged += size_t{record.boundary};
  }
  if (!::testing::Test::HasFatalFailure()) CheckRows(*trace, sampler, Describe(seed, chain, chain.stages.size()));
  ASSERT_TRUE(trace->final().Has(DrawId(*trace))) << Describe(seed, chain, 0);
}

void Report(const Tally& tally, double most_flagged) {
  size_t differing = 0;
  for (const auto& [stage, n] : tally.differing) {
    differing += n;
    ::testing::Test::RecordProperty("differing_" + stage, std::to_string(n));
  }
  const double flagged = static_cast<double>(tally.smooth_flagged) / static_cast<double>(tally.smooth_cuts);
  ::testing::Test::RecordProperty("flagged_share_of_smooth_cuts", std::to_string(flagged));
  ::testing::Test::RecordProperty("stages", std::to_string(tally.stages));
  // A flag must be rare where nothing ties, or it says nothing; and rounding must turn few decisions even where it may.
  EXPECT_LT(flagged, most_flagged);
  EXPECT_LT(differing, tally.cuts / 100);
}

// Sizes from 1 to 600, small ones more often: every doubling as likely as the next.
class AnyChain : public ::testing::TestWithParam<uint64_t> {};
TEST_P(AnyChain, EqualsTheReference) {
  Tally tally;
  for (uint64_t seed = GetParam(); seed < GetParam() + 25'000 && !HasFatalFailure(); ++seed) {
    RandomCase size(~seed);
    CheckCase(seed, static_cast<size_t>(std::exp2(size.Uniform(0, std::log2(600.9)))), tally);
  }
  EXPECT_GT(tally.emptied, 0u);
  Report(tally, 0.01);
}
INSTANTIATE_TEST_SUITE_P(Reference, AnyChain, ::testing::Values(0, 25'000, 50'000, 75'000));

// Beyond 1,024 tokens states are wide: SIMD passes in place of short lists.
TEST(Reference, AnyChainOnLargerVocabularies) {
  Tally tally;
  for (uint64_t seed = 1'000'000; seed < 1'001'000 && !HasFatalFailure(); ++seed)
    CheckCase(seed, 600 + RandomCase(~seed).Below(4400), tally);
  for (uint64_t seed = 2'000'000; seed < 2'000'016 && !HasFatalFailure(); ++seed)
    CheckCase(seed, 20'000 + RandomCase(~seed).Below(60'000), tally);
  Report(tally, 0.03);  // the more tokens, the more of them lie near any threshold
}

}  // namespace
}  // namespace lp
