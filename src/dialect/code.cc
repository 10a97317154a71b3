#include "dialect/code.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/str_cat.h"

namespace lp {
namespace {

constexpr std::array<CodeTarget, 5> kTargets = {{{Dialect::kLlamaCpp, "shell"},
                                                 {Dialect::kTransformers, "python"},
                                                 {Dialect::kVllm, "python"},
                                                 {Dialect::kOllama, "modelfile"},
                                                 {Dialect::kOpenAi, "json"}}};

struct Name {
  std::string_view setting, theirs;
};

// llama.cpp, common/arg.cpp.
constexpr Name kFlags[] = {{"temperature", "--temp"},
                           {"top_k", "--top-k"},
                           {"top_p", "--top-p"},
                           {"min_p", "--min-p"},
                           {"typical_p", "--typical"},
                           {"repetition_penalty", "--repeat-penalty"},
                           {"presence_penalty", "--presence-penalty"},
                           {"frequency_penalty", "--frequency-penalty"},
                           {"repeat_last_n", "--repeat-last-n"},
                           {"top_n_sigma", "--top-nsigma"},
                           {"xtc_probability", "--xtc-probability"},
                           {"xtc_threshold", "--xtc-threshold"},
                           {"dynatemp_range", "--dynatemp-range"},
                           {"dynatemp_exponent", "--dynatemp-exp"},
                           {"dry_multiplier", "--dry-multiplier"},
                           {"dry_base", "--dry-base"},
                           {"dry_allowed_length", "--dry-allowed-length"},
                           {"dry_penalty_last_n", "--dry-penalty-last-n"},
                           {"mirostat", "--mirostat"},
                           {"mirostat_tau", "--mirostat-ent"},
                           {"mirostat_eta", "--mirostat-lr"},
                           {"adaptive_target", "--adaptive-target"},
                           {"adaptive_decay", "--adaptive-decay"},
                           {"seed", "--seed"}};
// transformers, GenerationConfig.
constexpr Name kGenerationConfig[] = {{"do_sample", "do_sample"},
                                      {"temperature", "temperature"},
                                      {"top_k", "top_k"},
                                      {"top_p", "top_p"},
                                      {"min_p", "min_p"},
                                      {"typical_p", "typical_p"},
                                      {"epsilon_cutoff", "epsilon_cutoff"},
                                      {"eta_cutoff", "eta_cutoff"},
                                      {"top_h", "top_h"},
                                      {"repetition_penalty", "repetition_penalty"},
                                      {"encoder_repetition_penalty", "encoder_repetition_penalty"},
                                      {"no_repeat_ngram_size", "no_repeat_ngram_size"},
                                      {"encoder_no_repeat_ngram_size", "encoder_no_repeat_ngram_size"},
                                      {"min_new_tokens", "min_new_tokens"},
                                      {"eos_token_id", "eos_token_id"},
                                      {"suppress_tokens", "suppress_tokens"},
                                      {"bad_words_ids", "bad_words_ids"},
                                      {"sequence_bias", "sequence_bias"}};
// vLLM, SamplingParams.
constexpr Name kSamplingParams[] = {{"temperature", "temperature"},
                                    {"top_k", "top_k"},
                                    {"top_p", "top_p"},
                                    {"min_p", "min_p"},
                                    {"repetition_penalty", "repetition_penalty"},
                                    {"presence_penalty", "presence_penalty"},
                                    {"frequency_penalty", "frequency_penalty"},
                                    {"min_new_tokens", "min_tokens"},
                                    {"allowed_token_ids", "allowed_token_ids"},
                                    {"logit_bias", "logit_bias"},
                                    {"seed", "seed"}};
// Ollama, docs/modelfile.
constexpr Name kModelfile[] = {{"temperature", "temperature"},
                               {"top_k", "top_k"},
                               {"top_p", "top_p"},
                               {"min_p", "min_p"},
                               {"typical_p", "typical_p"},
                               {"repetition_penalty", "repeat_penalty"},
                               {"repeat_last_n", "repeat_last_n"},
                               {"presence_penalty", "presence_penalty"},
                               {"frequency_penalty", "frequency_penalty"},
                               {"seed", "seed"}};
// OpenAI, POST /v1/chat/completions.
constexpr Name kOpenAi[] = {{"temperature", "temperature"},
                            {"top_p", "top_p"},
                            {"presence_penalty", "presence_penalty"},
                            {"frequency_penalty", "frequency_penalty"},
                            {"logit_bias", "logit_bias"},
                            {"seed", "seed"}};

std::span<const Name> NamesOf(Dialect dialect) {
  switch (dialect) {
    case Dialect::kLlamaCpp:
      return kFlags;
    case Dialect::kTransformers:
      return kGenerationConfig;
    case Dialect::kVllm:
      return kSamplingParams;
    case Dialect::kOllama:
    case Dialect::kOllamaMlx:
      return kModelfile;
    case Dialect::kOpenAi:
      return kOpenAi;
    case Dialect::kLogitpeek:
      break;
  }
  LP_CHECK(false);
}

std::string Number(float x, bool python) {
  if (std::isinf(x)) return python ? "float(\"-inf\")" : "-100";  // JSON has no infinity; -100 is what OpenAI's API calls a ban
  std::string text = StrCat(x);
  return text;
}

std::string Join(const std::vector<std::string>& parts, std::string_view between) {
  std::string text;
  for (const std::string& part : parts) text += StrCat(text.empty() ? "" : between, part);
  return text;
}

std::string ListOf(std::span<const TokenId> ids) {
  std::vector<std::string> parts;
  for (const TokenId id : ids) parts.push_back(StrCat(id));
  return StrCat("[", Join(parts, ", "), "]");
}

// A value as Python (python) or JSON writes it.
std::string Literal(const Settings& settings, const SettingSpec& spec, bool python) {
  return std::visit(
      [&](const auto member) -> std::string {
        const auto& value = *(settings.*member);
        using T = std::decay_t<decltype(value)>;
        std::vector<std::string> parts;
        if constexpr (std::is_same_v<T, bool>) {
          return python ? (value ? "True" : "False") : (value ? "true" : "false");
        } else if constexpr (std::is_same_v<T, std::vector<TokenId>>) {
          return ListOf(value);
        } else if constexpr (std::is_same_v<T, std::vector<TokenSequence>>) {
          for (const TokenSequence& s : value) parts.push_back(ListOf(s));
          return StrCat("[", Join(parts, ", "), "]");
        } else if constexpr (std::is_same_v<T, std::vector<std::pair<TokenId, float>>>) {
          for (const auto& [id, bias] : value) parts.push_back(python ? StrCat(id, ": ", Number(bias, true)) : StrCat("\"", id, "\": ", Number(bias, false)));
          return StrCat("{", Join(parts, ", "), "}");
        } else if constexpr (std::is_same_v<T, std::vector<std::pair<TokenSequence, float>>>) {
          for (const auto& [ids, bias] : value) parts.push_back(StrCat("[", ListOf(ids), ", ", Number(bias, true), "]"));
          return StrCat("[", Join(parts, ", "), "]");
        } else {
          return SettingText(settings, spec);
        }
      },
      spec.member);
}

// "top_k = 40" in the engine's words, one a setting; settings there is no word for are named in `notes`.
std::vector<std::pair<std::string, std::string>> Words(const Settings& settings, Dialect dialect, bool python, std::vector<std::string>& notes) {
  std::vector<std::pair<std::string, std::string>> words;
  for (const Name& name : NamesOf(dialect)) {
    const SettingSpec& spec = *FindSetting(name.setting);
    if (IsSet(settings, spec)) words.emplace_back(name.theirs, Literal(settings, spec, python));
  }
  for (const SettingSpec& spec : AllSettings()) {
    const auto names = NamesOf(dialect);
    const bool has_word = std::any_of(names.begin(), names.end(), [&](const Name& n) { return n.setting == spec.name; });
    const bool said_elsewhere = dialect == Dialect::kLlamaCpp && (spec.name == "samplers" || spec.name == "logit_bias");
    if (!IsSet(settings, spec) || has_word || said_elsewhere) continue;
    if (spec.name == "seed") {
      notes.push_back(StrCat("the seed is no part of this: call transformers.set_seed(", SettingText(settings, spec), ") before generating; no engine draws the same tokens as another"));
    } else {
      notes.push_back(StrCat("there is no word for ", spec.name, " here: set it in the program"));
    }
  }
  return words;
}

std::string Flags(const Settings& settings, std::vector<std::string>& notes) {
  std::string text = "llama-cli -m MODEL.gguf";
  for (const auto& [flag, value] : Words(settings, Dialect::kLlamaCpp, false, notes)) text += StrCat(" \\\n  ", flag, " ", value);
  if (settings.samplers) {
    const bool names = settings.samplers->find(';') != std::string::npos || settings.samplers->find('_') != std::string::npos;
    text += StrCat(" \\\n  ", names ? "--samplers" : "--sampling-seq", " '", *settings.samplers, "'");
  }
  for (const auto& [id, bias] : settings.logit_bias.value_or(std::vector<std::pair<TokenId, float>>()))
    text += StrCat(" \\\n  --logit-bias ", id, std::isinf(bias) ? "-inf" : bias < 0 ? StrCat(bias) : StrCat("+", bias));
  return text + "\n";
}

std::string Call(std::string_view import, std::string_view what, const std::vector<std::pair<std::string, std::string>>& words) {
  std::string text = StrCat(import, "\n\n", what, "(\n");
  for (const auto& [name, value] : words) text += StrCat("    ", name, "=", value, ",\n");
  return text + ")\n";
}

std::string Write(const Settings& settings, const CodeTarget& target, std::vector<std::string>& notes) {
  std::string text;
  switch (target.dialect) {
    case Dialect::kLlamaCpp:
      return Flags(settings, notes);
    case Dialect::kTransformers:
      return Call("from transformers import GenerationConfig", "config = GenerationConfig", Words(settings, target.dialect, true, notes));
    case Dialect::kVllm:
      return Call("from vllm import SamplingParams", "params = SamplingParams", Words(settings, target.dialect, true, notes));
    case Dialect::kOllama:
    case Dialect::kOllamaMlx:
      for (const auto& [name, value] : Words(settings, target.dialect, false, notes)) text += StrCat("PARAMETER ", name, " ", value, "\n");
      return text;
    case Dialect::kOpenAi:
      for (const auto& [name, value] : Words(settings, target.dialect, false, notes)) text += StrCat(text.empty() ? "" : ",\n", "  \"", name, "\": ", value);
      return StrCat("{\n", text, "\n}\n");
    case Dialect::kLogitpeek:
      break;
  }
  LP_CHECK(false);
}

}  // namespace

std::span<const CodeTarget> CodeTargets() { return kTargets; }

Result<CodeTarget> FindCodeTarget(std::string_view dialect) {
  std::string names;
  for (const CodeTarget& target : kTargets) {
    if (DialectName(target.dialect) == dialect) return target;
    names += StrCat(names.empty() ? "" : ", ", DialectName(target.dialect));
  }
  return Error{ErrorCode::kInvalidArgument, StrCat("there is no code for \"", dialect, "\"; there is for ", names), "--to"};
}

Result<Code> SettingsAsCode(const DialectSettings& from, const CodeTarget& target, std::span<const float> logits, const Step& step,
                            const ModelFacts& facts) {
  LP_RETURN_IF_ERROR(Resolve(from, facts));  // what is wrong with the settings themselves is an error, not a note
  auto translation = Translate(from, target.dialect, logits, step, facts);
  if (!translation.ok()) return Code{"", false, {translation.error().message}};
  Code code{.exact = translation->exact, .notes = translation->notes};
  if (!translation->exact && !translation->how.empty()) code.notes.insert(code.notes.begin(), translation->how);
  Settings& settings = translation->settings;
  if (target.dialect == Dialect::kTransformers && !settings.do_sample) settings.do_sample = true;  // its default is False
  code.text = Write(settings, target, code.notes);
  return code;
}

Result<Code> SettingsAsCodeAnywhere(const DialectSettings& from, const CodeTarget& target, const ModelFacts& facts) {
  // Whether a translation is exact does not depend on the logits it is tried on, so any will do to find out.
  std::vector<float> logits(facts.n_vocab);
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = -0.01f * static_cast<float>(i);
  LP_ASSIGN_OR_RETURN(Code code, SettingsAsCode(from, target, logits, Step{}, facts));
  if (code.exact || code.text.empty()) return code;
  return Code{"", false, {"no settings of this engine say the same for every text; name a text to have them fitted to its next token"}};
}

}  // namespace lp
