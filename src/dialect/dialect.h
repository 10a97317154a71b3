// Dialects: what an engine makes of the settings its users write. The same words mean different chains in llama.cpp,
// transformers, vLLM, Ollama and OpenAI's API; Resolve() says which, and what was ignored, assumed or refused on the way.
// docs/dialects.md has the facts with their sources; one file here per engine has the rules.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dialect/settings.h"
#include "sampling/stages.h"

namespace lp {

enum class Dialect : uint8_t { kLogitpeek, kTransformers, kLlamaCpp, kVllm, kOllama, kOllamaMlx, kOpenAi };
inline constexpr Dialect kAllDialects[] = {Dialect::kLogitpeek, Dialect::kTransformers, Dialect::kLlamaCpp, Dialect::kVllm,
                                           Dialect::kOllama,    Dialect::kOllamaMlx,    Dialect::kOpenAi};
std::string_view DialectName(Dialect dialect);  // "logitpeek", "transformers", "llama.cpp", "vllm", "ollama", ...
Result<Dialect> ParseDialect(std::string_view name);  // an unknown one is an error that lists them; aliases accepted

// What a chain can depend on beside the settings.
struct ModelFacts {
  size_t n_vocab = 0;
  size_t n_context = 0;                  // 0: not known
  std::vector<TokenId> end_tokens;       // end of text
};

struct Ignored {
  std::string setting;  // by its name in AllSettings()
  std::string reason;   // "vLLM has no typical_p", "do_sample=False: greedy search looks at penalties only"
};

struct Resolved {
  Dialect dialect = Dialect::kLogitpeek;
  Chain chain;                      // stages that are off by setting stay in, so that the order can be seen
  Settings effective;               // what was in force: given values and the engine's defaults
  std::vector<std::string> defaulted;  // names that were filled in
  std::vector<Ignored> ignored;
  std::vector<std::string> notes;   // assumptions and what the engine does that no setting says
};

// Errors: what the engine refuses, said as the engine would (Error::where is the setting's name).
Result<Resolved> Resolve(Dialect dialect, const Settings& settings, const ModelFacts& facts);

// The names of the settings a dialect acts on; it ignores all others.
std::vector<std::string_view> SettingsOf(Dialect dialect);

// A chain spelled out: 'repetition_penalty=1.1,last_n=64;temperature=0.7;top_k=40,ties=all;top_p=0.9'. Stages in order,
// joined by ';', each its main parameter and others by name.
Result<Chain> ParseChain(std::string_view text);

// What somebody asks for: settings in a dialect, or a chain spelled out instead (then only the seed is taken from the
// settings, and any other is an error).
struct DialectSettings {
  Dialect dialect = Dialect::kLogitpeek;
  Settings settings;
  std::string chain;
};
Result<Resolved> Resolve(const DialectSettings& wanted, const ModelFacts& facts);

// 'dialect=llama.cpp,temperature=0.5,top_p=0.8': settings and dialect (default: logitpeek) in one line.
Result<DialectSettings> ParseDialectSettings(std::string_view text);

}  // namespace lp
