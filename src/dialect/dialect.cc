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
