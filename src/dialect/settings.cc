#include "dialect/settings.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>

#include "base/str_cat.h"

namespace lp {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

const std::vector<SettingSpec>& Table() {
  using S = Settings;
  static const std::vector<SettingSpec>& table = *new std::vector<SettingSpec>{
      {"temperature", {"temp", "t"}, "divide logits by T: below 1 sharper, above 1 flatter, 0 greedy", ">= 0", &S::temperature},
      {"top_k", {}, "keep the k likeliest tokens, 0 = off", ">= 0", &S::top_k},
      {"top_p", {"nucleus"}, "keep the likeliest tokens that together hold p, 1 = off", "(0, 1]", &S::top_p},
      {"min_p", {}, "keep tokens of at least p times the best one's probability, 0 = off", "[0, 1]", &S::min_p},
      {"typical_p", {"typical", "typ_p", "locally_typical"}, "keep the tokens whose surprisal is nearest to the entropy until they hold p, 1 = off", "(0, 1]", &S::typical_p},
      {"repetition_penalty", {"repeat_penalty", "penalty_repeat", "rep_pen"}, "push down tokens already seen: divide logits above 0, multiply the others, 1 = off", "> 0", &S::repetition_penalty},
      {"presence_penalty", {"penalty_present", "present"}, "subtract from the logit of every token already seen, 0 = off", "-2 .. 2 in most engines", &S::presence_penalty},
      {"frequency_penalty", {"penalty_freq", "freq"}, "subtract as often as the token was seen, 0 = off", "-2 .. 2 in most engines", &S::frequency_penalty},
      {"repeat_last_n", {"penalty_last_n"}, "how many of the last tokens the penalties see, -1 = all, 0 = none", ">= -1", &S::repeat_last_n},
      {"seed", {}, "the draw depends on the seed and the position only", "0 .. 2^64-1", &S::seed},
      {"logit_bias", {}, "add to single logits: ID:BIAS;ID:BIAS, -inf bans", "numbers or -inf", &S::logit_bias},
      {"allowed_token_ids", {"allowed_tokens"}, "only these tokens: ID/ID/...", "ids", &S::allowed_token_ids},
      {"suppress_tokens", {"banned_tokens"}, "never these tokens: ID/ID/...", "ids", &S::suppress_tokens},
      {"bad_words_ids", {"bad_words"}, "never complete these sequences: ID/ID;ID", "ids", &S::bad_words_ids},
      {"sequence_bias", {}, "add to the token that completes a sequence: ID/ID:BIAS;...", "numbers or -inf", &S::sequence_bias},
      {"do_sample", {}, "transformers: false means greedy search, which ignores temperature, top_k, ...", "true or false", &S::do_sample},
      {"epsilon_cutoff", {"epsilon"}, "cut tokens of a probability below epsilon, 0 = off", "[0, 1)", &S::epsilon_cutoff},
      {"eta_cutoff", {"eta"}, "cut tokens below min(eta, sqrt(eta) exp(-entropy)), 0 = off", "[0, 1)", &S::eta_cutoff},
      {"top_h", {}, "keep the likeliest tokens that hold this share of the entropy, 1 = off", "(0, 1]", &S::top_h},
      {"encoder_repetition_penalty", {}, "above 1 raises tokens of the prompt, 1 = off", "> 0", &S::encoder_repetition_penalty},
      {"no_repeat_ngram_size", {"no_repeat_ngram"}, "never repeat an n-gram, 0 = off", ">= 0", &S::no_repeat_ngram_size},
      {"encoder_no_repeat_ngram_size", {}, "never repeat an n-gram of the prompt, 0 = off", ">= 0", &S::encoder_no_repeat_ngram_size},
      {"min_new_tokens", {"min_tokens"}, "no end of text before this many new tokens", ">= 0", &S::min_new_tokens},
      {"eos_token_id", {}, "tokens that end the text, where it is not the model's own: ID/ID", "ids", &S::eos_token_id},
      {"top_n_sigma", {"top_nsigma", "nsigma"}, "keep logits within n standard deviations of the best, -1 = off", "> 0", &S::top_n_sigma},
      {"xtc_probability", {}, "chance that XTC removes the likeliest tokens, 0 = off", "[0, 1]", &S::xtc_probability},
      {"xtc_threshold", {}, "XTC looks at tokens of at least this probability", "[0, 0.5]", &S::xtc_threshold},
      {"dynatemp_range", {}, "temperature moves by +- this much with the entropy, 0 = off", ">= 0", &S::dynatemp_range},
      {"dynatemp_exponent", {"dynatemp_exp"}, "how it moves", "> 0", &S::dynatemp_exponent},
      {"dry_multiplier", {}, "DRY: push down what would go on repeating, 0 = off", ">= 0", &S::dry_multiplier},
      {"dry_base", {}, "DRY: how fast the penalty grows with the length", ">= 1", &S::dry_base},
      {"dry_allowed_length", {}, "DRY: repetitions up to this length are free", ">= 0", &S::dry_allowed_length},
      {"dry_penalty_last_n", {"dry_last_n"}, "DRY: how many of the last tokens it sees, -1 = all", ">= -1", &S::dry_penalty_last_n},
      {"dry_sequence_breakers", {}, "DRY: no repetition reaches across these: ID/ID;ID", "ids", &S::dry_sequence_breakers},
      {"mirostat", {}, "0 = off, 1 or 2: keep the surprise of the text near tau", "0, 1, 2", &S::mirostat},
      {"mirostat_tau", {"mirostat_ent"}, "mirostat: the surprise it aims at, in bits", ">= 0", &S::mirostat_tau},
      {"mirostat_eta", {"mirostat_lr"}, "mirostat: how fast it learns", ">= 0", &S::mirostat_eta},
      {"mirostat_mu", {}, "mirostat: the state its history left; not set = 2 tau", ">= 0", &S::mirostat_mu},
      {"adaptive_target", {"adaptive_p"}, "adaptive-p: the probability it prefers, below 0 = off", "<= 1", &S::adaptive_target},
      {"adaptive_decay", {}, "adaptive-p: how slowly it forgets", "[0, 0.99]", &S::adaptive_decay},
      {"samplers", {"sampler_seq", "sampling_seq"}, "llama.cpp's order: letters such as edskypmxt, or names joined by ';'", "names", &S::samplers},
      {"min_keep", {}, "no stage leaves fewer tokens than this", ">= 0", &S::min_keep},
      {"top_a", {}, "cut tokens below a times the square of the best probability, 0 = off", "[0, 1]", &S::top_a},
      {"tail_free", {"tfs", "tfs_z"}, "cut the tail where the curve of probabilities straightens, 1 = off", "[0, 1]", &S::tail_free},
  };
  return table;
}

std::string Canonical(std::string_view name) {
  std::string out;
  while (!name.empty() && name.front() == '-') name.remove_prefix(1);
  for (const char c : name) out += c == '-' ? '_' : static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] != b[j - 1] ? 1 : 0);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

Error BadValue(const SettingSpec& spec, std::string_view text, std::string_view takes) {
  return {ErrorCode::kInvalidArgument, StrCat(spec.name, " takes ", takes, ", not \"", text, '"'), std::string(spec.name)};
}

Result<double> Number(const SettingSpec& spec, std::string_view text) {
  const std::string copy(text);
  char* end = nullptr;
  const double value = std::strtod(copy.c_str(), &end);
  if (copy.empty() || end != copy.c_str() + copy.size() || std::isnan(value)) return BadValue(spec, text, "a number");
  return value;
}

template <class T>
Result<T> Integer(const SettingSpec& spec, std::string_view text) {
  const std::string copy(text);
  char* end = nullptr;
  errno = 0;
  T value{};
  if constexpr (std::is_signed_v<T>) {
    value = static_cast<T>(std::strtoll(copy.c_str(), &end, 10));
  } else {
    if (copy.find('-') != std::string::npos) return BadValue(spec, text, "a whole number >= 0");
    value = static_cast<T>(std::strtoull(copy.c_str(), &end, 10));
  }
  if (copy.empty() || end != copy.c_str() + copy.size() || errno == ERANGE) return BadValue(spec, text, "a whole number");
  return value;
}

Result<TokenId> Id(const SettingSpec& spec, std::string_view text) {
  const auto value = Integer<int64_t>(spec, text);
  if (!value.ok() || *value < 0 || *value > std::numeric_limits<TokenId>::max()) return BadValue(spec, text, "token ids");
  return static_cast<TokenId>(*value);
}

Result<TokenSequence> Ids(const SettingSpec& spec, std::string_view text) {
  TokenSequence ids;
  if (text.empty()) return ids;
  for (const std::string_view part : Split(text, '/')) {
    LP_ASSIGN_OR_RETURN(const TokenId id, Id(spec, part));
    ids.push_back(id);
  }
  return ids;
}

// "ID/ID:BIAS" -> (ids, bias)
Result<std::pair<TokenSequence, float>> Biased(const SettingSpec& spec, std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return BadValue(spec, text, "ID:BIAS");
  LP_ASSIGN_OR_RETURN(const TokenSequence ids, Ids(spec, text.substr(0, colon)));
  const std::string_view bias = text.substr(colon + 1);
  if (bias == "false") return std::pair(ids, -std::numeric_limits<float>::infinity());  // llama.cpp's spelling of a ban
  LP_ASSIGN_OR_RETURN(const double value, Number(spec, bias));
  return std::pair(ids, static_cast<float>(value));
}

}  // namespace

std::span<const SettingSpec> AllSettings() { return Table(); }

const SettingSpec* FindSetting(std::string_view name_or_alias) {
  const std::string name = Canonical(name_or_alias);
  for (const SettingSpec& spec : Table()) {
    if (spec.name == name || std::find(spec.aliases.begin(), spec.aliases.end(), name) != spec.aliases.end()) return &spec;
  }
  return nullptr;
}

Error UnknownSetting(std::string_view name) {
  const std::string wanted = Canonical(name);
  std::string_view nearest;
  size_t best = 4;  // farther away than this is no typing mistake
  for (const SettingSpec& spec : Table()) {
    std::vector<std::string_view> names = {spec.name};
    names.insert(names.end(), spec.aliases.begin(), spec.aliases.end());
    for (const std::string_view candidate : names) {
      if (const size_t distance = EditDistance(wanted, candidate); distance < best) best = distance, nearest = candidate;
    }
  }
  const std::string hint = nearest.empty() ? std::string("; docs/dialects.md lists them") : StrCat("; did you mean ", nearest, '?');
  return {ErrorCode::kInvalidArgument, StrCat("there is no sampler setting \"", name, '"', hint), std::string(name)};
}

bool IsSet(const Settings& settings, const SettingSpec& spec) {
  return std::visit([&](const auto member) { return (settings.*member).has_value(); }, spec.member);
}

namespace {
// One entry of a list, as SetFromText reads it.
std::string ItemText(TokenId id) { return StrCat(id); }
std::string ItemText(const TokenSequence& ids) {
  std::string text;
  for (const TokenId id : ids) text += StrCat(text.empty() ? "" : "/", id);
  return text;
}
template <class Tokens>
std::string ItemText(const std::pair<Tokens, float>& biased) {
  return StrCat(ItemText(biased.first), ":", biased.second);
}
}  // namespace

std::string SettingText(const Settings& settings, const SettingSpec& spec) {
  if (!IsSet(settings, spec)) return "";
  return std::visit(
      [&](const auto member) -> std::string {
        const auto& value = *(settings.*member);
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, bool>) {
          return value ? "true" : "false";
        } else if constexpr (std::is_same_v<T, std::string>) {
          return value;
        } else if constexpr (std::is_arithmetic_v<T>) {
          return StrCat(value);
        } else {
          std::string text;
          for (const auto& item : value) {
            if (!text.empty()) text += std::is_same_v<T, std::vector<TokenId>> ? '/' : ';';
            text += ItemText(item);
          }
          return text;
        }
      },
      spec.member);
}

Status SetFromText(Settings& settings, std::string_view name, std::string_view text) {
  const SettingSpec* spec = FindSetting(name);
  if (spec == nullptr) return UnknownSetting(name);
  return std::visit(
      Overloaded{
          [&](std::optional<double> Settings::*m) -> Status {
            LP_ASSIGN_OR_RETURN(settings.*m, Number(*spec, text));
            return Ok();
          },
          [&](std::optional<int64_t> Settings::*m) -> Status {
            LP_ASSIGN_OR_RETURN(settings.*m, Integer<int64_t>(*spec, text));
            return Ok();
          },
          [&](std::optional<uint64_t> Settings::*m) -> Status {
            LP_ASSIGN_OR_RETURN(settings.*m, Integer<uint64_t>(*spec, text));
            return Ok();
          },
          [&](std::optional<bool> Settings::*m) -> Status {
            const std::string value = Canonical(text);
            if (value != "true" && value != "false" && value != "1" && value != "0") return BadValue(*spec, text, "true or false");
            settings.*m = value == "true" || value == "1";
            return Ok();
          },
          [&](std::optional<std::string> Settings::*m) -> Status {
            settings.*m = std::string(text);
            return Ok();
          },
          [&](std::optional<std::vector<TokenId>> Settings::*m) -> Status {
            LP_ASSIGN_OR_RETURN(settings.*m, Ids(*spec, text));
            return Ok();
          },
          [&](std::optional<std::vector<TokenSequence>> Settings::*m) -> Status {
            std::vector<TokenSequence> all;
            for (const std::string_view part : Split(text, ';')) {
              LP_ASSIGN_OR_RETURN(TokenSequence ids, Ids(*spec, part));
              if (!ids.empty()) all.push_back(std::move(ids));
            }
            settings.*m = std::move(all);
            return Ok();
          },
          [&](std::optional<std::vector<std::pair<TokenId, float>>> Settings::*m) -> Status {
            std::vector<std::pair<TokenId, float>> all;
            for (const std::string_view part : Split(text, ';')) {
              LP_ASSIGN_OR_RETURN(const auto biased, Biased(*spec, part));
              if (biased.first.size() != 1) return BadValue(*spec, part, "ID:BIAS");
              all.emplace_back(biased.first[0], biased.second);
            }
            settings.*m = std::move(all);
            return Ok();
          },
          [&](std::optional<std::vector<std::pair<TokenSequence, float>>> Settings::*m) -> Status {
            std::vector<std::pair<TokenSequence, float>> all;
            for (const std::string_view part : Split(text, ';')) {
              LP_ASSIGN_OR_RETURN(auto biased, Biased(*spec, part));
              all.push_back(std::move(biased));
            }
            settings.*m = std::move(all);
            return Ok();
          },
      },
      spec->member);
}

}  // namespace lp
