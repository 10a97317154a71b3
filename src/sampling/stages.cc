#include "sampling/stages.h"

#include <cmath>

#include "base/str_cat.h"

namespace lp {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

Error Bad(std::string_view stage, std::string_view parameter, std::string message) {
  return Error{ErrorCode::kInvalidArgument, std::move(message), StrCat(stage, ".", parameter)};
}

// One check: `ok` or the sentence "NAME must be RANGE, not VALUE".
template <class T>
Status Require(bool ok, std::string_view stage, std::string_view parameter, std::string_view range, T value) {
  if (ok) return Ok();
  return Bad(stage, parameter, StrCat(parameter == "value" ? stage : parameter, " must be ", range, ", not ", value));
}

Status CheckId(TokenId id, size_t n_vocab, std::string_view stage) {
  if (id >= 0 && static_cast<size_t>(id) < n_vocab) return Ok();
  return Bad(stage, "ids", StrCat("token ", id, " is outside the vocabulary of ", n_vocab, " tokens"));
}

Status CheckIds(const std::vector<TokenId>& ids, size_t n_vocab, std::string_view stage) {
  for (const TokenId id : ids) LP_RETURN_IF_ERROR(CheckId(id, n_vocab, stage));
  return Ok();
}

Status CheckBias(float bias, std::string_view stage) {
  return Require(bias < std::numeric_limits<float>::infinity() && !std::isnan(bias), stage, "bias",
                 "a number or -inf (to force a token, allow it alone)", bias);
}

Status CheckScope(const Scope& scope, std::string_view stage) {
  return Require(scope.last_n >= -1, stage, "last_n", "-1 (all), 0 (none) or a number of tokens", scope.last_n);
}

bool Positive(double x) { return x > 0 && std::isfinite(x); }
bool Share(double x) { return x >= 0 && x <= 1; }

double Wide(int64_t x) { return static_cast<double>(x); }
double Wide(size_t x) { return static_cast<double>(x); }

}  // namespace

std::string_view StageName(const Stage& stage) {
  return std::visit([](const auto& s) { return s.kName; }, stage);
}

bool IsOff(const Stage& stage) {
  return std::visit(Overloaded{
                        [](const LogitBias& s) { return s.bias.empty(); },
                        [](const SequenceBias& s) { return s.bias.empty(); },
                        [](const AllowedTokens&) { return false; },
                        [](const BannedTokens& s) { return s.ids.empty() || s.until_output == 0; },
                        [](const BadWords& s) { return s.words.empty(); },
                        [](const RepetitionPenalty& s) { return s.penalty == 1 || s.scope.last_n == 0; },
                        [](const PresencePenalty& s) { return s.penalty == 0 || s.scope.last_n == 0; },
                        [](const FrequencyPenalty& s) { return s.penalty == 0 || s.scope.last_n == 0; },
                        [](const Dry& s) { return s.multiplier == 0 || s.base < 1 || s.scope.last_n == 0; },
                        [](const NoRepeatNgram& s) { return s.n == 0; },
                        [](const LogSoftmax&) { return false; },
                        [](const Temperature& s) { return s.temperature == 1; },
                        [](const DynamicTemperature& s) { return s.low == 1 && s.high == 1; },
                        [](const AdaptiveP& s) { return s.target < 0; },
                        [](const TopK& s) { return s.k == 0; },
                        [](const TopP& s) { return s.p >= 1; },
                        [](const MinP& s) { return s.p <= 0; },
                        [](const TypicalP& s) { return s.p >= 1; },
                        [](const TopNSigma& s) { return s.n <= 0; },
                        [](const EpsilonCutoff& s) { return s.epsilon <= 0; },
                        [](const EtaCutoff& s) { return s.epsilon <= 0; },
                        [](const TopA& s) { return s.a <= 0; },
                        [](const TopH& s) { return s.alpha >= 1 && s.n_max == 0; },
                        [](const TailFree& s) { return s.z >= 1; },
                        [](const Xtc& s) { return s.probability <= 0 || s.threshold > 0.5; },
                        [](const Mirostat1&) { return false; },
                        [](const Mirostat2&) { return false; },
                        [](const Greedy&) { return false; },
                    },
                    stage);
}

std::vector<StageParam> StageParams(const Stage& stage) {
  using Params = std::vector<StageParam>;
  const auto with_scope = [](Params params, const Scope& scope) {
    params.push_back({"repeat_last_n", Wide(scope.last_n)});
    if (scope.output_only) params.push_back({"output_only", 1});
    if (scope.prompt_only) params.push_back({"prompt_only", 1});
    return params;
  };
  return std::visit(
      Overloaded{
          [](const LogitBias& s) {
            return Params{{"n_tokens", Wide(s.bias.size())}};
          },
          [](const SequenceBias& s) {
            return Params{{"n_sequences", Wide(s.bias.size())}};
          },
          [](const AllowedTokens& s) {
            return Params{{"n_tokens", Wide(s.ids.size())}};
          },
          [](const BannedTokens& s) {
            return Params{{"n_tokens", Wide(s.ids.size())}, {"until_output", Wide(s.until_output)}};
          },
          [](const BadWords& s) {
            Params params{{"n_words", Wide(s.words.size())}};
            if (s.output_only) params.push_back({"output_only", 1});
            return params;
          },
          [&](const RepetitionPenalty& s) {
            return with_scope({{"repetition_penalty", s.penalty}}, s.scope);
          },
          [&](const PresencePenalty& s) {
            return with_scope({{"presence_penalty", s.penalty}}, s.scope);
          },
          [&](const FrequencyPenalty& s) {
            return with_scope({{"frequency_penalty", s.penalty}}, s.scope);
          },
          [&](const Dry& s) {
            return with_scope(
                {{"multiplier", s.multiplier}, {"base", s.base}, {"allowed_length", Wide(s.allowed_length)}}, s.scope);
          },
          [&](const NoRepeatNgram& s) {
            return with_scope({{"n", Wide(s.n)}}, s.scope);
          },
          [](const LogSoftmax&) { return Params{}; },
          [](const Temperature& s) {
            return Params{{"temperature", s.temperature}};
          },
          [](const DynamicTemperature& s) {
            return Params{{"low", s.low}, {"high", s.high}, {"exponent", s.exponent}};
          },
          [](const AdaptiveP& s) {
            return Params{{"target", s.target}, {"decay", s.decay}};
          },
          [](const TopK& s) {
            return Params{{"top_k", Wide(s.k)}};
          },
          [](const TopP& s) {
            return Params{{"top_p", s.p}};
          },
          [](const MinP& s) {
            return Params{{"min_p", s.p}};
          },
          [](const TypicalP& s) {
            return Params{{"typical_p", s.p}};
          },
          [](const TopNSigma& s) {
            return Params{{"n", s.n}};
          },
          [](const EpsilonCutoff& s) {
            return Params{{"epsilon", s.epsilon}};
          },
          [](const EtaCutoff& s) {
            return Params{{"epsilon", s.epsilon}};
          },
          [](const TopA& s) {
            return Params{{"a", s.a}};
          },
          [](const TopH& s) {
            return Params{{"alpha", s.alpha}};
          },
          [](const TailFree& s) {
            return Params{{"z", s.z}};
          },
          [](const Xtc& s) {
            return Params{{"probability", s.probability}, {"threshold", s.threshold}};
          },
          [](const Mirostat1& s) {
            return Params{{"tau", s.tau}, {"eta", s.eta}, {"m", Wide(s.m)}, {"mu", s.mu < 0 ? 2 * s.tau : s.mu}};
          },
          [](const Mirostat2& s) {
            return Params{{"tau", s.tau}, {"eta", s.eta}, {"mu", s.mu < 0 ? 2 * s.tau : s.mu}};
          },
          [](const Greedy&) { return Params{}; },
      },
      stage);
}

Status Validate(const Stage& stage, size_t n_vocab) {
  const std::string_view name = StageName(stage);
  const auto require = [&](bool ok, std::string_view parameter, std::string_view range, double value) {
    return Require(ok, name, parameter, range, value);
  };
  const auto share = [&](double x, std::string_view parameter) { return require(Share(x), parameter, "in [0, 1]", x); };
  const auto mirostat = [&](double tau, double eta, double mu) -> Status {
    LP_RETURN_IF_ERROR(require(tau >= 0 && std::isfinite(tau), "tau", "a number >= 0", tau));
    LP_RETURN_IF_ERROR(require(eta >= 0 && std::isfinite(eta), "eta", "a number >= 0", eta));
    return require(std::isfinite(mu), "mu", "a number (below 0 = just begun)", mu);
  };
  return std::visit(
      Overloaded{
          [&](const LogitBias& s) -> Status {
            for (const auto& [id, bias] : s.bias) {
              LP_RETURN_IF_ERROR(CheckId(id, n_vocab, name));
              LP_RETURN_IF_ERROR(CheckBias(bias, name));
            }
            return Ok();
          },
          [&](const SequenceBias& s) -> Status {
            for (const auto& [ids, bias] : s.bias) {
              LP_RETURN_IF_ERROR(CheckIds(ids, n_vocab, name));
              LP_RETURN_IF_ERROR(CheckBias(bias, name));
            }
            return Ok();
          },
          [&](const AllowedTokens& s) { return CheckIds(s.ids, n_vocab, name); },
          [&](const BannedTokens& s) { return CheckIds(s.ids, n_vocab, name); },
          [&](const BadWords& s) -> Status {
            for (const auto& word : s.words) LP_RETURN_IF_ERROR(CheckIds(word, n_vocab, name));
            return Ok();
          },
          [&](const RepetitionPenalty& s) -> Status {
            LP_RETURN_IF_ERROR(require(Positive(s.penalty), "value", "a number > 0", s.penalty));
            return CheckScope(s.scope, name);
          },
          [&](const PresencePenalty& s) -> Status {
            LP_RETURN_IF_ERROR(require(std::isfinite(s.penalty), "value", "a number", s.penalty));
            return CheckScope(s.scope, name);
          },
          [&](const FrequencyPenalty& s) -> Status {
            LP_RETURN_IF_ERROR(require(std::isfinite(s.penalty), "value", "a number", s.penalty));
            return CheckScope(s.scope, name);
          },
          [&](const Dry& s) -> Status {
            LP_RETURN_IF_ERROR(
                require(std::isfinite(s.multiplier) && s.multiplier >= 0, "multiplier", "a number >= 0", s.multiplier));
            LP_RETURN_IF_ERROR(require(std::isfinite(s.base) && s.base >= 0, "base", "a number >= 0", s.base));
            LP_RETURN_IF_ERROR(require(s.allowed_length >= 0, "allowed_length", ">= 0", Wide(s.allowed_length)));
            for (const auto& breaker : s.breakers) LP_RETURN_IF_ERROR(CheckIds(breaker, n_vocab, name));
            return CheckScope(s.scope, name);
          },
          [&](const NoRepeatNgram& s) -> Status {
            LP_RETURN_IF_ERROR(require(s.n >= 0, "n", ">= 0", Wide(s.n)));
            return CheckScope(s.scope, name);
          },
          [&](const LogSoftmax&) { return Ok(); },
          [&](const Temperature& s) {
            return require(s.temperature >= 0 && std::isfinite(s.temperature), "value", "a number >= 0", s.temperature);
          },
          [&](const DynamicTemperature& s) -> Status {
            LP_RETURN_IF_ERROR(require(s.low >= 0 && std::isfinite(s.low), "low", "a number >= 0", s.low));
            LP_RETURN_IF_ERROR(require(s.high >= s.low && std::isfinite(s.high), "high", "a number >= low", s.high));
            return require(Positive(s.exponent), "exponent", "a number > 0", s.exponent);
          },
          [&](const AdaptiveP& s) -> Status {
            LP_RETURN_IF_ERROR(require(s.target <= 1, "target", "at most 1 (below 0 = off)", s.target));
            LP_RETURN_IF_ERROR(require(s.decay >= 0 && s.decay < 1, "decay", "in [0, 1)", s.decay));
            return require(s.weighted_sum >= 0 && s.total_weight >= 0 && std::isfinite(s.weighted_sum + s.total_weight),
                           "memory", "a sum and a weight >= 0", s.weighted_sum);
          },
          [&](const TopK& s) { return require(s.k >= 0, "value", "0 (off) or more", Wide(s.k)); },
          [&](const TopP& s) { return share(s.p, "value"); },
          [&](const MinP& s) { return share(s.p, "value"); },
          [&](const TypicalP& s) { return share(s.p, "value"); },
          [&](const TopNSigma& s) { return require(std::isfinite(s.n), "n", "a number (0 or less = off)", s.n); },
          [&](const EpsilonCutoff& s) { return share(s.epsilon, "value"); },
          [&](const EtaCutoff& s) { return share(s.epsilon, "value"); },
          [&](const TopA& s) { return share(s.a, "value"); },
          [&](const TopH& s) { return share(s.alpha, "value"); },
          [&](const TailFree& s) { return share(s.z, "value"); },
          [&](const Xtc& s) -> Status {
            LP_RETURN_IF_ERROR(share(s.probability, "probability"));
            return share(s.threshold, "threshold");
          },
          [&](const Mirostat1& s) -> Status {
            LP_RETURN_IF_ERROR(mirostat(s.tau, s.eta, s.mu));
            return require(s.m >= 2, "m", "at least 2", Wide(s.m));
          },
          [&](const Mirostat2& s) { return mirostat(s.tau, s.eta, s.mu); },
          [&](const Greedy&) { return Ok(); },
      },
      stage);
}

Status Validate(const Chain& chain, size_t n_vocab) {
  for (const Stage& stage : chain.stages) LP_RETURN_IF_ERROR(Validate(stage, n_vocab));
  return Ok();
}

}  // namespace lp
