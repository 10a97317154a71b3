// What every sampler obeys, whatever the logits: properties over random vectors.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "sampling/trace.h"

namespace lp {
namespace {

Trace RunOn(const std::vector<float>& logits, std::vector<Stage> stages, const std::vector<TokenId>& history = {}) {
  auto trace = Trace::Run(logits, Step::After(history), {.stages = std::move(stages)});
  LP_CHECK(trace.ok());
  return std::move(trace).value();
}

rc::Gen<std::vector<float>> SomeLogits() {
  return rc::gen::mapcat(rc::gen::inRange<size_t>(1, 300), [](size_t n) {
    return rc::gen::container<std::vector<float>>(
        n, rc::gen::map(rc::gen::inRange(-900, 900), [](int v) { return static_cast<float>(v) / 64; }));
  });
}

std::set<TokenId> KeptBy(const Trace& trace) {
  std::set<TokenId> kept;
  for (size_t i = 0; i < trace.n_vocab(); ++i) {
    if (trace.final().Has(static_cast<TokenId>(i))) kept.insert(static_cast<TokenId>(i));
  }
  return kept;
}

// Softmax and everything that looks at probabilities does not see an offset of the logits. [D2] Offsets are powers of
// two times the grid of the logits, so that no sum rounds.
RC_GTEST_PROP(Laws, CutsAreShiftInvariant, ()) {
  std::vector<float> x = *SomeLogits();
  const std::vector<Stage> stages = {TopK{.k = *rc::gen::inRange(1, 50)}, TopP{.p = 0.9137}, MinP{.p = 0.0213},
                                     TypicalP{.p = 0.7531}, TopA{.a = 0.1171}};
  const Trace before = RunOn(x, stages);
  std::vector<float> y = x;
  for (float& v : y) v += 128;
  RC_ASSERT(KeptBy(before) == KeptBy(RunOn(y, stages)));
}

// More k, more p, less min-p: a superset.
RC_GTEST_PROP(Laws, CutsAreNested, ()) {
  const std::vector<float> x = *SomeLogits();
  const auto nested = [&](const Stage& less, const Stage& more) {
    const auto a = KeptBy(RunOn(x, {less})), b = KeptBy(RunOn(x, {more}));
    return std::includes(b.begin(), b.end(), a.begin(), a.end());
  };
  const auto k = *rc::gen::inRange(1, 300);
  const double p = *rc::gen::inRange(1, 999) / 1000.0, q = *rc::gen::inRange(1, 999) / 1000.0;
  RC_ASSERT(nested(TopK{.k = k}, TopK{.k = k + *rc::gen::inRange(0, 50)}));
  RC_ASSERT(nested(TopP{.p = std::min(p, q)}, TopP{.p = std::max(p, q)}));
  RC_ASSERT(nested(MinP{.p = std::max(p, q)}, MinP{.p = std::min(p, q)}));
  RC_ASSERT(nested(TopNSigma{.n = std::min(p, q)}, TopNSigma{.n = std::max(p, q)}));
  RC_ASSERT(nested(TopK{.k = k}, TopK{.k = k, .ties = Ties::kKeepAll}));
}

// min-p before a temperature is min-p^(1/T) after it: p' = p^T the other way round (facts 4).
RC_GTEST_PROP(Laws, MinPAcrossTheTemperature, ()) {
  const std::vector<float> x = *SomeLogits();
  const double t = *rc::gen::elementOf(std::vector<double>{0.5, 0.8, 1.5, 2});
  const double p = 0.0517;
  const Trace before = RunOn(x, {MinP{.p = p}, Temperature{t}}),
              after = RunOn(x, {Temperature{t}, MinP{.p = std::pow(p, 1 / t)}});
  RC_PRE(!before.stages()[0].boundary && !after.stages()[1].boundary);
  RC_ASSERT(KeptBy(before) == KeptBy(after));
}

// Two temperatures are one: T1 T2. Greedy is the first of the rank order. A cut leaves ratios as they are.
RC_GTEST_PROP(Laws, TemperatureGreedyRatios, ()) {
  const std::vector<float> x = *SomeLogits();
  const Trace twice = RunOn(x, {Temperature{0.5}, Temperature{4}}), once = RunOn(x, {Temperature{2}});
  const Trace cut = RunOn(x, {TopP{.p = 0.8}});
  const TokenRow best = cut.Row(1);
  RC_ASSERT(RunOn(x, {Greedy{}}).Row(1).id == best.id);
  RC_ASSERT(RunOn(x, {Temperature{0}}).Row(1).id == best.id);
  for (size_t rank = 1; rank <= x.size(); ++rank) {
    const TokenRow a = twice.Row(rank), b = once.Row(rank), c = cut.Row(rank);
    RC_ASSERT(a.id == b.id);
    RC_ASSERT(std::abs(a.prob - b.prob) <= 1e-6 * b.prob + 1e-37);
    if (!c.cut_by) RC_ASSERT(std::abs(c.prob / best.prob - c.prob_raw / best.prob_raw) < 1e-9);
  }
}

// Renaming tokens renames the result, where there are no ties.
RC_GTEST_PROP(Laws, PermutationEquivariance, ()) {
  std::vector<float> x = *SomeLogits();
  std::sort(x.begin(), x.end());
  x.erase(std::unique(x.begin(), x.end()), x.end());
  const std::vector<Stage> stages = {TopK{.k = 40}, TypicalP{.p = 0.8531}, TopP{.p = 0.9137}};
  const Trace a = RunOn(x, stages);
  std::vector<float> reversed(x.rbegin(), x.rend());
  const Trace b = RunOn(reversed, stages);
  RC_PRE(!a.stages()[1].boundary && !b.stages()[1].boundary);
  for (size_t i = 0; i < x.size(); ++i) {
    const auto id = static_cast<TokenId>(i), mirrored = static_cast<TokenId>(x.size() - 1 - i);
    RC_ASSERT(a.final().Has(id) == b.final().Has(mirrored));
  }
}

// A penalty above 1 never raises a token, whatever the sign; one below 1 never lowers it.
RC_GTEST_PROP(Laws, PenaltiesPushOneWay, ()) {
  const std::vector<float> x = *SomeLogits();
  const auto id = static_cast<TokenId>(*rc::gen::inRange<size_t>(0, x.size()));
  const double r = *rc::gen::elementOf(std::vector<double>{1.05, 1.3, 5});
  const double before = RunOn(x, {}).RowOf(id).prob;
  RC_ASSERT(RunOn(x, {RepetitionPenalty{r, {}}}, {id}).RowOf(id).prob <= before * (1 + 1e-12));
  RC_ASSERT(RunOn(x, {RepetitionPenalty{1 / r, {}}}, {id}).RowOf(id).prob >= before * (1 - 1e-12));
  RC_ASSERT(RunOn(x, {PresencePenalty{r, {}}}, {id}).RowOf(id).prob <= before * (1 + 1e-12));
}

// One cut of each kind, at a random setting.
Stage SomeCut() {
  const double p = *rc::gen::inRange(1, 999) / 1000.0;
  const auto k = *rc::gen::inRange<int64_t>(1, 300);
  const std::vector<Stage> cuts = {TopK{.k = k},
                                   TopP{.p = p},
                                   MinP{.p = p},
                                   TypicalP{.p = p},
                                   TopNSigma{.n = 3 * p},
                                   EpsilonCutoff{p},
                                   EtaCutoff{p},
                                   TopA{p},
                                   TopH{.alpha = p},
                                   TailFree{p},
                                   Xtc{1, p / 2},
                                   Mirostat1{.tau = 9 * p},
                                   Mirostat2{.tau = 9 * p},
                                   Greedy{}};
  return cuts[*rc::gen::inRange<size_t>(0, cuts.size())];
}

// What a cut leaves is a distribution: it sums to 1, keeps the ratios, and what it let through and what it took sum
// to 1.
RC_GTEST_PROP(Laws, ACutRenormalises, ()) {
  const std::vector<float> x = *SomeLogits();
  const Trace trace = RunOn(x, {SomeCut()});
  double kept = 0, mass_kept = 0, mass_cut = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const TokenRow row = trace.RowOf(static_cast<TokenId>(i));
    kept += row.prob;
    (row.cut_by ? mass_cut : mass_kept) += row.prob_raw;
    if (!row.cut_by) RC_ASSERT(std::abs(row.prob * trace.MassOut(0) - row.prob_raw) <= 1e-6 * row.prob_raw);
  }
  RC_ASSERT(std::abs(kept - 1) < 1e-6);
  RC_ASSERT(std::abs(mass_kept + mass_cut - 1) < 1e-6);
  RC_ASSERT(std::abs(trace.MassOut(0) - mass_kept) < 2e-6);
  RC_ASSERT(trace.n_kept() >= 1);
}

// Every cut but XTC and typical-p keeps the best tokens, and no better one goes where a worse one stays.
RC_GTEST_PROP(Laws, CutsKeepAPrefixOfTheRankOrder, ()) {
  const std::vector<float> x = *SomeLogits();
  const Stage cut = SomeCut();
  if (std::holds_alternative<Xtc>(cut) || std::holds_alternative<TypicalP>(cut)) return;
  const Trace trace = RunOn(x, {cut});
  for (size_t rank = 1; rank <= x.size(); ++rank)
    RC_ASSERT(trace.Row(rank).cut_by.has_value() == (rank > trace.n_kept()));
}

// The same cut again: top-k, min-p, greedy and XTC's rest change nothing any more.
RC_GTEST_PROP(Laws, SomeCutsAreIdempotent, ()) {
  const std::vector<float> x = *SomeLogits();
  const double p = *rc::gen::inRange(1, 999) / 1000.0;
  for (const Stage& cut : {Stage(TopK{.k = 7}), Stage(MinP{.p = p}), Stage(Greedy{})}) {
    const Trace trace = RunOn(x, {cut, cut});
    RC_ASSERT(trace.stages()[1].n_out == trace.stages()[1].n_in);
  }
}

// [D27] max, sigma and x scale alike.
RC_GTEST_PROP(Laws, TopNSigmaDoesNotSeeTheTemperature, ()) {
  const std::vector<float> x = *SomeLogits();
  const double t = *rc::gen::elementOf(std::vector<double>{0.25, 0.5, 2, 8});  // powers of two: divisions do not round
  const double n = *rc::gen::inRange(1, 40) / 16.0;
  const Trace before = RunOn(x, {TopNSigma{n}, Temperature{t}}), after = RunOn(x, {Temperature{t}, TopNSigma{n}});
  RC_PRE(!before.stages()[0].boundary && !after.stages()[1].boundary);
  RC_ASSERT(KeptBy(before) == KeptBy(after));
}

// A hotter distribution is less certain: entropy grows with T, the best probability falls.
RC_GTEST_PROP(Laws, TemperatureRaisesEntropy, ()) {
  const std::vector<float> x = *SomeLogits();
  const double low = *rc::gen::inRange(2, 300) / 100.0, high = low * (1 + *rc::gen::inRange(1, 300) / 100.0);
  const Trace cold = RunOn(x, {Temperature{low}}), hot = RunOn(x, {Temperature{high}});
  RC_ASSERT(hot.final().sums().Entropy() >= cold.final().sums().Entropy() - 1e-6);
  RC_ASSERT(hot.Row(1).prob <= cold.Row(1).prob * (1 + 1e-6));
  RC_ASSERT(hot.final().sums().Entropy() <= std::log(static_cast<double>(x.size())) + 1e-6);
}

}  // namespace
}  // namespace lp
