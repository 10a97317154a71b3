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
constexpr size_t kBest = 32;  // tokens for which the rounding of a quotient counts

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

// KL(P || raw) and KL(raw || P) where P is (raw with some logits edited) / t, softmaxed, some of its tokens perhaps
// cut: both are differences of entropies and mean logits, and sums are known. [D12]
//   KL(P || raw) = -H(P) - E_P[x] + lse(x)    E_P[x] = t E_P[y] - sum over edited tokens p (x' - x)
//   KL(raw || P) = -H(raw) - E_raw[y] + lse(y)    E_raw[y] = (E_raw[x] + sum over edited tokens p_raw (x' - x)) / t
// y is x' / t rounded to float32. Over many tokens that averages out; for the few that hold much it is put right.
class FromSums {
 public:
  FromSums(const State& raw, const Trace::Affine& affine) : raw_(raw), edited_(*affine.edited), t_(affine.divisor) {
    if (affine.edited == &raw) return;
    if (const auto edits = affine.edited->EditsOf(raw)) {
      for (const Candidate& c : *edits) {
        edits_.push_back({c.id, static_cast<double>(c.value) - static_cast<double>(raw.Value(c.id))});
      }
      return;
    }
    const LogitVector &before = raw.values(), &after = affine.edited->values();
    for (size_t b = 0; b < before.n_blocks(); ++b) {
      if (before.SharesBlock(after, b)) continue;
      const float *x = before.block(b), *y = after.block(b);
      for (size_t part = 0; part < LogitVector::kBlock; part += 16) {
        if (std::memcmp(x + part, y + part, 16 * sizeof(float)) == 0) continue;
        for (size_t i = part; i < part + 16; ++i) {
          if (x[i] == y[i]) continue;
          edits_.push_back({static_cast<TokenId>(b * LogitVector::kBlock + i),
                            static_cast<double>(y[i]) - static_cast<double>(x[i])});
        }
      }
    }
  }
  template <class P>
  double ToRaw(const P& p) const {
    double mean = t_ * (p.sums().MeanLogit() - Rounding(p, p));
    for (const Edit& edit : edits_) {
      if (p.Has(edit.id)) mean -= p.Probability(edit.id) * edit.change;
    }
    return std::max(0.0, raw_.mass().LogSumExp() - mean - p.sums().Entropy());
  }
  template <class P>
  double FromRaw(const P& p) const {
    double mean = raw_.sums().MeanLogit();
    for (const Edit& edit : edits_) mean += raw_.Probability(edit.id) * edit.change;
    return std::max(0.0, p.sums().LogSumExp() - (mean / t_ + Rounding(raw_, p)) - raw_.sums().Entropy());
  }

 private:
  // The sum of w (y - x' / t) over the tokens of most weight, y as `p` has it.
  template <class W, class P>
  double Rounding(const W& weights, const P& p) const {
    double sum = 0;
    for (const Candidate& c : weights.Top(kBest)) {
      if (!p.Has(c.id)) continue;
      const auto exact = static_cast<double>(edited_.Value(c.id)) / t_;
      sum += weights.Probability(c.id) * (static_cast<double>(p.Value(c.id)) - exact);
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

// What FromSums asks of the shaped distribution where nobody else wants it: x' / t by its sums, without its values. The
// sums are of exact quotients; those of most weight are rounded as a division would.
class Quotient {
 public:
  Quotient(const State& edited, double t)
      : edited_(edited), t_(static_cast<float>(t)), sums_(edited.SumsDividedBy(t_)) {
    const double max = static_cast<double>(sums_.max);
    for (const Candidate& c : Top(kBest)) {
      const double exact = static_cast<double>(c.value) / static_cast<double>(t_) - max;
      const double rounded = static_cast<double>(Value(c.id)) - max;
      const double before = std::exp(exact), after = std::exp(rounded);
      sums_.sum_exp += after - before;
      sums_.sum_x_exp += rounded * after - exact * before;
    }
  }
  const SoftmaxSums& sums() const { return sums_; }
  std::span<const Candidate> Top(size_t k) const { return edited_.Top(k); }  // dividing changes no rank
  bool Has(TokenId id) const { return edited_.Has(id); }
  float Value(TokenId id) const { return edited_.Value(id) / t_; }
  double Probability(TokenId id) const {
    return std::exp(static_cast<double>(Value(id)) - static_cast<double>(sums_.max)) / sums_.sum_exp;
  }

 private:
  const State& edited_;
  float t_;
  SoftmaxSums sums_;
};

// KL(shaped || raw) and the other way round.
void AddShaped(const Trace& trace, Metrics& m) {
  const State &raw = trace.raw(), &final = trace.final();
  const auto affine = trace.ShapedFromRaw();
  const bool wide = affine && !raw.narrow() && !affine->edited->narrow() && affine->edited->n() == raw.n();
  // A temperature near 0 subtracts the maximum first, and is no plain division then.
  const bool plain = wide && affine->divisor > 1e-20 && !affine->edited->OverflowsDividedBy(affine->divisor);
  std::optional<FromSums> sums;
  if (plain) sums.emplace(raw, *affine);
  m.kl_final_raw = &final == &raw ? 0 : sums && !final.narrow() ? sums->ToRaw(final) : Divergence(final, raw);
  m.kl_raw_final = m.n_kept < raw.n()        ? kInfinity
                   : sums && !final.narrow() ? sums->FromRaw(final)
                                             : Divergence(raw, final);
  if (plain && !affine->made && affine->n_divisions == 1) {
    const Quotient shaped(*affine->edited, affine->divisor);
    m.kl_shaped_raw = sums->ToRaw(shaped);
    m.kl_raw_shaped = sums->FromRaw(shaped);
    return;
  }
  const State& shaped = trace.Shaped();
  if (&shaped == &final) {
    m.kl_shaped_raw = m.kl_final_raw;
    m.kl_raw_shaped = m.kl_raw_final;
  } else if (&shaped != &raw) {
    const bool from_sums = sums && !shaped.narrow() && shaped.n() == raw.n();
    m.kl_shaped_raw = from_sums ? sums->ToRaw(shaped) : Divergence(shaped, raw);
    m.kl_raw_shaped = from_sums ? sums->FromRaw(shaped) : Divergence(raw, shaped);
  }
}

}  // namespace

Metrics ComputeMetrics(const Trace& trace) {
  const State &raw = trace.raw(), &final = trace.final();
  Metrics m;
  final.sums(Sums::kAll);  // all at once
  m.raw_entropy = raw.sums().Entropy();
  m.raw_varentropy = raw.sums().Varentropy();
  m.entropy = final.sums().Entropy();
  m.perplexity = std::exp(m.entropy);
  m.varentropy = final.sums().Varentropy();
  m.effective_vocab = final.sums(Sums::kAll).EffectiveVocabulary();
  m.n_kept = final.n();
  m.top5_prob = 0;
  for (const Candidate& c : final.Top(5)) m.top5_prob += final.ProbabilityOf(c.value);
  m.top1_prob = final.ProbabilityOf(final.Max());
  m.top5_prob = std::min(1.0, m.top5_prob);
  m.mass_cut = raw.MassLost(final);
  AddShaped(trace, m);
  return m;
}

}  // namespace lp
