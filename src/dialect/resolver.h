// Bookkeeping for Resolve: which settings a dialect has used, filled in or ignored. Inside dialect/ only.
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "dialect/dialect.h"

namespace lp {

class Resolver {
 public:
  Resolver(Dialect dialect, const Settings& settings, const ModelFacts& facts) : given_(settings), facts_(facts) {
    resolved_.dialect = dialect;
  }

  const ModelFacts& facts() const { return facts_; }

  // The value in force: what was given, else the engine's default.
  template <class T>
  T Get(std::optional<T> Settings::*member, T engine_default) {
    const std::string name = NameOf(member);
    used_.insert(name);
    std::vector<std::string>& defaulted = resolved_.defaulted;  // several stages may ask for the same setting
    if (!(given_.*member) && std::find(defaulted.begin(), defaulted.end(), name) == defaulted.end()) defaulted.push_back(name);
    resolved_.effective.*member = (given_.*member).value_or(engine_default);
    return *(resolved_.effective.*member);
  }
  // What was given, if anything: for settings that are no stage until somebody asks for them.
  template <class T>
  const std::optional<T>& Given(std::optional<T> Settings::*member) {
    used_.insert(NameOf(member));
    if (given_.*member) resolved_.effective.*member = given_.*member;
    return given_.*member;
  }
  template <class T>
  bool Has(std::optional<T> Settings::*member) const {
    return (given_.*member).has_value();
  }
  // Lists a setting as ignored, if it was given.
  template <class T>
  void Ignore(std::optional<T> Settings::*member, std::string reason) {
    used_.insert(NameOf(member));
    resolved_.effective.*member = std::nullopt;
    std::erase(resolved_.defaulted, NameOf(member));
    if (given_.*member) resolved_.ignored.push_back({NameOf(member), std::move(reason)});
  }
  void Note(std::string note) { resolved_.notes.push_back(std::move(note)); }

  template <class S>
  void Add(S stage) {
    resolved_.chain.stages.emplace_back(std::move(stage));
  }
  std::vector<Stage>& stages() { return resolved_.chain.stages; }
  void Draw(DrawRule rule) { resolved_.chain.draw = rule; }

  // Whatever was given and not asked for is ignored: "ENGINE has no such setting".
  Resolved Finish(std::string_view engine);

  template <class T>
  static std::string NameOf(std::optional<T> Settings::*member) {
    for (const SettingSpec& spec : AllSettings()) {
      const auto* same = std::get_if<std::optional<T> Settings::*>(&spec.member);
      if (same != nullptr && *same == member) return std::string(spec.name);
    }
    LP_CHECK(false);
  }

 private:
  const Settings& given_;
  const ModelFacts& facts_;
  Resolved resolved_;
  std::set<std::string> used_;
};

// One function an engine.
Result<Resolved> ResolveLogitpeek(const Settings& settings, const ModelFacts& facts);
Result<Resolved> ResolveTransformers(const Settings& settings, const ModelFacts& facts);
Result<Resolved> ResolveLlamaCpp(const Settings& settings, const ModelFacts& facts);
Result<Resolved> ResolveVllm(const Settings& settings, const ModelFacts& facts);
Result<Resolved> ResolveOllama(const Settings& settings, const ModelFacts& facts);
Result<Resolved> ResolveOllamaMlx(const Settings& settings, const ModelFacts& facts);
Result<Resolved> ResolveOpenAi(const Settings& settings, const ModelFacts& facts);

// What belongs to a stage that is off.
inline constexpr const char* kXtcIsOff = "xtc_probability is not given: XTC is off";
inline void IgnoreWhileDryIsOff(Resolver& r, const std::string& reason = "dry_multiplier is 0: DRY is off") {
  r.Ignore(&Settings::dry_base, reason);
  r.Ignore(&Settings::dry_allowed_length, reason);
  r.Ignore(&Settings::dry_penalty_last_n, reason);
  r.Ignore(&Settings::dry_sequence_breakers, reason);
}

// What an engine says no to, in its own words.
inline Error Refuses(std::string setting, std::string message) {
  return Error{ErrorCode::kInvalidArgument, std::move(message), std::move(setting)};
}

// A number as Python and C print it in an error message: 0.0, 1.5.
std::string PythonFloat(double x);

}  // namespace lp
