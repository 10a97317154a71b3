// Sampler settings as people write them: by name, each set or not set. "Not set" is not a number: a dialect fills it in
// with its engine's default.
//
// The table in settings.cc is the only list of names there is: command-line flags, JSON fields, 'key=value' text and
// documentation come from it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/token.h"

namespace lp {

using TokenSequence = std::vector<TokenId>;

struct Settings {
  // Every engine's users know these.
  std::optional<double> temperature;
  std::optional<int64_t> top_k;
  std::optional<double> top_p, min_p, typical_p;
  std::optional<double> repetition_penalty, presence_penalty, frequency_penalty;
  std::optional<int64_t> repeat_last_n;
  std::optional<uint64_t> seed;
  std::optional<std::vector<std::pair<TokenId, float>>> logit_bias;
  std::optional<std::vector<TokenId>> allowed_token_ids, suppress_tokens;
  std::optional<std::vector<TokenSequence>> bad_words_ids;
  std::optional<std::vector<std::pair<TokenSequence, float>>> sequence_bias;
  // transformers
  std::optional<bool> do_sample;
  std::optional<double> epsilon_cutoff, eta_cutoff, top_h, encoder_repetition_penalty;
  std::optional<int64_t> no_repeat_ngram_size, encoder_no_repeat_ngram_size, min_new_tokens;
  std::optional<std::vector<TokenId>> eos_token_id;
  // llama.cpp
  std::optional<double> top_n_sigma, xtc_probability, xtc_threshold, dynatemp_range, dynatemp_exponent;
  std::optional<double> dry_multiplier, dry_base;
  std::optional<int64_t> dry_allowed_length, dry_penalty_last_n;
  std::optional<std::vector<TokenSequence>> dry_sequence_breakers;  // as token ids
  std::optional<int64_t> mirostat;                                  // 0, 1, 2
  std::optional<double> mirostat_tau, mirostat_eta, mirostat_mu;    // mu: the state its history left; not set = 2 tau
  std::optional<double> adaptive_target, adaptive_decay;
  std::optional<std::string> samplers;  // order, llama.cpp's letters ("edskypmxt") or names joined by ';'
  std::optional<int64_t> min_keep;
  // of older front ends
  std::optional<double> top_a, tail_free;

  bool operator==(const Settings&) const = default;
};

// One entry of the table.
struct SettingSpec {
  std::string_view name;                      // as this project writes it: "repetition_penalty"
  std::vector<std::string_view> aliases;      // as engines write it: "repeat_penalty", "penalty_repeat", ...
  std::string_view help;                      // one line
  std::string_view range;                     // in words
  std::variant<std::optional<double> Settings::*, std::optional<int64_t> Settings::*, std::optional<uint64_t> Settings::*,
               std::optional<bool> Settings::*, std::optional<std::string> Settings::*,
               std::optional<std::vector<TokenId>> Settings::*, std::optional<std::vector<TokenSequence>> Settings::*,
               std::optional<std::vector<std::pair<TokenId, float>>> Settings::*,
               std::optional<std::vector<std::pair<TokenSequence, float>>> Settings::*>
      member;
};
std::span<const SettingSpec> AllSettings();
const SettingSpec* FindSetting(std::string_view name_or_alias);  // null when there is none
// The error for a name that is none: suggests the nearest.
Error UnknownSetting(std::string_view name);
bool IsSet(const Settings& settings, const SettingSpec& spec);
// The value as text that SetFromText reads ("0.8", "true", "5:-1.5;7:-inf"); empty when not set.
std::string SettingText(const Settings& settings, const SettingSpec& spec);

// Sets one from text: "temperature", "0.7". Lists: ids joined by '/', sequences too, joined by ';' ("1/2;3"), biases as
// ID:BIAS ("15043:-1.5;1/2:-inf"). Errors name the setting and say what it takes.
Status SetFromText(Settings& settings, std::string_view name, std::string_view text);

}  // namespace lp
