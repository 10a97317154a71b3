#include "dialect/dialect.h"

#include <algorithm>
#include <cmath>

#include "base/str_cat.h"
#include "dialect/resolver.h"

namespace lp {

std::string_view DialectName(Dialect dialect) {
  switch (dialect) {
    case Dialect::kLogitpeek:
      return "logitpeek";
    case Dialect::kTransformers:
      return "transformers";
    case Dialect::kLlamaCpp:
      return "llama.cpp";
    case Dialect::kVllm:
      return "vllm";
    case Dialect::kOllama:
      return "ollama";
    case Dialect::kOllamaMlx:
      return "ollama-mlx";
    case Dialect::kOpenAi:
      return "openai";
  }
  LP_CHECK(false);
}

Result<Dialect> ParseDialect(std::string_view name) {
  std::string lower;
  for (const char c : name) lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  std::string names;
  for (const Dialect dialect : kAllDialects) {
    if (lower == DialectName(dialect)) return dialect;
    names += StrCat(names.empty() ? "" : ", ", DialectName(dialect));
  }
  if (lower == "hf" || lower == "huggingface" || lower == "hugging face") return Dialect::kTransformers;
  if (lower == "llamacpp" || lower == "llama_cpp" || lower == "llama-cpp" || lower == "llama") return Dialect::kLlamaCpp;
  if (lower == "ollama_mlx" || lower == "mlx") return Dialect::kOllamaMlx;
  return Error{ErrorCode::kInvalidArgument, StrCat("there is no dialect \"", name, "\"; there are ", names), "dialect"};
}

Result<Resolved> Resolve(Dialect dialect, const Settings& settings, const ModelFacts& facts) {
  switch (dialect) {
    case Dialect::kLogitpeek:
      return ResolveLogitpeek(settings, facts);
    case Dialect::kTransformers:
      return ResolveTransformers(settings, facts);
    case Dialect::kLlamaCpp:
      return ResolveLlamaCpp(settings, facts);
    case Dialect::kVllm:
      return ResolveVllm(settings, facts);
    case Dialect::kOllama:
      return ResolveOllama(settings, facts);
    case Dialect::kOllamaMlx:
      return ResolveOllamaMlx(settings, facts);
    case Dialect::kOpenAi:
      return ResolveOpenAi(settings, facts);
  }
  LP_CHECK(false);
}

std::vector<std::string_view> SettingsOf(Dialect dialect) {
  // Everything at once, at values that every engine takes and that switch its stage on.
  Settings all;
  for (const SettingSpec& spec : AllSettings()) {
    const std::string_view probe = spec.name == "samplers"                                                ? "edskypmxta"
                                   : spec.name == "mirostat"                                              ? "0"  // it would replace the others
                                   : spec.name == "do_sample"                                             ? "true"
                                   : spec.name == "logit_bias" || spec.name == "sequence_bias"            ? "1:1"
                                   : spec.name == "bad_words_ids" || spec.name == "dry_sequence_breakers" ? "1/2"
                                   : spec.name == "xtc_threshold" || spec.name == "epsilon_cutoff" || spec.name == "eta_cutoff" ||
                                           spec.name == "adaptive_decay"
                                       ? "0.1"
                                       : "1";
    LP_CHECK(SetFromText(all, spec.name, probe).ok());
  }
  const auto resolved = Resolve(dialect, all, ModelFacts{});
  LP_CHECK(resolved.ok());
  std::vector<std::string_view> names;
  for (const SettingSpec& spec : AllSettings()) {
    const bool ignored = std::any_of(resolved->ignored.begin(), resolved->ignored.end(), [&](const Ignored& i) { return i.setting == spec.name; });
    if (!ignored) names.push_back(spec.name);
  }
  return names;
}

Result<Resolved> Resolve(const DialectSettings& wanted, const ModelFacts& facts) {
  if (wanted.chain.empty()) return Resolve(wanted.dialect, wanted.settings, facts);
  for (const SettingSpec& spec : AllSettings()) {
    if (spec.name != "seed" && IsSet(wanted.settings, spec)) {
      return Error{ErrorCode::kInvalidArgument, "a chain that is spelled out takes no other settings but the seed: put it into the chain",
                   std::string(spec.name)};
    }
  }
  Resolved resolved;
  LP_ASSIGN_OR_RETURN(resolved.chain, ParseChain(wanted.chain));
  resolved.chain.seed = wanted.settings.seed.value_or(resolved.chain.seed);
  resolved.effective.seed = resolved.chain.seed;
  return resolved;
}

Resolved Resolver::Finish(std::string_view engine) {
  resolved_.chain.seed = Get(&Settings::seed, uint64_t{42});
  std::erase(resolved_.defaulted, "seed");
  for (const SettingSpec& spec : AllSettings()) {
    const std::string name(spec.name);
    if (IsSet(given_, spec) && !used_.contains(name)) resolved_.ignored.push_back({name, StrCat(engine, " has no such setting")});
  }
  return std::move(resolved_);
}

std::string PythonFloat(double x) {
  std::string text = StrCat(x);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

}  // namespace lp
