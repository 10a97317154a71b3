#include "metrics/metrics.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <numeric>

#include "support/reference_distribution.h"

namespace lp {
namespace {

struct Distributions {
  std::vector<double> raw, shaped, final;  // by id
};

Distributions Of(const Trace& trace) {
  Distributions d;
  d.raw = reference::Softmax(trace.raw_logits());
  d.shaped = reference::Softmax(trace.shaped_logits());
  d.final.resize(trace.n_vocab());
  for (const TokenId id : trace.Kept()) d.final[static_cast<size_t>(id)] = d.shaped[static_cast<size_t>(id)];
  const double kept = std::accumulate(d.final.begin(), d.final.end(), 0.0);
  for (double& p : d.final) p /= kept;
  return d;
}

// Each number against its definition in double, over random logits and settings. Mutations, each red: swap the arguments of either KL;
// mass_cut from the shaped distribution; perplexity = 2^(nats).
RC_GTEST_PROP(Metrics, EqualTheirDefinitions, ()) {
  const auto logits = *rc::gen::container<std::vector<float>>(
      *rc::gen::inRange<size_t>(2, 700), rc::gen::map(rc::gen::inRange(-600, 600), [](int v) { return static_cast<float>(v) / 64; }));
  const SamplerSettings s{.repetition_penalty = *rc::gen::elementOf(std::vector<double>{1, 1.3}),
                          .temperature = *rc::gen::elementOf(std::vector<double>{0.5, 1, 2}),
                          .top_k = *rc::gen::elementOf(std::vector<int64_t>{0, 1, 20}),
                          .top_p = *rc::gen::elementOf(std::vector<double>{0.5, 0.9, 1})};
  const auto trace = Trace::Run(logits, std::vector<TokenId>{0, 1}, s);
  RC_ASSERT(trace.ok());
  const Metrics m = ComputeMetrics(*trace);
  const Distributions d = Of(*trace);
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
  // identities: perplexity = 2^H; 0 <= H <= log V; KL >= 0; the Hill numbers fall: kept >= perplexity >= effective vocabulary >= 1 / top1
  RC_ASSERT(near(m.perplexity, std::exp2(NatsToBits(m.entropy))));
  RC_ASSERT(m.entropy >= 0 && m.entropy <= std::log(static_cast<double>(logits.size())) + 1e-6);
  RC_ASSERT(m.kl_final_raw >= 0 && m.kl_raw_final >= 0 && m.kl_shaped_raw >= 0 && m.kl_raw_shaped >= 0);
  RC_ASSERT(static_cast<double>(m.n_kept) >= m.perplexity * (1 - 1e-6));
  RC_ASSERT(m.perplexity >= m.effective_vocab * (1 - 1e-5));
}

// KL(raw || final) is infinite exactly when something with probability was cut.
TEST(Metrics, CutMassMakesOneDirectionInfinite) {
  const std::vector<float> logits = {1, 0, -20};
  const Metrics none = ComputeMetrics(*Trace::Run(logits, {}, {.temperature = 0.5}));
  EXPECT_EQ(none.mass_cut, 0);
  EXPECT_TRUE(std::isfinite(none.kl_raw_final));
  const Metrics some = ComputeMetrics(*Trace::Run(logits, {}, {.top_k = 2}));
  EXPECT_NEAR(some.mass_cut, std::exp(-20) / (std::exp(1) + 1 + std::exp(-20)), 1e-15);
  EXPECT_TRUE(std::isinf(some.kl_raw_final));
  EXPECT_NEAR(some.kl_final_raw, 1.5e-9, 1e-7);
  const Metrics greedy = ComputeMetrics(*Trace::Run(logits, {}, {.temperature = 0}));
  EXPECT_EQ(greedy.entropy, 0);
  EXPECT_TRUE(std::isinf(greedy.kl_raw_shaped));
  // tokens that the model itself masks are not cut by anybody
  const std::vector<float> masked = {1, 0, -std::numeric_limits<float>::infinity()};
  EXPECT_TRUE(std::isfinite(ComputeMetrics(*Trace::Run(masked, {}, {.top_k = 2})).kl_raw_final));
}

// Worked figures (lmviz, 25 logits): KL in bits between T = 1 and T = 0.5 or 2, both ways.
TEST(Metrics, KlBetweenTemperaturesWorkedFigures) {
  const std::vector<float> logits = {13.8f, 11.2f, 10.1f, 9.8f, 9.5f, 9.2f, 8.9f, 8.1f, 7.6f, 7.3f, 7.0f, 6.8f, 6.5f,
                                     6.2f,  6.0f,  5.6f,  5.3f, 5.0f, 4.7f, 4.4f, 4.0f, 3.7f, 3.4f, 3.4f, 3.4f};
  const Metrics cold = ComputeMetrics(*Trace::Run(logits, {}, {.temperature = 0.5}));
  EXPECT_NEAR(NatsToBits(cold.kl_raw_shaped), 0.511, 5e-4);
  EXPECT_NEAR(NatsToBits(cold.kl_shaped_raw), 0.176, 5e-4);
  const Metrics hot = ComputeMetrics(*Trace::Run(logits, {}, {.temperature = 2}));
  EXPECT_NEAR(NatsToBits(hot.kl_raw_shaped), 0.589, 5e-4);
  EXPECT_NEAR(NatsToBits(hot.kl_shaped_raw), 0.955, 5e-4);
}

}  // namespace
}  // namespace lp
