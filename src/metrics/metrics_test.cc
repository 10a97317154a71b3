#include "metrics/metrics.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "metrics/compare.h"
#include "support/reference_distribution.h"

namespace lp {
namespace {

Trace RunOn(std::span<const float> logits, std::vector<Stage> stages, const std::vector<TokenId>& history = {}) {
  auto trace = Trace::Run(logits, Step::After(history), {.stages = std::move(stages)});
  LP_CHECK(trace.ok());
  return std::move(trace).value();
}

std::vector<double> ProbabilitiesOf(const State& state) {
  std::vector<float> x(state.n_vocab());
  for (size_t i = 0; i < x.size(); ++i) x[i] = state.Value(static_cast<TokenId>(i));
  return reference::Softmax(x);
}

struct Distributions {
  std::vector<double> raw, shaped, final;  // by id
};
Distributions Of(const Trace& trace) {
  return {ProbabilitiesOf(trace.raw()), ProbabilitiesOf(trace.Shaped()), ProbabilitiesOf(trace.final())};
}

// Each number against its definition in double, over random logits and settings. Mutations, each red: swap the
// arguments of either KL; mass_cut from the shaped distribution; perplexity = 2^(nats); leave the edits out of
// FromSums.
RC_GTEST_PROP(Metrics, EqualTheirDefinitions, ()) {
  const auto logits = *rc::gen::container<std::vector<float>>(
      *rc::gen::inRange<size_t>(2, 2500),
      rc::gen::map(rc::gen::inRange(-600, 600), [](int v) { return static_cast<float>(v) / 64; }));
  const auto one_of = [](std::vector<double> values) { return *rc::gen::elementOf(values); };
  std::vector<Stage> stages = {RepetitionPenalty{one_of({1, 1.3}), {}},
                               TopK{.k = static_cast<int64_t>(one_of({0, 1, 20, 2000}))},
                               TopP{.p = one_of({0.5, 0.9, 1})}, MinP{.p = one_of({0, 0.01})}};
  // The temperature before the cuts, between them, or after them; or something a division cannot say.
  const Stage scale =
      *rc::gen::inRange(0, 4) == 0 ? Stage(DynamicTemperature{0.5, 1.5, 1}) : Stage(Temperature{one_of({0.5, 1, 2})});
  stages.insert(stages.begin() + *rc::gen::inRange(1, 5), scale);
  if (*rc::gen::inRange(0, 6) == 0) stages.insert(stages.begin(), LogSoftmax{});
  const Trace trace = RunOn(logits, stages, {0, 1});
  const Metrics m = ComputeMetrics(trace);
  const Distributions d = Of(trace);
  const auto near = [](double a, double b) { return a == b || std::abs(a - b) <= 4e-6 * (1 + std::abs(b)); };
  RC_ASSERT(near(m.raw_entropy, reference::Entropy(d.raw)));
  RC_ASSERT(near(m.entropy, reference::Entropy(d.final)));
  RC_ASSERT(near(m.kl_final_raw, reference::Kl(d.final, d.raw)));
  RC_ASSERT(near(m.kl_raw_final, reference::Kl(d.raw, d.final)));
  RC_ASSERT(near(m.kl_shaped_raw, reference::Kl(d.shaped, d.raw)));
  RC_ASSERT(near(m.kl_raw_shaped, reference::Kl(d.raw, d.shaped)));
  double squares = 0, cut = 0;
  for (size_t i = 0; i < d.raw.size(); ++i) {
    squares += d.final[i] * d.final[i];
    cut += d.final[i] == 0 ? d.raw[i] : 0;
  }
  RC_ASSERT(near(m.effective_vocab, 1 / squares));
  RC_ASSERT(near(m.mass_cut, cut));
  RC_ASSERT(near(m.top1_prob, *std::max_element(d.final.begin(), d.final.end())));
  const auto varentropy = [](const std::vector<double>& p, double h) {
    double v = 0;
    for (const double x : p) v += x > 0 ? x * (-std::log(x) - h) * (-std::log(x) - h) : 0;
    return v;
  };
  RC_ASSERT(near(m.varentropy, varentropy(d.final, reference::Entropy(d.final))));
  RC_ASSERT(near(m.raw_varentropy, varentropy(d.raw, reference::Entropy(d.raw))));
  std::vector<double> best = d.final;
  std::sort(best.rbegin(), best.rend());
  RC_ASSERT(near(m.top5_prob,
                 std::accumulate(best.begin(),
                                 best.begin() + static_cast<std::ptrdiff_t>(std::min<size_t>(5, best.size())), 0.0)));
  // identities: perplexity = 2^H; 0 <= H <= log V; KL >= 0; the Hill numbers fall: kept >= perplexity >= effective
  // vocabulary >= 1 / top1
  RC_ASSERT(near(m.perplexity, std::exp2(NatsToBits(m.entropy))));
  RC_ASSERT(m.entropy >= 0 && m.entropy <= std::log(static_cast<double>(logits.size())) + 1e-6);
  RC_ASSERT(m.kl_final_raw >= 0 && m.kl_raw_final >= 0 && m.kl_shaped_raw >= 0 && m.kl_raw_shaped >= 0);
  RC_ASSERT(static_cast<double>(m.n_kept) >= m.perplexity * (1 - 1e-6));
  RC_ASSERT(m.perplexity >= m.effective_vocab * (1 - 1e-5));
}

// KL(raw || final) is infinite exactly when something with probability was cut.
TEST(Metrics, CutMassMakesOneDirectionInfinite) {
  const std::vector<float> logits = {1, 0, -20};
  const Metrics none = ComputeMetrics(RunOn(logits, {Temperature{0.5}}));
  EXPECT_EQ(none.mass_cut, 0);
  EXPECT_TRUE(std::isfinite(none.kl_raw_final));
  const Metrics some = ComputeMetrics(RunOn(logits, {TopK{.k = 2}}));
  EXPECT_NEAR(some.mass_cut, std::exp(-20) / (std::exp(1) + 1 + std::exp(-20)), 1e-15);
  EXPECT_TRUE(std::isinf(some.kl_raw_final));
  EXPECT_NEAR(some.kl_final_raw, 1.5e-9, 1e-7);
  const Metrics greedy = ComputeMetrics(RunOn(logits, {Temperature{0}}));
  EXPECT_EQ(greedy.entropy, 0);
  EXPECT_TRUE(std::isinf(greedy.kl_raw_final));
  EXPECT_EQ(greedy.kl_raw_shaped, 0) << "[D13] greedy is a cut, not a shape";
  // tokens that the model itself masks are not cut by anybody
  const std::vector<float> masked = {1, 0, -std::numeric_limits<float>::infinity()};
  EXPECT_TRUE(std::isfinite(ComputeMetrics(RunOn(masked, {TopK{.k = 2}})).kl_raw_final));
}

// Worked figures (lmviz, 25 logits): KL in bits between T = 1 and T = 0.5 or 2, both ways.
TEST(Metrics, KlBetweenTemperaturesWorkedFigures) {
  const std::vector<float> logits = {13.8f, 11.2f, 10.1f, 9.8f, 9.5f, 9.2f, 8.9f, 8.1f, 7.6f, 7.3f, 7.0f, 6.8f, 6.5f,
                                     6.2f,  6.0f,  5.6f,  5.3f, 5.0f, 4.7f, 4.4f, 4.0f, 3.7f, 3.4f, 3.4f, 3.4f};
  const Metrics cold = ComputeMetrics(RunOn(logits, {Temperature{0.5}}));
  EXPECT_NEAR(NatsToBits(cold.kl_raw_shaped), 0.511, 5e-4);
  EXPECT_NEAR(NatsToBits(cold.kl_shaped_raw), 0.176, 5e-4);
  const Metrics hot = ComputeMetrics(RunOn(logits, {Temperature{2}}));
  EXPECT_NEAR(NatsToBits(hot.kl_raw_shaped), 0.589, 5e-4);
  EXPECT_NEAR(NatsToBits(hot.kl_shaped_raw), 0.955, 5e-4);
}

// Large vocabularies, wide cuts, edits and a temperature: sums in place of passes are as good as the definition.
TEST(Metrics, LargeVocabularies) {
  for (const size_t n : {50257u, 151936u}) {
    for (const auto& [name, x] : reference::HardLogits(n)) {
      SCOPED_TRACE(name + ", " + std::to_string(n));
      const Trace trace = RunOn(x, {RepetitionPenalty{1.3, {}}, TopP{.p = 0.95}, Temperature{0.8}}, {1, 2, 3, 4000});
      const Metrics m = ComputeMetrics(trace);
      const Distributions d = Of(trace);
      EXPECT_NEAR(m.kl_final_raw, reference::Kl(d.final, d.raw), 5e-6);
      EXPECT_NEAR(m.kl_shaped_raw, reference::Kl(d.shaped, d.raw), 5e-6);
      EXPECT_NEAR(m.kl_raw_shaped, reference::Kl(d.raw, d.shaped), 5e-6);
      double cut = 0;
      for (size_t i = 0; i < n; ++i) cut += d.final[i] == 0 ? d.raw[i] : 0;
      EXPECT_NEAR(m.mass_cut, cut, 2e-6);
    }
  }
}

// [D12], [D39], [D40] two final distributions.
RC_GTEST_PROP(Compare, EqualsItsDefinitions, ()) {
  const auto logits = *rc::gen::container<std::vector<float>>(
      *rc::gen::inRange<size_t>(1, 2500),
      rc::gen::map(rc::gen::inRange(-600, 600), [](int v) { return static_cast<float>(v) / 64; }));
  const auto side = [&] {
    return RunOn(logits, {Temperature{*rc::gen::elementOf(std::vector<double>{0.5, 1, 1.7})},
                          TopK{.k = *rc::gen::elementOf(std::vector<int64_t>{0, 3, 40})},
                          TopP{.p = *rc::gen::elementOf(std::vector<double>{0.5, 0.9, 1})}});
  };
  const Trace a = side(), b = side();
  const Comparison c = Compare(a, b);
  const std::vector<double> p = ProbabilitiesOf(a.final()), q = ProbabilitiesOf(b.final());
  double tv = 0, mass_a = 0, mass_b = 0;
  std::vector<double> middle(p.size());
  size_t common = 0, only_a = 0, only_b = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const bool in_a = a.final().Has(id), in_b = b.final().Has(id);
    tv += std::abs(p[i] - q[i]) / 2;
    middle[i] = (p[i] + q[i]) / 2;
    common += size_t{in_a && in_b}, only_a += size_t{in_a && !in_b}, only_b += size_t{!in_a && in_b};
    mass_a += in_a && !in_b ? p[i] : 0, mass_b += !in_a && in_b ? q[i] : 0;
  }
  const auto near = [](double x, double y) { return x == y || std::abs(x - y) <= 4e-6; };
  RC_ASSERT(c.n_common == common && c.n_only_a == only_a && c.n_only_b == only_b);
  RC_ASSERT(near(c.total_variation, tv) && near(c.mass_a_only, mass_a) && near(c.mass_b_only, mass_b));
  const bool a_ok = only_a > 0 ? std::isinf(c.kl_a_b) : near(c.kl_a_b, reference::Kl(p, q));
  const bool b_ok = only_b > 0 ? std::isinf(c.kl_b_a) : near(c.kl_b_a, reference::Kl(q, p));
  RC_ASSERT(a_ok && b_ok);
  RC_ASSERT(near(c.jensen_shannon, (reference::Kl(p, middle) + reference::Kl(q, middle)) / 2));
  RC_ASSERT(c.jensen_shannon <= std::log(2.0) && c.total_variation <= 1);
  for (size_t i = 0; i + 1 < c.only_a.size(); ++i)
    RC_ASSERT(p[static_cast<size_t>(c.only_a[i])] >= p[static_cast<size_t>(c.only_a[i + 1])]);
}

// A distance of nothing to itself; the same from both sides; Pinsker's and Lin's inequalities between them; and
// divergences are infinite exactly where one keeps what the other cut.
RC_GTEST_PROP(Compare, Laws, ()) {
  const auto logits = *rc::gen::container<std::vector<float>>(
      *rc::gen::inRange<size_t>(1, 400),
      rc::gen::map(rc::gen::inRange(-600, 600), [](int v) { return static_cast<float>(v) / 64; }));
  const auto side = [&] {
    return RunOn(logits, {Temperature{*rc::gen::inRange(1, 40) / 8.0},
                          TopK{.k = *rc::gen::elementOf(std::vector<int64_t>{0, 3, 40})}});
  };
  const Trace a = side(), b = side();
  const Comparison ab = Compare(a, b), ba = Compare(b, a), aa = Compare(a, a);
  RC_ASSERT(aa.total_variation == 0 && aa.kl_a_b == 0 && aa.kl_b_a == 0 && aa.jensen_shannon == 0 &&
            aa.n_only_a + aa.n_only_b == 0);
  const auto same = [](double x, double y) { return x == y || std::abs(x - y) <= 1e-12; };
  RC_ASSERT(same(ab.total_variation, ba.total_variation) && same(ab.jensen_shannon, ba.jensen_shannon));
  RC_ASSERT(same(ab.kl_a_b, ba.kl_b_a) && same(ab.kl_b_a, ba.kl_a_b));
  RC_ASSERT(ab.kl_a_b >= 0 && ab.kl_b_a >= 0);
  RC_ASSERT(std::isinf(ab.kl_a_b) == (ab.n_only_a > 0) && std::isinf(ab.kl_b_a) == (ab.n_only_b > 0));
  RC_ASSERT(ab.total_variation <= std::sqrt(std::min(ab.kl_a_b, ab.kl_b_a) / 2) + 1e-6);
  RC_ASSERT(ab.jensen_shannon <= std::log(2.0) * ab.total_variation + 1e-6);
  RC_ASSERT(ab.total_variation >= std::max(ab.mass_a_only, ab.mass_b_only) - 1e-6);
  RC_ASSERT(ab.n_common + ab.n_only_a == ab.n_kept_a && ab.n_common + ab.n_only_b == ab.n_kept_b);
}

}  // namespace
}  // namespace lp
