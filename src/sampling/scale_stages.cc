// Stages that change every logit: temperatures, and the transformation of adaptive-p.
#include <algorithm>
#include <cmath>

#include "sampling/apply.h"

namespace lp {
namespace {

Outcome Divide(const State& state, double t) {
  if (t <= 0) {
    Outcome outcome = Apply(Greedy{}, state, {});
    outcome.threshold = 0;
    return outcome;
  }
  if (t == 1) return {.threshold = t};
  return {.state = state.Divided(std::max(ToFloat32(t), std::numeric_limits<float>::denorm_min())), .threshold = t};
}

}  // namespace

// [D1], [D2]
Outcome Apply(const LogSoftmax&, const State& state, const Step&) {
  const double lse = state.mass().LogSumExp();
  return {.state = state.Mapped([&](float x) { return ToFloat32(static_cast<double>(x) - lse); }), .threshold = lse};
}

// [D4] Logits divided by T; T = 0 is its limit, the greedy choice [D5].
Outcome Apply(const Temperature& stage, const State& state, const Step&) { return Divide(state, stage.temperature); }

// [D24]
Outcome Apply(const DynamicTemperature& stage, const State& state, const Step&) {
  if (state.n() < 2) return {.skipped = true};
  const double share = state.sums().Entropy() / std::log(static_cast<double>(state.n()));
  return Divide(state, stage.low + (stage.high - stage.low) * std::pow(std::min(share, 1.0), stage.exponent));
}

// [D36]
Outcome Apply(const AdaptiveP& stage, const State& state, const Step&) {
  constexpr double kPeak = 5, kSharpness = 10, kWidth = 0.3;
  const double target = std::clamp(stage.target, 0.0, 1.0);
  const double aim =
      stage.total_weight == 0 ? target : std::clamp(2 * target - stage.weighted_sum / stage.total_weight, 0.0, 1.0);
  return {.state = state.Mapped([&](float x) {
            const double d = std::abs(state.ProbabilityOf(x) - aim) / kWidth;
            return static_cast<float>(kPeak - kSharpness * d * d / (1 + d));
          }),
          .threshold = aim};
}

}  // namespace lp
