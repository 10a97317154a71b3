// What a stage does to a state. Inside sampling/ only; the trace is what others see.
#pragma once

#include <algorithm>
#include <limits>
#include <optional>
#include <span>

#include "sampling/stages.h"
#include "sampling/state.h"
#include "sampling/step.h"

namespace lp {

// What became of a state in a stage. Values are logits as they entered the stage.
struct Outcome {
  static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

  std::optional<State> state;  // nullopt: nothing changed
  double threshold = kNone;    // what the stage came to, in its own unit (docs/definitions.md)
  // Tokens of a logit below `low` or above `high` were cut; NaN where no such edge exists. For margins.
  double low = kNone, high = kNone;
  bool boundary = false;  // some decision lies within float32 rounding of its boundary, so engines may differ [D37]
  bool skipped = false;   // on, but decided to do nothing (XTC's coin)
  bool emptied = false;   // it would have removed every token that was left
};

Outcome Apply(const LogitBias&, const State&, const Step&);
Outcome Apply(const SequenceBias&, const State&, const Step&);
Outcome Apply(const AllowedTokens&, const State&, const Step&);
Outcome Apply(const BannedTokens&, const State&, const Step&);
Outcome Apply(const BadWords&, const State&, const Step&);
Outcome Apply(const RepetitionPenalty&, const State&, const Step&);
Outcome Apply(const PresencePenalty&, const State&, const Step&);
Outcome Apply(const FrequencyPenalty&, const State&, const Step&);
Outcome Apply(const Dry&, const State&, const Step&);
Outcome Apply(const NoRepeatNgram&, const State&, const Step&);
Outcome Apply(const LogSoftmax&, const State&, const Step&);
Outcome Apply(const Temperature&, const State&, const Step&);
Outcome Apply(const DynamicTemperature&, const State&, const Step&);
Outcome Apply(const AdaptiveP&, const State&, const Step&);
Outcome Apply(const TopK&, const State&, const Step&);
Outcome Apply(const TopP&, const State&, const Step&);
Outcome Apply(const MinP&, const State&, const Step&);
Outcome Apply(const TypicalP&, const State&, const Step&);
Outcome Apply(const TopNSigma&, const State&, const Step&);
Outcome Apply(const EpsilonCutoff&, const State&, const Step&);
Outcome Apply(const EtaCutoff&, const State&, const Step&);
Outcome Apply(const TopA&, const State&, const Step&);
Outcome Apply(const TopH&, const State&, const Step&);
Outcome Apply(const TailFree&, const State&, const Step&);
Outcome Apply(const Xtc&, const State&, const Step&);
Outcome Apply(const Mirostat1&, const State&, const Step&);
Outcome Apply(const Mirostat2&, const State&, const Step&);
Outcome Apply(const Greedy&, const State&, const Step&);

// The nearest float32; what lies beyond them stays at their ends, so that only a ban is -inf and nothing is NaN.
inline float ToFloat32(double x) {
  constexpr auto kMost = static_cast<double>(std::numeric_limits<float>::max());
  return static_cast<float>(std::clamp(x, -kMost, kMost));
}

// The tokens of the history that a scope takes in, oldest first.
std::span<const TokenId> InScope(const Scope& scope, const Step& step);

}  // namespace lp
