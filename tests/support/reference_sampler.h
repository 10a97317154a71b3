// Every sampler again, written as plainly as docs/definitions.md reads: double arithmetic, full sorts, the whole
// vocabulary at every stage. It shares the stage structs and the random numbers with the code under test, nothing else.
//
// What is float32 by definition is float32 here: a logit after an edit or a division is one correctly rounded float.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "sampling/stages.h"
#include "sampling/step.h"

namespace lp::reference {

inline constexpr double kGone = -std::numeric_limits<double>::infinity();
using Logits = std::vector<double>;  // float32 values; kGone = removed

inline double ToFloat(double x) {
  if (x == kGone) return kGone;
  const double limit = static_cast<double>(std::numeric_limits<float>::max());
  return static_cast<double>(static_cast<float>(std::clamp(x, -limit, limit)));
}

// Tokens that are left, best first; equal logits by lower id.
inline std::vector<size_t> Ranked(const Logits& x) {
  std::vector<size_t> order;
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] != kGone) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return x[a] > x[b]; });
  return order;
}

// The maximum apart from the rest: at 3e38 a logarithm added to it would be lost.
struct Normaliser {
  double max, sum;
};
inline Normaliser NormaliserOf(const Logits& x) {
  Normaliser n{*std::max_element(x.begin(), x.end()), 0};
  for (const double v : x) n.sum += v == kGone ? 0 : std::exp(v - n.max);
  return n;
}
inline double LogSumExp(const Logits& x) {
  const Normaliser n = NormaliserOf(x);
  return n.max + std::log(n.sum);
}
inline std::vector<double> Probabilities(const Logits& x) {
  const Normaliser n = NormaliserOf(x);
  std::vector<double> p(x.size());
  for (size_t i = 0; i < x.size(); ++i) p[i] = x[i] == kGone ? 0 : std::exp(x[i] - n.max) / n.sum;
  return p;
}
inline double EntropyOf(const Logits& x) {
  const Normaliser n = NormaliserOf(x);
  double h = std::log(n.sum);
  for (const double v : x) h -= v == kGone ? 0 : std::exp(v - n.max) / n.sum * (v - n.max);
  return std::max(0.0, h);
}

class Sampler {
 public:
  explicit Sampler(const Step& step) : step_(step) {}

  // What the stage that acted last came to, and the logits that it kept tokens from and up to; NaN: there is no such.
  struct Edges {
    double threshold = std::nan(""), low = std::nan(""), high = std::nan("");
  };
  const Edges& edges() const { return edges_; }

  // What a stage makes of x; nullopt where it would remove every token.
  std::optional<Logits> Apply(const Stage& stage, const Logits& x) {
    edges_ = {};
    Logits y = IsOff(stage) ? x : std::visit([&](const auto& s) { return Do(s, x); }, stage);
    if (Ranked(y).empty()) return std::nullopt;
    return y;
  }

 private:
  std::vector<TokenId> InScope(const Scope& scope) const {
    std::vector<TokenId> tokens;
    for (size_t i = 0; i < step_.history.size(); ++i) {
      const bool prompt = i < step_.prompt_length;
      if ((scope.output_only && prompt) || (scope.prompt_only && !prompt)) continue;
      tokens.push_back(step_.history[i]);
    }
    if (scope.last_n >= 0 && tokens.size() > static_cast<size_t>(scope.last_n)) {
      tokens.erase(tokens.begin(), tokens.end() - static_cast<std::ptrdiff_t>(scope.last_n));
    }
    return tokens;
  }
  bool HistoryEndsWith(const std::vector<TokenId>& head) const {
    if (head.size() > step_.history.size()) return false;
    return std::equal(head.rbegin(), head.rend(), step_.history.rbegin());
  }
  bool Completes(std::vector<TokenId> sequence) const {
    if (sequence.empty()) return false;
    sequence.pop_back();
    return HistoryEndsWith(sequence);
  }
  static double& At(Logits& x, TokenId id) { return x[static_cast<size_t>(id)]; }
  static Logits AddAll(Logits x, const std::map<TokenId, float>& bias) {
    for (const auto& [id, b] : bias) {
      if (At(x, id) == kGone) continue;
      At(x, id) = b == -std::numeric_limits<float>::infinity() ? kGone : ToFloat(At(x, id) + static_cast<double>(b));
    }
    return x;
  }

  static void Accumulate(float& sum, float b) {
    const bool ban = std::isinf(sum) || std::isinf(b);
    sum = ban ? -std::numeric_limits<float>::infinity()
              : static_cast<float>(ToFloat(static_cast<double>(sum) + static_cast<double>(b)));
  }
  Logits Do(const LogitBias& s, Logits x) {
    std::map<TokenId, float> bias;
    for (const auto& [id, b] : s.bias) Accumulate(bias[id], b);
    return AddAll(std::move(x), bias);
  }
  Logits Do(const SequenceBias& s, Logits x) {
    std::map<TokenId, float> bias;
    for (const auto& [ids, b] : s.bias) {
      if (Completes(ids)) Accumulate(bias[ids.back()], b);
    }
    return AddAll(std::move(x), bias);
  }
  Logits Do(const AllowedTokens& s, Logits x) {
    const std::set<TokenId> allowed(s.ids.begin(), s.ids.end());
    for (size_t i = 0; i < x.size(); ++i) {
      if (!allowed.contains(static_cast<TokenId>(i))) x[i] = kGone;
    }
    return x;
  }
  Logits Do(const BannedTokens& s, Logits x) {
    const auto output = static_cast<int64_t>(step_.history.size() - step_.prompt_length);
    if (s.until_output >= 0 && output >= s.until_output) return x;
    for (const TokenId id : s.ids) At(x, id) = kGone;
    return x;
  }
  Logits Do(const BadWords& s, Logits x) {
    const auto output = static_cast<int64_t>(step_.history.size() - step_.prompt_length);
    for (const auto& word : s.words) {
      if (s.output_only && static_cast<int64_t>(word.size()) > output + 1) continue;
      if (Completes(word)) At(x, word.back()) = kGone;
    }
    return x;
  }
  Logits Do(const RepetitionPenalty& s, Logits x) {
    const auto tokens = InScope(s.scope);
    const auto penalty = ToFloat(s.reward ? 1 / s.penalty : s.penalty);
    for (const TokenId id : std::set<TokenId>(tokens.begin(), tokens.end())) {
      double& v = At(x, id);
      if (v != kGone) v = ToFloat(v > 0 ? v / penalty : v * penalty);
    }
    return x;
  }
  Logits Do(const PresencePenalty& s, Logits x) {
    const auto tokens = InScope(s.scope);
    for (const TokenId id : std::set<TokenId>(tokens.begin(), tokens.end())) {
      if (At(x, id) != kGone) At(x, id) = ToFloat(At(x, id) - ToFloat(s.penalty));
    }
    return x;
  }
  Logits Do(const FrequencyPenalty& s, Logits x) {
    std::map<TokenId, int> count;
    for (const TokenId id : InScope(s.scope)) ++count[id];
    for (const auto& [id, n] : count) {
      if (At(x, id) == kGone) continue;
      At(x, id) = ToFloat(At(x, id) - ToFloat(n * ToFloat(s.penalty)));
    }
    return x;
  }
  // For every token: how long a repetition it would continue, by trying every earlier place.
  Logits Do(const Dry& s, Logits x) {
    const std::vector<TokenId> t = InScope(s.scope);
    const size_t n = t.size();
    size_t limit = n;  // the distance from the end to the nearest end of a breaker
    for (size_t back = 0; back < n; ++back) {
      for (const auto& breaker : s.breakers) {
        if (breaker.empty() || breaker.size() > n - back) continue;
        if (std::equal(breaker.begin(), breaker.end(),
                       t.begin() + static_cast<std::ptrdiff_t>(n - back - breaker.size())))
          limit = std::min(limit, back);
      }
    }
    std::map<TokenId, size_t> longest;
    for (size_t at = 0; at + 1 < n;
         ++at) {  // t[at] would be the end of the earlier occurrence, t[at + 1] what followed
      size_t length = 0;
      while (length <= at && t[at - length] == t[n - 1 - length]) ++length;
      longest[t[at + 1]] = std::max(longest[t[at + 1]], std::min(length, limit));
    }
    for (const auto& [id, length] : longest) {
      if (length == 0 || static_cast<int64_t>(length) < s.allowed_length || At(x, id) == kGone) continue;
      double exponent = static_cast<double>(length) - static_cast<double>(s.allowed_length);
      if (s.base > 1) exponent = std::min(exponent, 88.7 / std::log(s.base));
      At(x, id) = ToFloat(At(x, id) - ToFloat(s.multiplier * std::pow(s.base, exponent)));
    }
    return x;
  }
  Logits Do(const NoRepeatNgram& s, Logits x) {
    const auto n = static_cast<size_t>(s.n);
    const std::vector<TokenId> t = InScope(s.scope);
    for (size_t i = 0; i + n <= t.size(); ++i) {
      const std::vector<TokenId> head(t.begin() + static_cast<std::ptrdiff_t>(i),
                                      t.begin() + static_cast<std::ptrdiff_t>(i + n - 1));
      if (HistoryEndsWith(head)) At(x, t[i + n - 1]) = kGone;
    }
    return x;
  }
  Logits Do(const LogSoftmax&, Logits x) {
    const double lse = edges_.threshold = LogSumExp(x);
    for (double& v : x) v = ToFloat(v - lse);
    return x;
  }
  Logits Divide(Logits x, double t) {
    if (t <= 0) x = KeepFirst(x, 1);
    edges_.threshold = t;
    if (t <= 0 || t == 1) return x;
    const double divisor = std::max(ToFloat(t), static_cast<double>(std::numeric_limits<float>::denorm_min()));
    const double max = *std::max_element(x.begin(), x.end());
    const bool overflows = std::max(std::abs(max), 1.0) / divisor > 1e30;  // relative to the maximum it cannot [D4]
    for (double& v : x) {
      if (v != kGone) v = overflows ? ToFloat(ToFloat(v - max) / divisor) : ToFloat(v / divisor);
    }
    return x;
  }
  Logits Do(const Temperature& s, const Logits& x) { return Divide(x, s.temperature); }
  Logits Do(const DynamicTemperature& s, const Logits& x) {
    const size_t n = Ranked(x).size();
    if (n < 2) return x;
    const double share = std::min(1.0, EntropyOf(x) / std::log(static_cast<double>(n)));
    return Divide(x, s.low + (s.high - s.low) * std::pow(share, s.exponent));
  }
  Logits Do(const AdaptiveP& s, Logits x) {
    const double target = std::clamp(s.target, 0.0, 1.0);
    const double aim =
        s.total_weight == 0 ? target : std::clamp(2 * target - s.weighted_sum / s.total_weight, 0.0, 1.0);
    edges_.threshold = aim;
    const std::vector<double> p = Probabilities(x);
    for (size_t i = 0; i < x.size(); ++i) {
      const double d = std::abs(p[i] - aim) / 0.3;
      if (x[i] != kGone) x[i] = ToFloat(5 - 10 * d * d / (1 + d));
    }
    return x;
  }

  // --- cuts
  static size_t AtLeast(int64_t min_keep) { return static_cast<size_t>(std::max<int64_t>(1, min_keep)); }
  Logits KeepFirst(const Logits& x, size_t n) {
    Logits y(x.size(), kGone);
    const std::vector<size_t> order = Ranked(x);
    if (n < order.size()) edges_.low = x[order[n - 1]];
    for (size_t r = 0; r < std::min(n, order.size()); ++r) y[order[r]] = x[order[r]];
    return y;
  }
  // Tokens that pass, which are a prefix of the rank order; `edge` is the logit from which on they do.
  template <class Keep>
  Logits KeepIf(const Logits& x, int64_t min_keep, double edge, const Keep& keep) {
    size_t n = 0;
    for (const size_t i : Ranked(x)) n += keep(i) ? size_t{1} : 0;
    const Logits y = KeepFirst(x, std::max(n, AtLeast(min_keep)));
    if (n >= AtLeast(min_keep)) edges_.low = edge;
    return y;
  }
  static size_t Prefix(const std::vector<double>& mass_in_order, MassRule rule, double p) {
    double before = 0;
    size_t n = 0;
    for (const double m : mass_in_order) {
      const bool keep = rule == MassRule::kBeforeLess          ? before < p
                        : rule == MassRule::kBeforeLessOrEqual ? before <= p
                                                               : before + m <= p;
      if (!keep && n > 0) break;
      ++n;
      before += m;
    }
    return n;
  }
  Logits Do(const TopK& s, const Logits& x) {
    const size_t k = std::max(static_cast<size_t>(s.k), AtLeast(s.min_keep));
    const std::vector<size_t> order = Ranked(x);
    if (k >= order.size()) return x;
    const double last = x[order[k - 1]];
    const Logits y =
        s.ties == Ties::kLowerId ? KeepFirst(x, k) : KeepIf(x, 1, last, [&](size_t i) { return x[i] >= last; });
    edges_.threshold = last;
    return y;
  }
  Logits Do(const TopP& s, const Logits& x) {
    const std::vector<double> p = Probabilities(x);
    std::vector<double> in_order;
    for (const size_t i : Ranked(x)) in_order.push_back(p[i]);
    const size_t n = std::max(Prefix(in_order, s.rule, s.p), AtLeast(s.min_keep));
    if (n < in_order.size()) edges_.threshold = in_order[n - 1];
    return KeepFirst(x, n);
  }
  Logits Do(const MinP& s, const Logits& x) {
    const std::vector<double> p = Probabilities(x);
    edges_.threshold = s.p * *std::max_element(p.begin(), p.end());
    const double edge = *std::max_element(x.begin(), x.end()) + std::log(s.on_logits ? ToFloat(s.p) : s.p);
    const double threshold = edges_.threshold;
    const Logits y = KeepIf(x, s.min_keep, edge, [&](size_t i) { return x[i] >= edge; });
    edges_.threshold = threshold;
    return y;
  }
  Logits Do(const TypicalP& s, const Logits& x) {
    const std::vector<double> p = Probabilities(x);
    const Normaliser all = NormaliserOf(x);
    const double h = EntropyOf(x), lse = LogSumExp(x);
    const auto distance = [&](size_t i) { return std::abs(std::log(all.sum) - (x[i] - all.max) - h); };
    std::vector<size_t> order = Ranked(x);
    std::sort(order.begin(), order.end());
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return distance(a) < distance(b); });
    std::vector<double> in_order;
    for (const size_t i : order) in_order.push_back(p[i]);
    const size_t n = std::min(order.size(), std::max(Prefix(in_order, s.rule, s.p), AtLeast(s.min_keep)));
    if (n < order.size()) {
      edges_.threshold = distance(order[n - 1]);
      edges_.low = lse - h - edges_.threshold, edges_.high = lse - h + edges_.threshold;
    }
    Logits y(x.size(), kGone);
    for (size_t r = 0; r < order.size(); ++r) {
      const double d = distance(order[r]), last = distance(order[n - 1]);
      const bool tie = s.ties == Ties::kKeepAll && d - last <= 1e-12 * (1 + std::abs(lse) + h + last);
      if (r < n || tie) y[order[r]] = x[order[r]];
    }
    return y;
  }
  Logits Do(const TopNSigma& s, const Logits& x) {
    const std::vector<size_t> order = Ranked(x);
    const auto n = static_cast<double>(order.size());
    double mean = 0, squares = 0;
    for (const size_t i : order) mean += x[i] / n;
    for (const size_t i : order) squares += (x[i] - mean) * (x[i] - mean) / n;
    const double t = x[order[0]] - s.n * std::sqrt(squares);
    const Logits y = KeepIf(x, s.min_keep, t, [&](size_t i) { return x[i] >= t; });
    edges_.threshold = t;
    return y;
  }
  Logits KeepProbable(const Logits& x, double threshold, int64_t min_keep, Ties ties) {
    const std::vector<double> p = Probabilities(x);
    const std::vector<size_t> order = Ranked(x);
    const double least = x[order[std::min(order.size(), AtLeast(min_keep)) - 1]];
    size_t n = 0;
    for (const double q : p) n += q >= threshold ? size_t{1} : 0;
    const double edge = n < AtLeast(min_keep) ? least : LogSumExp(x) + std::log(threshold);
    edges_.threshold = threshold;
    return KeepIf(x, min_keep, edge,
                  [&](size_t i) { return p[i] >= threshold || (ties == Ties::kKeepAll && x[i] >= least); });
  }
  Logits Do(const EpsilonCutoff& s, const Logits& x) { return KeepProbable(x, s.epsilon, s.min_keep, Ties::kKeepAll); }
  Logits Do(const EtaCutoff& s, const Logits& x) {
    return KeepProbable(x, std::min(s.epsilon, std::sqrt(s.epsilon) * std::exp(-EntropyOf(x))), s.min_keep,
                        Ties::kKeepAll);
  }
  Logits Do(const TopA& s, const Logits& x) {
    const std::vector<double> p = Probabilities(x);
    const double best = *std::max_element(p.begin(), p.end());
    return KeepProbable(x, s.a * best * best, s.min_keep, Ties::kLowerId);
  }
  Logits Do(const TopH& s, const Logits& all) {
    const Logits x = s.n_max > 0 ? KeepFirst(all, static_cast<size_t>(s.n_max)) : all;
    const std::vector<double> p = Probabilities(x);
    const double tau = s.alpha * EntropyOf(x);
    double sum = 0;
    size_t n = 0;
    for (const size_t i : Ranked(x)) {
      sum -= p[i] > 0 ? p[i] * std::log(p[i]) : 0;
      if (sum > tau) break;
      ++n;
    }
    edges_.threshold = tau;
    return KeepFirst(x, std::max(n, AtLeast(s.min_keep)));
  }
  Logits Do(const TailFree& s, const Logits& x) {
    const std::vector<size_t> order = Ranked(x);
    const std::vector<double> p = Probabilities(x);
    if (order.size() < 3) return x;
    std::vector<double> second;
    double sum = 0;
    for (size_t r = 0; r + 2 < order.size(); ++r) {
      second.push_back(std::abs(p[order[r]] - 2 * p[order[r + 1]] + p[order[r + 2]]));
      sum += second.back();
    }
    double cumulated = 0;
    for (size_t r = 0; r < second.size(); ++r) {
      cumulated += sum > 1e-6 ? second[r] / sum : 1 / static_cast<double>(second.size());
      if (cumulated > s.z && r >= AtLeast(s.min_keep)) {
        edges_.threshold = p[order[r - 1]];
        return KeepFirst(x, r);
      }
    }
    return x;
  }
  Logits Do(const Xtc& s, Logits x) {
    const std::vector<size_t> order = Ranked(x);
    const double coin = UniformAt(step_.seed ^ 0x9E3779B97F4A7C15u, step_.position);
    if (order.size() < 2 || s.threshold > 0.5 || coin >= s.probability) return x;
    const std::vector<double> p = Probabilities(x);
    size_t above = 0;
    for (const size_t i : order) above += p[i] >= s.threshold ? size_t{1} : 0;
    edges_.threshold = s.threshold;
    if (above < 2 || order.size() - (above - 1) < AtLeast(s.min_keep)) return x;
    edges_.high = x[order[above - 1]];
    for (size_t r = 0; r + 1 < above; ++r) x[order[r]] = kGone;
    return x;
  }
  Logits Do(const Mirostat1& s, const Logits& x) {
    const std::vector<size_t> order = Ranked(x);
    const std::vector<double> p = Probabilities(x);
    const double mu = s.mu < 0 ? 2 * s.tau : s.mu;
    double tb = 0, tt = 0;
    for (size_t i = 0; i + 1 < std::min(order.size(), static_cast<size_t>(s.m)); ++i) {
      const double t = std::log(static_cast<double>(i + 2) / static_cast<double>(i + 1)),
                   b = x[order[i]] - x[order[i + 1]];
      tb += t * b, tt += t * t;
    }
    if (tt == 0) return x;
    const double zipf = tb / tt, epsilon = zipf - 1;
    const double k =
        std::pow(epsilon * std::pow(2, mu) / (1 - std::pow(static_cast<double>(x.size()), -epsilon)), 1 / zipf);
    edges_.threshold = k;
    if (!(k < static_cast<double>(order.size()))) return x;
    return KeepFirst(x, std::max<size_t>(1, static_cast<size_t>(k)));
  }
  Logits Do(const Mirostat2& s, const Logits& x) {
    const double mu = s.mu < 0 ? 2 * s.tau : s.mu, lse = LogSumExp(x);
    edges_.threshold = mu;
    return KeepIf(x, 1, lse - mu * std::log(2.0), [&](size_t i) { return (lse - x[i]) / std::log(2.0) <= mu; });
  }
  Logits Do(const Greedy&, const Logits& x) { return KeepFirst(x, 1); }

  Step step_;
  Edges edges_;
};

}  // namespace lp::reference
