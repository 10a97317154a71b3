#include "metrics/metrics.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <vector>

namespace lp {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double LogProbability(const State& state, float x) { return static_cast<double>(x) - state.mass().LogSumExp(); }

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

// KL(P || raw) and KL(raw || P) where P is (raw with some logits edited) / t, softmaxed, some of its tokens perhaps cut:
// both are differences of entropies and mean logits, and sums are known. [D12]
//   KL(P || raw) = -H(P) - E_P[x] + lse(x)    E_P[x] = t E_P[y] - sum over edited tokens p (x' - x)
//   KL(raw || P) = -H(raw) - E_raw[y] + lse(y)    E_raw[y] = (E_raw[x] + sum over edited tokens p_raw (x' - x)) / t
// y is x' / t rounded to float32. Over many tokens that averages out; for the few that hold much it is put right.
class FromSums {
 public:
  FromSums(const State& raw, const Trace::Affine& affine) : raw_(raw), edited_(*affine.edited), t_(affine.divisor) {
    if (affine.edited == &raw) return;
    const LogitVector &before = raw.values(), &after = affine.edited->values();
    for (size_t b = 0; b < before.n_blocks(); ++b) {
      if (before.SharesBlock(after, b)) continue;
      const float *x = before.block(b), *y = after.block(b);
      for (size_t part = 0; part < LogitVector::kBlock; part += 16) {
        if (std::memcmp(x + part, y + part, 16 * sizeof(float)) == 0) continue;
        for (size_t i = part; i < part + 16; ++i) {
          if (x[i] == y[i]) continue;
          edits_.push_back({static_cast<TokenId>(b * LogitVector::kBlock + i), static_cast<double>(y[i]) - static_cast<double>(x[i])});
        }
      }
    }
  }
  double ToRaw(const State& p) const {
    double mean = t_ * (p.sums().MeanLogit() - Rounding(p, p));
    for (const Edit& edit : edits_) {
      if (p.Has(edit.id)) mean -= p.Probability(edit.id) * edit.change;
    }
    return std::max(0.0, raw_.mass().LogSumExp() - mean - p.sums().Entropy());
  }
  double FromRaw(const State& p) const {
    double mean = raw_.sums().MeanLogit();
    for (const Edit& edit : edits_) mean += raw_.Probability(edit.id) * edit.change;
    return std::max(0.0, p.mass().LogSumExp() - (mean / t_ + Rounding(raw_, p)) - raw_.sums().Entropy());
  }

 private:
  // The sum of w (y - x' / t) over the tokens of most weight, y as `p` has it.
  double Rounding(const State& weights, const State& p) const {
    double sum = 0;
    for (const Candidate& c : weights.Top(64)) {
      const auto exact = static_cast<double>(edited_.Value(c.id)) / t_;
      if (p.Has(c.id)) sum += weights.ProbabilityOf(c.value) * (static_cast<double>(p.Value(c.id)) - exact);
    }
    return sum;
  }

  struct Edit {
    TokenId id;
    double change;
  };
  const State &raw_, &edited_;
  double t_;
  std::vector<Edit> edits_;
};

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
  m.mass_cut = raw.MassLost(final);
  const State& shaped = trace.Shaped();
  std::optional<FromSums> sums;
  if (const auto affine = trace.ShapedFromRaw(); affine && shaped.n() == raw.n() && !raw.narrow() && !shaped.narrow()) {
    // A temperature near 0 subtracts the maximum first, and is no plain division then.
    const auto top = static_cast<double>(shaped.Max()), expected = static_cast<double>(affine->edited->Max()) / affine->divisor;
    if (std::abs(top - expected) <= 1e-6 * std::abs(expected)) sums.emplace(raw, *affine);
  }
  const auto to_raw = [&](const State& p) { return &p == &raw ? 0 : sums && !p.narrow() ? sums->ToRaw(p) : Divergence(p, raw); };
  m.kl_final_raw = to_raw(final);
  m.kl_raw_final = m.n_kept < raw.n() ? kInfinity : Divergence(raw, final);
  m.kl_shaped_raw = &shaped == &final ? m.kl_final_raw : to_raw(shaped);
  if (&shaped != &final) m.kl_raw_shaped = &shaped == &raw ? 0 : sums ? sums->FromRaw(shaped) : Divergence(raw, shaped);
  else m.kl_raw_shaped = m.kl_raw_final;
  return m;
}

}  // namespace lp
