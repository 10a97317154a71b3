// Whether float32 rounding explains that a stage and its reference keep different tokens: only if the reference itself
// decides so at a setting a hair away. Which of equals stays is a rule, not rounding.
#pragma once

#include "support/reference_sampler.h"

namespace lp::reference {

// A stage at a setting a hair away, as far as rounding could carry its decision [D37]. Ranks and ties are exact:
// nothing to nudge.
struct Hair {
  double mass, logit, factor, sigma, entropy;

  Hair(const Logits& before, double sign) {
    const std::vector<size_t> order = Ranked(before);
    const auto n = static_cast<double>(order.size());
    const double largest = std::max(std::abs(before[order.front()]), std::abs(before[order.back()]));
    mass = sign * 1.1e-6 * (1 + std::sqrt(n) / 8);
    logit = sign * 1e-6 * std::max(4.0, largest);
    factor = std::exp(logit);
    double mean = 0, squares = 0;
    for (const size_t i : order) mean += before[i] / n;
    for (const size_t i : order) squares += (before[i] - mean) * (before[i] - mean) / n;
    sigma = std::sqrt(squares);
    entropy = EntropyOf(before);
  }
  template <class S>
  bool Nudge(S&) const {
    return false;
  }
  bool Nudge(TopP& s) const { return s.p += mass, true; }
  bool Nudge(TypicalP& s) const { return s.p += mass, true; }
  bool Nudge(TopH& s) const { return s.alpha += mass / entropy, true; }
  bool Nudge(TailFree& s) const { return s.z += mass, true; }
  bool Nudge(MinP& s) const { return s.p *= factor, true; }
  bool Nudge(EpsilonCutoff& s) const { return s.epsilon *= factor, true; }
  bool Nudge(EtaCutoff& s) const { return s.epsilon *= factor * factor, true; }
  bool Nudge(TopA& s) const { return s.a *= factor, true; }
  bool Nudge(Xtc& s) const { return s.threshold *= factor, true; }
  bool Nudge(TopNSigma& s) const { return s.n += logit / sigma, true; }
  bool Nudge(Mirostat1& s) const { return s.mu = (s.mu < 0 ? 2 * s.tau : s.mu) + (mass > 0 ? 1e-4 : -1e-4), true; }
  bool Nudge(Mirostat2& s) const { return s.mu = (s.mu < 0 ? 2 * s.tau : s.mu) + logit / std::log(2.0), true; }
};

inline bool Contains(const Logits& more, const Logits& less) {
  return std::equal(more.begin(), more.end(), less.begin(),
                    [](double a, double b) { return a != kGone || b == kGone; });
}

// Equal logits stand or fall together, or the lower ids stand.
inline bool FollowsTies(Ties ties, const Logits& before, const Logits& after) {
  std::vector<size_t> order = Ranked(before);
  for (size_t r = 0; r + 1 < order.size(); ++r) {
    if (before[order[r]] != before[order[r + 1]]) continue;
    const bool kept = after[order[r]] != kGone, next = after[order[r + 1]] != kGone;
    if (ties == Ties::kKeepAll ? kept != next : next && !kept) return false;
  }
  return true;
}

// Typical-p orders by a distance from the entropy, in which tokens may lie nearer to each other than the entropy is
// known.
inline bool IsRoundingOfDistances(const TypicalP& stage, const Logits& before, const Logits& after,
                                  const Logits& expected, double edge) {
  const double h = EntropyOf(before), lse = LogSumExp(before), slack = 2e-6 * std::max(4.0, std::abs(lse - h));
  for (size_t i = 0; i < before.size(); ++i) {
    if ((after[i] == kGone) != (expected[i] == kGone) && std::abs(std::abs(lse - before[i] - h) - edge) > slack)
      return false;
  }
  return FollowsTies(stage.ties, before, after);
}

// What was kept lies between what the reference keeps a hair to either side.
inline bool IsRounding(const Stage& stage, const Logits& before, const Logits& after, const Logits& expected,
                       double edge, Sampler& sampler) {
  if (const auto* s = std::get_if<TypicalP>(&stage);
      s != nullptr && IsRoundingOfDistances(*s, before, after, expected, edge))
    return true;
  if (std::holds_alternative<TopH>(stage) && EntropyOf(before) < 1e-6) return true;  // which is rounding itself
  Stage less = stage, more = stage;
  const bool nudged = std::visit([&](auto& s) { return Hair(before, -1).Nudge(s); }, less);
  if (!nudged || !std::visit([&](auto& s) { return Hair(before, +1).Nudge(s); }, more)) return false;
  const Logits a = sampler.Apply(less, before).value(), b = sampler.Apply(more, before).value();
  // An engine's float32 sum compares in its own way, whatever the rule: one token more or less.
  if (const auto* s = std::get_if<TopP>(&stage); s != nullptr && s->arithmetic != MassArithmetic::kExact) {
    const size_t n = Ranked(after).size();
    return FollowsTies(Ties::kLowerId, before, after) && n + 1 >= Ranked(a).size() && n <= Ranked(b).size() + 1;
  }
  return (Contains(b, after) && Contains(after, a)) || (Contains(a, after) && Contains(after, b));
}

}  // namespace lp::reference
