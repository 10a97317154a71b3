// Stages that remove tokens by their logit or probability. Thresholds are double; which tokens pass is decided on the
// exact float32 logits. A decision within float32 rounding of its boundary is flagged [D37].
#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "sampling/apply.h"

namespace lp {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

double Wide(float x) { return static_cast<double>(x); }

// The smallest float >= t.
float FloatFrom(double t) {
  const float f = ToFloat32(t);
  return Wide(f) < t ? std::nextafter(f, kInfinity) : f;
}

size_t MinKeep(int64_t min_keep, const State& state) {
  return std::clamp(static_cast<size_t>(std::max<int64_t>(min_keep, 1)), size_t{1}, state.n());
}

// How far from a logit a threshold may be and still be decided by rounding: a few units in the last place of float32
// logits and of probabilities computed from them.
double LogitSlack(double t) { return 5e-7 * std::max(4.0, std::abs(t)); }

// Whether some token's logit is that near to t. The first `least` of the rank order do not count: they stay, come what
// may.
bool NearLogit(const State& state, double t, size_t least) {
  if (!std::isfinite(t)) return false;
  const float from = ToFloat32(t - LogitSlack(t)), to = ToFloat32(t + LogitSlack(t));
  if (from > state.Max()) return false;
  return state.CountFrom(from) >
         std::max(least, to >= state.Max() ? 0 : state.CountFrom(std::nextafter(to, kInfinity)));
}

// Whether the token after the n-th of the rank order has the same logit: which of equals stays is each engine's own
// choice.
bool TiesAfter(const State& state, const Candidate& last, size_t n) {
  if (n >= state.n()) return false;
  if (!state.narrow() && n >= State::kNarrow) return state.CountFrom(last.value) > n;
  return state.Ranked(n + 1).value == last.value;
}

// Keeps the first n of the rank order, of which `last` is the n-th; `found`: a search by probability that ended there.
Outcome CutThrough(const State& state, const Candidate& last, size_t n, const MassEdge* found = nullptr) {
  if (n >= state.n()) return {};
  const bool tied = found != nullptr && found->tied ? *found->tied : TiesAfter(state, last, n);
  return {.state = state.KeepThrough(last, n, found), .low = Wide(last.value), .boundary = tied};
}
Outcome CutAfter(const State& state, size_t n) {
  if (n >= state.n()) return {};
  return CutThrough(state, state.Ranked(n), n);
}

// Keeps tokens whose logit is at least t, and at least min_keep of them: where fewer reach t, the first min_keep of the
// rank order, or with kKeepAll also those that tie with the last of them.
Outcome CutBelow(const State& state, double t, int64_t min_keep, Ties ties = Ties::kLowerId) {
  float low = FloatFrom(t);
  const size_t least = MinKeep(min_keep, state);
  const bool near = NearLogit(state, t, least);
  Outcome outcome{.low = t};
  if (low > state.Max() || (least > 1 && state.CountFrom(low) < least)) {
    const Candidate last = state.Ranked(least);
    if (!TiesAfter(state, last, least) || ties == Ties::kLowerId) {
      outcome = CutThrough(state, last, least);
      outcome.boundary = outcome.boundary || near;
      return outcome;
    }
    low = last.value;
    outcome.low = Wide(low);
  }
  if (state.CountFrom(low) < state.n()) outcome.state = state.KeepRange(low, kInfinity);
  outcome.boundary = near;
  return outcome;
}

// Keeps tokens of a probability of at least p.
Outcome CutImprobable(const State& state, double p, int64_t min_keep, Ties ties) {
  if (!(p > 0)) return {};
  Outcome outcome = CutBelow(state, state.mass().LogSumExp() + std::log(p), min_keep, ties);
  outcome.threshold = p;
  return outcome;
}

// How much a sum of n float32 probabilities may be off in an engine.
double MassSlack(size_t n) { return 1e-6 * (1 + std::sqrt(static_cast<double>(n)) / 8); }

// Whether a sum that ends so near to p decides about a token that may go: the last one before the edge or the first
// after it. The first `least` stay, come what may; an edge before them may as well be one after them.
bool NearMass(const MassEdge& edge, double p, size_t least) {
  const double slack = MassSlack(edge.n);
  return (edge.n > least && std::abs(edge.before - p) < slack) || std::abs(edge.through - p) < slack;
}

// How many tokens of the rank order an engine keeps that adds up float32 probabilities one by one; nullopt where its
// sum would take the whole vocabulary in order, which is not worth the sort.
std::optional<size_t> Float32Count(const TopP& stage, const State& state) {
  constexpr size_t kMost = 4096;
  if (stage.arithmetic == MassArithmetic::kExact || state.n() > kMost) return std::nullopt;
  const std::span<const Candidate> order = state.Top(state.n());
  const auto p = static_cast<float>(stage.p);
  const auto prob = [&](size_t i) { return static_cast<float>(state.ProbabilityOf(order[i].value)); };
  float sum = 0;
  switch (stage.arithmetic) {
    case MassArithmetic::kFloat32Descending:
      for (size_t i = 0; i < order.size(); ++i) {
        sum += prob(i);
        if (sum >= p) return i + 1;
      }
      return order.size();
    case MassArithmetic::kFloat32DescendingBefore:
      for (size_t i = 0; i < order.size(); ++i) {
        sum += prob(i);
        if (!(sum - prob(i) < p)) return i;
      }
      return order.size();
    case MassArithmetic::kFloat32Ascending:
    case MassArithmetic::kFloat32AscendingFloat32P: {
      const float tail =
          stage.arithmetic == MassArithmetic::kFloat32Ascending ? static_cast<float>(1 - stage.p) : 1 - p;
      for (size_t i = order.size(); i-- > 0;) {
        sum += prob(i);
        if (!(sum <= tail)) return i + 1;
      }
      return 0;
    }
    case MassArithmetic::kExact:
      break;
  }
  return std::nullopt;
}

}  // namespace

// [D5]
Outcome Apply(const Greedy&, const State& state, const Step&) { return CutAfter(state, 1); }

// [D6]
Outcome Apply(const TopK& stage, const State& state, const Step&) {
  const size_t k = std::max(static_cast<size_t>(stage.k), MinKeep(stage.min_keep, state));
  if (k >= state.n()) return {};
  const Candidate last = state.Ranked(k);
  const bool tie = TiesAfter(state, last, k);
  Outcome outcome{.low = Wide(last.value), .boundary = tie};
  if (!tie || stage.ties == Ties::kLowerId)
    outcome = CutThrough(state, last, k);
  else if (state.CountFrom(last.value) < state.n())
    outcome.state = state.KeepRange(last.value, kInfinity);
  outcome.threshold = Wide(last.value);
  return outcome;
}

// [D7]
Outcome Apply(const TopP& stage, const State& state, const Step&) {
  const MassEdge edge = state.FindMass(Weight::kProbability, stage.p);
  size_t n = edge.n;
  const bool near = NearMass(edge, stage.p, MinKeep(stage.min_keep, state));
  if (stage.rule == MassRule::kBeforeLessOrEqual && edge.through == stage.p) ++n;
  if (stage.rule == MassRule::kThroughLessOrEqual && edge.through > stage.p) --n;
  if (near) n = Float32Count(stage, state).value_or(n);
  n = std::clamp(n, MinKeep(stage.min_keep, state), state.n());
  Outcome outcome = n == edge.n ? CutThrough(state, edge.last, n, &edge) : CutAfter(state, n);
  outcome.boundary = outcome.boundary || near;
  if (n < state.n()) outcome.threshold = state.ProbabilityOf(static_cast<float>(outcome.low));
  return outcome;
}

// [D25]
Outcome Apply(const MinP& stage, const State& state, const Step&) {
  const double t = stage.on_logits ? Wide(state.Max() + std::log(static_cast<float>(stage.p)))
                                   : Wide(state.Max()) + std::log(stage.p);
  Outcome outcome = CutBelow(state, t, stage.min_keep);
  outcome.threshold = stage.p * state.ProbabilityOf(state.Max());
  return outcome;
}

// [D26] Tokens whose surprisal is nearest to the entropy, until they hold p.
Outcome Apply(const TypicalP& stage, const State& state, const Step&) {
  const double centre = state.mass().LogSumExp() - state.sums().Entropy();  // the logit at which -log p = H
  const MassEdge edge = state.FindMassAround(centre, stage.p);
  const auto distance_of = [&](const Candidate& c) { return std::abs(Wide(c.value) - centre); };
  size_t n = edge.n;
  if (stage.rule == MassRule::kBeforeLessOrEqual && edge.through == stage.p) ++n;
  if (stage.rule == MassRule::kThroughLessOrEqual && edge.through > stage.p) --n;
  n = std::clamp(n, MinKeep(stage.min_keep, state), state.n());
  if (n >= state.n()) return {};
  double distance = distance_of(edge.last);
  if (n != edge.n) distance = distance_of(state.NearestTo(centre, std::numeric_limits<double>::infinity())[n - 1]);
  const double slack = LogitSlack(centre), rounding = 1e-12 * (1 + std::abs(centre) + distance);
  Outcome outcome{.threshold = distance, .low = centre - distance, .high = centre + distance};
  const bool near_mass = NearMass(edge, stage.p, MinKeep(stage.min_keep, state));
  if (n > State::kNarrow) {
    outcome.state = state.KeepRange(FloatFrom(centre - distance - rounding), ToFloat32(centre + distance + rounding));
    const bool ties = outcome.state->n() != n;
    outcome.boundary = near_mass || ties;
    if (ties && stage.ties == Ties::kLowerId) {
      std::vector<Candidate> nearest = state.NearestTo(centre, distance + rounding);
      nearest.resize(n);
      outcome.state = state.Only(std::move(nearest));
    }
    return outcome;
  }
  std::vector<Candidate> nearest = state.NearestTo(centre, distance + slack);
  outcome.boundary = near_mass || nearest.size() > n;
  if (stage.ties == Ties::kLowerId) {
    nearest.resize(n);
  } else {
    std::erase_if(nearest, [&](const Candidate& c) { return distance_of(c) > distance + rounding; });
  }
  if (nearest.size() < state.n()) outcome.state = state.Only(std::move(nearest));
  return outcome;
}

// [D27]
Outcome Apply(const TopNSigma& stage, const State& state, const Step&) {
  const double t = Wide(state.Max()) - stage.n * state.LogitMoments().deviation;
  Outcome outcome = CutBelow(state, t, stage.min_keep);
  outcome.threshold = t;
  return outcome;
}

// [D28]
Outcome Apply(const EpsilonCutoff& stage, const State& state, const Step&) {
  return CutImprobable(state, stage.epsilon, stage.min_keep, Ties::kKeepAll);
}

// [D29]
Outcome Apply(const EtaCutoff& stage, const State& state, const Step&) {
  const double eta = std::min(stage.epsilon, std::sqrt(stage.epsilon) * std::exp(-state.sums().Entropy()));
  return CutImprobable(state, eta, stage.min_keep, Ties::kKeepAll);
}

// [D30]
Outcome Apply(const TopA& stage, const State& state, const Step&) {
  const double top = state.ProbabilityOf(state.Max());
  return CutImprobable(state, stage.a * top * top, stage.min_keep, Ties::kLowerId);
}

// [D31] The longest prefix of the rank order whose entropy terms sum to at most alpha times the entropy of all.
Outcome Apply(const TopH& stage, const State& state, const Step& step) {
  if (stage.n_max > 0 && static_cast<size_t>(stage.n_max) < state.n()) {
    const State best = state.KeepTop(static_cast<size_t>(stage.n_max));
    TopH rest = stage;
    rest.n_max = 0;
    Outcome outcome = Apply(rest, best, step);
    if (outcome.state) {
      outcome.state = state.KeepTop(outcome.state->n());  // nothing may refer to `best`
      return outcome;
    }
    const Outcome first = CutAfter(state, best.n());
    outcome.state = first.state;
    outcome.low = first.low;
    outcome.boundary = outcome.boundary || first.boundary;
    return outcome;
  }
  const double tau = stage.alpha * state.sums().Entropy();
  const MassEdge edge = state.FindMass(Weight::kEntropy, tau);
  const bool whole = !edge.reached || edge.through <= tau;
  const bool all =
      stage.alpha >= 1;  // of the first n_max; whether float32 sums reach tau before the last of them is chance
  const size_t n = all ? state.n() : std::clamp(whole ? edge.n : edge.n - 1, MinKeep(stage.min_keep, state), state.n());
  Outcome outcome = CutAfter(state, n);
  outcome.threshold = tau;
  outcome.boundary = outcome.boundary || all || NearMass(edge, tau, MinKeep(stage.min_keep, state));
  return outcome;
}

// [D32] Needs the curvature of the whole sorted curve: the one stage that sorts everything.
Outcome Apply(const TailFree& stage, const State& state, const Step&) {
  if (state.n() < 3) return {.skipped = true};
  const auto order = state.Top(state.n());
  std::vector<double> curvature(order.size() - 2);
  double sum = 0;
  for (size_t i = 0; i < curvature.size(); ++i) {
    const double a = state.ProbabilityOf(order[i].value), b = state.ProbabilityOf(order[i + 1].value),
                 c = state.ProbabilityOf(order[i + 2].value);
    curvature[i] = std::abs((a - b) - (b - c));
    sum += curvature[i];
  }
  const auto n = static_cast<double>(curvature.size());
  double cumulated = 0;
  size_t keep = order.size();
  Outcome edge;
  for (size_t i = 0; i < curvature.size(); ++i) {
    cumulated += sum > 1e-6 ? curvature[i] / sum : 1 / n;
    if (std::abs(cumulated - stage.z) < MassSlack(i)) edge.boundary = true;
    if (cumulated > stage.z && i >= MinKeep(stage.min_keep, state)) {
      keep = i;
      break;
    }
  }
  Outcome outcome = CutAfter(state, keep);
  if (outcome.state) outcome.threshold = state.ProbabilityOf(static_cast<float>(outcome.low));
  outcome.boundary = outcome.boundary || edge.boundary;
  return outcome;
}

// [D33]
Outcome Apply(const Xtc& stage, const State& state, const Step& step) {
  const double coin = UniformAt(step.seed ^ 0x9E3779B97F4A7C15u, step.position);  // another stream than the draw's
  if (state.n() < 2 || stage.threshold > 0.5 || coin >= stage.probability) return {.skipped = true};
  const double t = state.mass().LogSumExp() + std::log(stage.threshold);
  const size_t n = state.CountFrom(FloatFrom(t));
  Outcome outcome{.threshold = stage.threshold, .boundary = NearLogit(state, t, 0)};
  if (n < 2 || state.n() - (n - 1) < MinKeep(stage.min_keep, state)) return outcome;
  std::vector<TokenId> removed;
  for (const Candidate& c : state.Top(n - 1)) removed.push_back(c.id);
  outcome.high = Wide(state.Ranked(n).value);
  outcome.boundary = outcome.boundary || state.Ranked(n - 1).value == state.Ranked(n).value;
  outcome.state = state.Without(removed);
  return outcome;
}

// [D34]
Outcome Apply(const Mirostat1& stage, const State& state, const Step&) {
  const double mu = stage.mu < 0 ? 2 * stage.tau : stage.mu;
  const auto top = state.Top(static_cast<size_t>(std::max<int64_t>(stage.m, 2)));
  double sum_tb = 0, sum_tt = 0;
  for (size_t i = 0; i + 1 < top.size(); ++i) {
    const double t = std::log(static_cast<double>(i + 2) / static_cast<double>(i + 1));
    const double b = Wide(top[i].value) - Wide(top[i + 1].value);  // log(p_i / p_{i+1})
    sum_tb += t * b;
    sum_tt += t * t;
  }
  if (sum_tt == 0) return {.skipped = true};
  const double s = sum_tb / sum_tt, epsilon = s - 1, log_v = std::log(static_cast<double>(state.n_vocab()));
  // epsilon / (1 - V^-epsilon), which is 1 / log V at epsilon = 0
  const double norm = epsilon == 0 ? 1 / log_v : epsilon / -std::expm1(-epsilon * log_v);
  const double k = std::pow(norm * std::pow(2, mu), 1 / s);  // all equal: s = 0, k = 0 or infinite
  const size_t n = k < static_cast<double>(state.n()) ? std::max<size_t>(1, static_cast<size_t>(k)) : state.n();
  Outcome outcome = CutAfter(state, n);
  outcome.threshold = k;
  // An engine's float32 sums leave s good to 1e-6 or so, and k to a little less.
  const bool near = k < static_cast<double>(state.n() + 1) && std::abs(k - std::round(k)) < 2e-5 * k;
  outcome.boundary = outcome.boundary || near;
  return outcome;
}

// [D35]
Outcome Apply(const Mirostat2& stage, const State& state, const Step&) {
  const double mu = stage.mu < 0 ? 2 * stage.tau : stage.mu;
  Outcome outcome = CutBelow(state, state.mass().LogSumExp() - mu * std::log(2.0), 1);
  outcome.threshold = mu;
  return outcome;
}

}  // namespace lp
