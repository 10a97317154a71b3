// Stages that change the logits of single tokens: biases, bans, penalties. What they cost depends on the history, not
// on the vocabulary.
#include <algorithm>
#include <cmath>
#include <map>

#include "sampling/apply.h"

namespace lp {
namespace {

struct Counted {
  TokenId id;
  size_t count;
};

// Distinct tokens with their counts, by id.
std::vector<Counted> Count(std::span<const TokenId> tokens) {
  std::vector<TokenId> sorted(tokens.begin(), tokens.end());
  std::sort(sorted.begin(), sorted.end());
  std::vector<Counted> counts;
  for (const TokenId id : sorted) {
    if (counts.empty() || counts.back().id != id) counts.push_back({id, 0});
    ++counts.back().count;
  }
  return counts;
}

// A value of -inf bans.
Outcome Edit(const State& state, const std::vector<Candidate>& edits) {
  if (edits.empty()) return {};
  const auto banned = static_cast<size_t>(
      std::count_if(edits.begin(), edits.end(), [](const Candidate& edit) { return edit.value == kMasked; }));
  if (banned == state.n()) return {.emptied = true};
  return {.state = state.With(edits)};
}

// A logit, as double, for every token of the scope that is still there. Double is exact enough that one rounding to
// float32 at the end gives what a float32 operation would.
template <class NewLogit>
Outcome EditSeen(const Scope& scope, const State& state, const Step& step, const NewLogit& new_logit) {
  std::vector<Candidate> edits;
  for (const Counted& seen : Count(InScope(scope, step))) {
    const float x = state.Value(seen.id);
    if (x > kMasked) edits.push_back({seen.id, ToFloat32(new_logit(static_cast<double>(x), seen.count))});
  }
  return Edit(state, edits);
}

// a + b in float32. -inf stays what it is, a ban; a sum that leaves float32 does not become one.
float Sum(float a, float b) {
  if (a == kMasked || b == kMasked) return kMasked;
  return ToFloat32(static_cast<double>(a) + static_cast<double>(b));
}

Outcome Add(const State& state, const std::map<TokenId, float>& bias) {
  std::vector<Candidate> edits;
  for (const auto& [id, b] : bias) {
    if (state.Has(id)) edits.push_back({id, Sum(state.Value(id), b)});
  }
  return Edit(state, edits);
}

Outcome Ban(const State& state, std::vector<TokenId> ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  std::vector<Candidate> edits;
  for (const TokenId id : ids) {
    if (state.Has(id)) edits.push_back({id, kMasked});
  }
  return Edit(state, edits);
}

bool EndsWith(std::span<const TokenId> history, std::span<const TokenId> end) {
  return history.size() >= end.size() &&
         std::equal(end.begin(), end.end(), history.end() - static_cast<std::ptrdiff_t>(end.size()));
}

// True when drawing the last token of `sequence` now would complete it.
bool Completes(const std::vector<TokenId>& sequence, std::span<const TokenId> history) {
  return !sequence.empty() && EndsWith(history, std::span(sequence).first(sequence.size() - 1));
}

}  // namespace

std::span<const TokenId> InScope(const Scope& scope, const Step& step) {
  std::span<const TokenId> tokens = step.history;
  const size_t prompt = std::min(step.prompt_length, tokens.size());
  if (scope.output_only) tokens = tokens.subspan(prompt);
  if (scope.prompt_only) tokens = tokens.first(prompt);
  if (scope.last_n >= 0) tokens = tokens.last(std::min(tokens.size(), static_cast<size_t>(scope.last_n)));
  return tokens;
}

// [D18]
Outcome Apply(const LogitBias& stage, const State& state, const Step&) {
  std::map<TokenId, float> bias;
  for (const auto& [id, b] : stage.bias) bias[id] = Sum(bias[id], b);
  return Add(state, bias);
}

// [D18]
Outcome Apply(const SequenceBias& stage, const State& state, const Step& step) {
  std::map<TokenId, float> bias;
  for (const auto& [sequence, b] : stage.bias) {
    if (Completes(sequence, step.history)) bias[sequence.back()] = Sum(bias[sequence.back()], b);
  }
  return Add(state, bias);
}

// [D19]
Outcome Apply(const AllowedTokens& stage, const State& state, const Step&) {
  std::vector<TokenId> allowed = stage.ids;
  std::sort(allowed.begin(), allowed.end());
  std::vector<Candidate> list;
  for (size_t i = 0; i < allowed.size(); ++i) {
    if (i > 0 && allowed[i] == allowed[i - 1]) continue;
    if (const float x = state.Value(allowed[i]); x > kMasked) list.push_back({allowed[i], x});
  }
  if (list.size() == state.n()) return {};
  if (list.empty()) return {.emptied = true};
  return {.state = state.Only(std::move(list))};
}

// [D19]
Outcome Apply(const BannedTokens& stage, const State& state, const Step& step) {
  const size_t output = step.history.size() - std::min(step.prompt_length, step.history.size());
  if (stage.until_output >= 0 && output >= static_cast<size_t>(stage.until_output)) return {.skipped = true};
  return Ban(state, stage.ids);
}

// [D19]
Outcome Apply(const BadWords& stage, const State& state, const Step& step) {
  std::vector<TokenId> banned;
  for (const std::vector<TokenId>& word : stage.words) {
    if (Completes(word, InScope({.output_only = stage.output_only}, step))) banned.push_back(word.back());
  }
  return Ban(state, std::move(banned));
}

// [D3] Every distinct token of the scope once: a logit above 0 is divided by the penalty, any other multiplied, so that
// a penalty above 1 always lowers it (Keskar et al. 2019, with the sign rule every engine adopted).
Outcome Apply(const RepetitionPenalty& stage, const State& state, const Step& step) {
  const auto penalty = static_cast<double>(ToFloat32(stage.reward ? 1 / stage.penalty : stage.penalty));
  return EditSeen(stage.scope, state, step, [&](double x, size_t) { return x > 0 ? x / penalty : x * penalty; });
}

// [D20]
Outcome Apply(const PresencePenalty& stage, const State& state, const Step& step) {
  const auto penalty = static_cast<double>(ToFloat32(stage.penalty));
  return EditSeen(stage.scope, state, step, [&](double x, size_t) { return x - penalty; });
}

// [D21]
Outcome Apply(const FrequencyPenalty& stage, const State& state, const Step& step) {
  const auto penalty = static_cast<double>(ToFloat32(stage.penalty));
  const auto all_of = [&](size_t count) {
    return static_cast<double>(ToFloat32(static_cast<double>(count) * penalty));
  };
  return EditSeen(stage.scope, state, step, [&](double x, size_t count) { return x - all_of(count); });
}

// [D22]
Outcome Apply(const Dry& stage, const State& state, const Step& step) {
  const std::span<const TokenId> tokens = InScope(stage.scope, step);
  const size_t n = tokens.size();
  const auto allowed = static_cast<size_t>(stage.allowed_length);
  // How far back a repetition may reach: to the last breaker.
  size_t limit = n;
  for (const auto& breaker : stage.breakers) {
    for (size_t length = 0; length < limit && !breaker.empty(); ++length) {
      if (EndsWith(tokens.first(n - length), breaker)) limit = length;
    }
  }
  if (n <= allowed || limit < allowed) return {};
  // repeat[i]: how many tokens before position n - 1 - i agree with the end of the text, by the Z algorithm on the text
  // read backwards.
  const auto back = [&](size_t i) { return tokens[n - 1 - i]; };
  std::vector<size_t> repeat(n, 0);
  for (size_t i = 1, left = 0, right = 0; i < n; ++i) {
    size_t z = i < right ? std::min(right - i, repeat[i - left]) : 0;
    while (i + z < n && back(z) == back(i + z)) ++z;
    repeat[i] = z;
    if (i + z > right) left = i, right = i + z;
  }
  // The token after each earlier occurrence would make it longer still.
  std::map<TokenId, size_t> longest;
  for (size_t i = 1; i < n; ++i) {
    const size_t length = std::min(repeat[i], limit);
    if (length >= allowed && length > 0) longest[back(i - 1)] = std::max(longest[back(i - 1)], length);
  }
  std::map<TokenId, float> bias;
  const double max_exponent = stage.base > 1 ? 88.7 / std::log(stage.base) : std::numeric_limits<double>::infinity();
  for (const auto& [id, length] : longest) {
    const double exponent = std::min(static_cast<double>(length - allowed), max_exponent);
    bias[id] = -ToFloat32(stage.multiplier * std::pow(stage.base, exponent));
  }
  return Add(state, bias);
}

// [D23]
Outcome Apply(const NoRepeatNgram& stage, const State& state, const Step& step) {
  const std::span<const TokenId> tokens = InScope(stage.scope, step);
  const auto n = static_cast<size_t>(stage.n);
  if (step.history.size() + 1 < n || tokens.size() < n) return {};
  const auto start = step.history.last(n - 1);
  std::vector<TokenId> banned;
  for (size_t i = 0; i + n <= tokens.size(); ++i) {
    if (std::equal(start.begin(), start.end(), tokens.begin() + static_cast<std::ptrdiff_t>(i)))
      banned.push_back(tokens[i + n - 1]);
  }
  return Ban(state, std::move(banned));
}

}  // namespace lp
