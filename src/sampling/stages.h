// The stages a sampler chain can have, as data: one struct a stage, its parameters and nothing else. What each does is
// in docs/definitions.md under the id beside it; how, in edit_stages.cc (stages that change logits), cut_stages.cc
// (stages that remove tokens) and scale_stages.cc (temperatures).
//
// Where engines disagree about the same stage (ties, boundaries, scope), the difference is a parameter here, so that a
// dialect is nothing but a chain (dialect/). The defaults are the `logitpeek` dialect's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/token.h"

namespace lp {

// Which tokens of the history a penalty looks at: the last `last_n` (-1 = all, 0 = none) of everything, or of what was
// generated after the prompt.
struct Scope {
  int64_t last_n = -1;
  bool output_only = false;
  bool prompt_only = false;  // transformers' encoder_* processors
  bool operator==(const Scope&) const = default;
};

// --- Stages that change single logits -------------------------------------------------------------------------------
struct LogitBias {  // [D18] x_i += b_i; b = -inf bans
  static constexpr std::string_view kName = "logit_bias";
  std::vector<std::pair<TokenId, float>> bias;
};
struct SequenceBias {  // [D18] the same for the last token of a sequence, when the history ends with the tokens before
                       // it
  static constexpr std::string_view kName = "sequence_bias";
  std::vector<std::pair<std::vector<TokenId>, float>> bias;
};
struct AllowedTokens {  // [D19] all others become -inf
  static constexpr std::string_view kName = "allowed_tokens";
  std::vector<TokenId> ids;
};
struct BannedTokens {  // [D19] become -inf, while fewer than `until_output` tokens were generated (-1 = always)
  static constexpr std::string_view kName = "banned_tokens";
  std::vector<TokenId> ids;
  int64_t until_output = -1;
};
struct BadWords {  // [D19] the last token of a sequence is banned when the history ends with the tokens before it
  static constexpr std::string_view kName = "bad_words";
  std::vector<std::vector<TokenId>> words;
  bool output_only = false;  // only tokens generated after the prompt count as history (vLLM)
};
struct RepetitionPenalty {  // [D3]
  static constexpr std::string_view kName = "repetition_penalty";
  double penalty = 1;
  Scope scope;
  bool reward = false;  // 1 / penalty instead (transformers' encoder_repetition_penalty rewards what the prompt holds)
};
struct PresencePenalty {  // [D20] x_i -= penalty for each distinct token of the scope
  static constexpr std::string_view kName = "presence_penalty";
  double penalty = 0;
  Scope scope;
};
struct FrequencyPenalty {  // [D21] x_i -= penalty * count_i
  static constexpr std::string_view kName = "frequency_penalty";
  double penalty = 0;
  Scope scope;
};
struct Dry {  // [D22] x_i -= multiplier * base^(length - allowed_length) for the token that would go on repeating
  static constexpr std::string_view kName = "dry";
  double multiplier = 0;
  double base = 1.75;
  int64_t allowed_length = 2;
  Scope scope;
  std::vector<std::vector<TokenId>> breakers;  // no repetition reaches across one of these sequences
};
struct NoRepeatNgram {  // [D23] a token that would complete an n-gram seen in the scope becomes -inf
  static constexpr std::string_view kName = "no_repeat_ngram";
  int64_t n = 0;
  Scope scope;
};

// --- Stages that change all logits ----------------------------------------------------------------------------------
struct LogSoftmax {  // [D1] x_i -= log sum exp(x): changes no probability, but D3 does something else after it
  static constexpr std::string_view kName = "log_softmax";
};
struct Temperature {  // [D4] x_i / T; T = 0 is D5 (greedy)
  static constexpr std::string_view kName = "temperature";
  double temperature = 1;
};
struct DynamicTemperature {  // [D24] T between low and high by the entropy of what is left
  static constexpr std::string_view kName = "dynamic_temperature";
  double low = 1, high = 1;
  double exponent = 1;
};
struct AdaptiveP {  // [D36] prefers tokens whose probability is near a target
  static constexpr std::string_view kName = "adaptive_p";
  double target = -1;  // below 0 = off
  double decay = 0.9;
  double weighted_sum = 0, total_weight = 0;  // the state its history of draws left; 0 = just begun
};

// --- Stages that remove tokens --------------------------------------------------------------------------------------
// `min_keep`: the stage never leaves fewer than this many (in its own order).
enum class Ties : uint8_t { kLowerId, kKeepAll };
struct TopK {  // [D6]
  static constexpr std::string_view kName = "top_k";
  int64_t k = 0;  // 0 = off
  Ties ties = Ties::kLowerId;
  int64_t min_keep = 1;
};
enum class MassRule : uint8_t {
  kBeforeLess,         // keep a token iff the mass before it is < p
  kBeforeLessOrEqual,  // ... <= p
  kThroughLessOrEqual  // ... iff the mass including it is <= p (the first is always kept)
};
// How an engine adds up float32 probabilities. Only a decision within float32 rounding of its boundary is affected (it
// is flagged); there the engine's own arithmetic is followed.
enum class MassArithmetic : uint8_t {
  kExact,
  kFloat32Descending,         // running float32 sum from the top: llama.cpp
  kFloat32Ascending,          // running sum from the bottom, compared with 1 - p in double: transformers
  kFloat32AscendingFloat32P,  // ... with 1 - p in float32: vLLM
  kFloat32DescendingBefore    // running float32 sum minus the token itself, compared with p: MLX
};
struct TopP {  // [D7]
  static constexpr std::string_view kName = "top_p";
  double p = 1;  // 1 = off
  MassRule rule = MassRule::kBeforeLess;
  MassArithmetic arithmetic = MassArithmetic::kExact;
  int64_t min_keep = 1;
};
struct MinP {  // [D25] keep p_i >= p * p_max
  static constexpr std::string_view kName = "min_p";
  double p = 0;  // 0 = off
  // false: compares probabilities, as transformers and vLLM do; true: logits with max + log p, as llama.cpp does. The
  // same but for rounding.
  bool on_logits = false;
  int64_t min_keep = 1;
};
struct TypicalP {  // [D26]
  static constexpr std::string_view kName = "typical_p";
  double p = 1;  // 1 = off
  MassRule rule = MassRule::kBeforeLess;
  Ties ties = Ties::kKeepAll;  // among equal distances from the entropy
  int64_t min_keep = 1;
};
struct TopNSigma {  // [D27] keep x_i >= max - n * sigma
  static constexpr std::string_view kName = "top_n_sigma";
  double n = -1;  // below 0 = off
  int64_t min_keep = 1;
};
struct EpsilonCutoff {  // [D28] keep p_i >= epsilon
  static constexpr std::string_view kName = "epsilon_cutoff";
  double epsilon = 0;
  int64_t min_keep = 1;
};
struct EtaCutoff {  // [D29] keep p_i >= min(epsilon, sqrt(epsilon) * exp(-H))
  static constexpr std::string_view kName = "eta_cutoff";
  double epsilon = 0;
  int64_t min_keep = 1;
};
struct TopA {  // [D30] keep p_i >= a * p_max^2
  static constexpr std::string_view kName = "top_a";
  double a = 0;
  int64_t min_keep = 1;
};
struct TopH {  // [D31]
  static constexpr std::string_view kName = "top_h";
  double alpha = 1;  // 1 = off, but for n_max
  int64_t min_keep = 1;
  int64_t n_max = 0;  // only the first n_max tokens are looked at (transformers: 100); 0 = all
};
struct TailFree {  // [D32]
  static constexpr std::string_view kName = "tail_free";
  double z = 1;  // 1 = off
  int64_t min_keep = 1;
};
struct Xtc {  // [D33] with a certain probability, removes all tokens above a threshold but the least likely of them
  static constexpr std::string_view kName = "xtc";
  double probability = 0;
  double threshold = 0.1;
  int64_t min_keep = 1;
};
struct Mirostat1 {  // [D34]
  static constexpr std::string_view kName = "mirostat_1";
  double tau = 5, eta = 0.1;
  int64_t m = 100;
  double mu = -1;  // below 0: 2 tau, where it starts
};
struct Mirostat2 {  // [D35]
  static constexpr std::string_view kName = "mirostat_2";
  double tau = 5, eta = 0.1;
  double mu = -1;
};
struct Greedy {  // [D5]
  static constexpr std::string_view kName = "greedy";
};

using Stage = std::variant<LogitBias, SequenceBias, AllowedTokens, BannedTokens, BadWords, RepetitionPenalty,
                           PresencePenalty, FrequencyPenalty, Dry, NoRepeatNgram, LogSoftmax, Temperature,
                           DynamicTemperature, AdaptiveP, TopK, TopP, MinP, TypicalP, TopNSigma, EpsilonCutoff,
                           EtaCutoff, TopA, TopH, TailFree, Xtc, Mirostat1, Mirostat2, Greedy>;

std::string_view StageName(const Stage& stage);

// A stage at a setting that changes nothing (top_p = 1, no bias, ...). Such a stage may stand in a chain: it says
// "off".
bool IsOff(const Stage& stage);

// A number of a stage, by the name its users know; for the trace's JSON and text. Lists are given by their length.
struct StageParam {
  std::string_view name;
  double value = 0;
};
std::vector<StageParam> StageParams(const Stage& stage);

// Ranges that make a stage meaningless are errors (top_p <= 0, min_p > 1, ids outside the vocabulary, ...).
// Error::where is "stage.parameter".
Status Validate(const Stage& stage, size_t n_vocab);

// How a token is drawn from what the chain leaves.
enum class DrawRule : uint8_t {
  kInverseCdf,       // [D8] the first token in rank order whose cumulative probability exceeds u
  kExponentialRace,  // [D41] argmax p_i / E_i with E_i exponential, from (seed, position, id)
  kLlamaCpp          // [D42] inverse CDF in the chain's order with u from mt19937(seed), one draw a position
};

struct Chain {
  std::vector<Stage> stages;
  uint64_t seed = 42;
  DrawRule draw = DrawRule::kInverseCdf;
};
Status Validate(const Chain& chain, size_t n_vocab);

}  // namespace lp
