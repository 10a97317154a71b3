#include "metrics/metrics.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace lp {
namespace {

// Sums over the kept tokens, each by its final probability f and raw probability r.
struct KeptSums {
  double raw_mass = 0, f_log_f_over_r = 0, f_squared = 0;
};

KeptSums SumKept(const Trace& trace) {
  KeptSums sums;
  const double raw_lse = trace.raw_stats().LogSumExp(), final_lse = trace.stages().back().log_sum_exp;
  for (const TokenId id : trace.Kept()) {
    const auto i = static_cast<size_t>(id);
    const double log_r = static_cast<double>(trace.raw_logits()[i]) - raw_lse;
    const double log_f = static_cast<double>(trace.shaped_logits()[i]) - final_lse;
    const double f = std::exp(log_f);
    sums.raw_mass += std::exp(log_r);
    if (f > 0) sums.f_log_f_over_r += f * (log_f - log_r);
    sums.f_squared += f * f;
  }
  return sums;
}

// The raw probability of everything that was cut. Summed directly: 1 - (kept mass) would lose a small one to rounding.
double MassOfCut(const Trace& trace) {
  std::vector<bool> kept(trace.n_vocab());
  for (const TokenId id : trace.Kept()) kept[static_cast<size_t>(id)] = true;
  double mass = 0;
  for (size_t i = 0; i < kept.size(); ++i) {
    if (!kept[i]) mass += trace.RawProbability(static_cast<TokenId>(i));
  }
  return std::min(1.0, mass);
}

}  // namespace

Metrics ComputeMetrics(const Trace& trace) {
  Metrics m;
  m.raw_entropy = trace.raw_stats().Entropy();
  m.entropy = trace.stages().back().entropy;
  m.perplexity = std::exp(m.entropy);
  m.n_kept = trace.n_kept();
  m.top1_prob = trace.Row(1).prob;
  m.kl_shaped_raw = KlDivergence(trace.shaped_logits(), trace.shaped_stats(), trace.raw_logits(), trace.raw_stats());
  m.kl_raw_shaped = KlDivergence(trace.raw_logits(), trace.raw_stats(), trace.shaped_logits(), trace.shaped_stats());
  if (m.n_kept == trace.n_finite()) {  // nothing was cut: final is the shaped distribution
    m.effective_vocab = trace.shaped_stats().EffectiveVocabulary();
    m.kl_final_raw = m.kl_shaped_raw;
    m.kl_raw_final = m.kl_raw_shaped;
    return m;
  }
  const KeptSums sums = SumKept(trace);
  m.effective_vocab = 1 / sums.f_squared;
  m.mass_cut = MassOfCut(trace);
  m.kl_final_raw = std::max(0.0, sums.f_log_f_over_r);
  m.kl_raw_final = m.mass_cut > 0 ? std::numeric_limits<double>::infinity() : m.kl_raw_shaped;
  return m;
}

}  // namespace lp
