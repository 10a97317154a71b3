// Chains and settings in one line of text.
#include <cstdlib>

#include "base/str_cat.h"
#include "dialect/dialect.h"

namespace lp {
namespace {

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const size_t at = text.find(separator);
    std::string part(text.substr(0, at));
    while (!part.empty() && part.front() == ' ') part.erase(0, 1);
    while (!part.empty() && part.back() == ' ') part.pop_back();
    parts.push_back(std::move(part));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

// A stage's parameters by name; the first, under the stage's own name, is `main`.
class Params {
 public:
  static Result<Params> Parse(const std::string& text) {
    Params params;
    for (const std::string& part : Split(text, ',')) {
      const size_t equals = part.find('=');
      const std::string name = part.substr(0, equals);
      if (params.stage_.empty()) params.stage_ = name;
      if (equals == std::string::npos) {
        if (name != params.stage_) return Bad(StrCat('"', part, "\" has no value: write name=value"));
        continue;
      }
      const std::string value = part.substr(equals + 1);
      params.values_.push_back({name == params.stage_ ? "" : name, value, false});
    }
    return params;
  }
  const std::string& stage() const { return stage_; }

  // Takes a number; leaves `to` alone when it was not given.
  template <class T>
  Params& Take(const std::string& name, T& to) {
    for (Value& value : values_) {
      if (value.name != name) continue;
      value.used = true;
      char* end = nullptr;
      const double number = std::strtod(value.text.c_str(), &end);
      if (value.text.empty() || *end != '\0' || number != number ||
          (std::is_integral_v<T> && number != static_cast<double>(static_cast<int64_t>(number)))) {
        problem_ = StrCat(stage_, name.empty() ? "" : ".", name, " takes a number, not \"", value.text, '"');
      } else {
        to = static_cast<T>(number);
      }
    }
    return *this;
  }
  Params& TakeTies(Ties& ties) {
    for (Value& value : values_) {
      if (value.name != "ties") continue;
      value.used = true;
      if (value.text == "all") ties = Ties::kKeepAll;
      else if (value.text == "lower_id") ties = Ties::kLowerId;
      else problem_ = StrCat("ties takes all or lower_id, not \"", value.text, '"');
    }
    return *this;
  }
  Params& TakeScope(Scope& scope) {
    Take("last_n", scope.last_n);
    for (Value& value : values_) {
      if (value.name != "scope") continue;
      value.used = true;
      if (value.text == "output") scope.output_only = true;
      else if (value.text == "prompt") scope.prompt_only = true;
      else if (value.text != "all") problem_ = StrCat("scope takes all, output or prompt, not \"", value.text, '"');
    }
    return *this;
  }
  template <class S>
  Result<Stage> Done(S stage) const {
    if (!problem_.empty()) return Bad(problem_);
    for (const Value& value : values_) {
      if (!value.used) return Bad(StrCat("the stage ", stage_, " has no parameter \"", value.name, '"'));
    }
    return Stage(std::move(stage));
  }
  static Error Bad(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message), "chain"}; }

 private:
  struct Value {
    std::string name, text;
    bool used = false;
  };
  std::string stage_, problem_;
  std::vector<Value> values_;
};

constexpr const char* kStages =
    "repetition_penalty, presence_penalty, frequency_penalty, dry, no_repeat_ngram, log_softmax, temperature, dynamic_temperature, top_k, top_p, "
    "min_p, typical_p, top_n_sigma, epsilon_cutoff, eta_cutoff, top_a, top_h, tail_free, xtc, mirostat_1, mirostat_2, adaptive_p, greedy";

Result<Stage> ParseStage(const std::string& text) {
  LP_ASSIGN_OR_RETURN(Params p, Params::Parse(text));
  const std::string& name = p.stage();
  if (RepetitionPenalty s; name == s.kName) return p.Take("", s.penalty).TakeScope(s.scope).Done(s);
  if (PresencePenalty s; name == s.kName) return p.Take("", s.penalty).TakeScope(s.scope).Done(s);
  if (FrequencyPenalty s; name == s.kName) return p.Take("", s.penalty).TakeScope(s.scope).Done(s);
  if (Dry s; name == s.kName) return p.Take("", s.multiplier).Take("base", s.base).Take("allowed_length", s.allowed_length).TakeScope(s.scope).Done(s);
  if (NoRepeatNgram s; name == s.kName) return p.Take("", s.n).TakeScope(s.scope).Done(s);
  if (name == LogSoftmax::kName) return p.Done(LogSoftmax{});
  if (Temperature s; name == s.kName) return p.Take("", s.temperature).Done(s);
  if (DynamicTemperature s; name == s.kName) return p.Take("low", s.low).Take("high", s.high).Take("exponent", s.exponent).Done(s);
  if (TopK s; name == s.kName) return p.Take("", s.k).TakeTies(s.ties).Take("min_keep", s.min_keep).Done(s);
  if (TopP s; name == s.kName) return p.Take("", s.p).Take("min_keep", s.min_keep).Done(s);
  if (MinP s; name == s.kName) return p.Take("", s.p).Take("min_keep", s.min_keep).Done(s);
  if (TypicalP s; name == s.kName) return p.Take("", s.p).TakeTies(s.ties).Take("min_keep", s.min_keep).Done(s);
  if (TopNSigma s; name == s.kName) return p.Take("", s.n).Take("min_keep", s.min_keep).Done(s);
  if (EpsilonCutoff s; name == s.kName) return p.Take("", s.epsilon).Take("min_keep", s.min_keep).Done(s);
  if (EtaCutoff s; name == s.kName) return p.Take("", s.epsilon).Take("min_keep", s.min_keep).Done(s);
  if (TopA s; name == s.kName) return p.Take("", s.a).Take("min_keep", s.min_keep).Done(s);
  if (TopH s; name == s.kName) return p.Take("", s.alpha).Take("min_keep", s.min_keep).Take("n_max", s.n_max).Done(s);
  if (TailFree s; name == s.kName) return p.Take("", s.z).Take("min_keep", s.min_keep).Done(s);
  if (Xtc s; name == s.kName) return p.Take("", s.probability).Take("threshold", s.threshold).Take("min_keep", s.min_keep).Done(s);
  if (Mirostat1 s; name == s.kName) return p.Take("", s.tau).Take("eta", s.eta).Take("m", s.m).Take("mu", s.mu).Done(s);
  if (Mirostat2 s; name == s.kName) return p.Take("", s.tau).Take("eta", s.eta).Take("mu", s.mu).Done(s);
  if (AdaptiveP s; name == s.kName) {
    return p.Take("", s.target).Take("decay", s.decay).Take("weighted_sum", s.weighted_sum).Take("total_weight", s.total_weight).Done(s);
  }
  if (name == Greedy::kName) return p.Done(Greedy{});
  return Params::Bad(StrCat("there is no stage \"", name, "\"; there are ", kStages));
}

}  // namespace

Result<Chain> ParseChain(std::string_view text) {
  Chain chain;
  for (const std::string& part : Split(text, ';')) {
    if (part.empty()) continue;
    LP_ASSIGN_OR_RETURN(Stage stage, ParseStage(part));
    chain.stages.push_back(std::move(stage));
  }
  return chain;
}

Result<DialectSettings> ParseDialectSettings(std::string_view text) {
  DialectSettings out;
  for (const std::string& part : Split(text, ',')) {
    if (part.empty()) continue;
    const size_t equals = part.find('=');
    if (equals == std::string::npos) return Params::Bad(StrCat('"', part, "\" has no value: write name=value,name=value"));
    const std::string name = part.substr(0, equals), value = part.substr(equals + 1);
    if (name == "dialect") {
      LP_ASSIGN_OR_RETURN(out.dialect, ParseDialect(value));
    } else {
      LP_RETURN_IF_ERROR(SetFromText(out.settings, name, value));
    }
  }
  return out;
}

}  // namespace lp
