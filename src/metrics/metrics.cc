#include "metrics/metrics.h"

#include <algorithm>
#include <limits>

namespace lp {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double LogProbability(const State& state, float x) { return static_cast<double>(x) - state.sums().LogSumExp(); }

// KL(P || Q); both over the same vocabulary.
double Divergence(const State& p, const State& q) {
  if (&p == &q) return 0;
  if (!p.narrow() && !q.narrow()) return KlDivergence(p.values(), p.sums(), q.values(), q.sums());
  if (!p.narrow()) return p.n() > q.n() ? kInfinity : Divergence(p.KeepTop(p.n()), q);
  double sum = 0;
  for (const Candidate& c : p.list()) {
    const double log_p = LogProbability(p, c.value);
    const float y = q.Value(c.id);
    if (std::exp(log_p) == 0) continue;  // 0 log(0 / q) = 0, whatever q
    if (y == kMasked) return kInfinity;
    sum += std::exp(log_p) * (log_p - LogProbability(q, y));
  }
  return std::max(0.0, sum);
}

// The model's own probability of everything that was cut.
double MassCut(const State& raw, const State& final) {
  if (final.n() == raw.n()) return 0;
  double kept = 0;
  if (final.narrow()) {
    for (const Candidate& c : final.list()) kept += raw.Probability(c.id);
  } else {
    LogitVector masked = raw.values();
    for (size_t b = 0; b < masked.n_blocks(); ++b) {
      if (final.values().SharesBlock(raw.values(), b)) continue;
      const float* x = raw.values().block(b);
      const float* y = final.values().block(b);
      float* to = masked.Replace(b);
      for (size_t i = 0; i < LogitVector::kBlock; ++i) to[i] = y[i] > kMasked ? x[i] : kMasked;
    }
    kept = std::exp(ComputeSums(masked).total.LogSumExp() - raw.sums().LogSumExp());
  }
  if (kept < 0.99) return 1 - kept;
  // 1 - kept would lose a small rest to rounding: what is not kept, summed on its own.
  if (!final.narrow()) return std::max(0.0, 1 - kept);
  std::vector<TokenId> ids;
  for (const Candidate& c : final.list()) ids.push_back(c.id);
  const State rest = raw.Without(ids);
  return std::exp(rest.sums().LogSumExp() - raw.sums().LogSumExp());
}

}  // namespace

Metrics ComputeMetrics(const Trace& trace) {
  const State &raw = trace.raw(), &final = trace.final();
  Metrics m;
  m.raw_entropy = raw.sums().Entropy();
  m.raw_varentropy = raw.sums().Varentropy();
  m.entropy = final.sums().Entropy();
  m.perplexity = std::exp(m.entropy);
  m.varentropy = final.sums().Varentropy();
  m.effective_vocab = final.sums().EffectiveVocabulary();
  m.n_kept = final.n();
  m.top5_prob = 0;
  for (const Candidate& c : final.Top(5)) m.top5_prob += final.ProbabilityOf(c.value);
  m.top1_prob = final.ProbabilityOf(final.Max());
  m.top5_prob = std::min(1.0, m.top5_prob);
  m.mass_cut = MassCut(raw, final);
  m.kl_final_raw = Divergence(final, raw);
  m.kl_raw_final = m.n_kept < raw.n() ? kInfinity : Divergence(raw, final);
  const State& shaped = trace.Shaped();
  m.kl_shaped_raw = &shaped == &final ? m.kl_final_raw : Divergence(shaped, raw);
  m.kl_raw_shaped = &shaped == &final ? m.kl_raw_final : Divergence(raw, shaped);
  return m;
}

}  // namespace lp
