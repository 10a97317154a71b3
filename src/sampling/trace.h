// What happened to a distribution on its way from logits to a token: the trace of one pass through the sampler
// pipeline.
//
// A trace is compact: a few numbers a stage. All that can be asked about a token at a stage follows from them, because
// every stage either changes logits (penalty, temperature) or keeps a prefix of the rank order (greedy, top-k, top-p).
// Not here: numbers derived from a trace (metrics/), and its JSON form (wire/).
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/token.h"
#include "distribution/ranking.h"
#include "distribution/softmax.h"
#include "sampling/settings.h"

namespace lp {

enum class StageKind : uint8_t { kRepetitionPenalty, kTemperature, kTopK, kTopP };
std::string_view StageName(StageKind kind);  // "repetition_penalty", "temperature", "top_k", "top_p"

// One stage as it acted. Sums run over the tokens that are alive after it.
struct StageRecord {
  StageKind kind;
  bool active = false;  // false: the setting changes nothing here
  double threshold =
      std::numeric_limits<double>::quiet_NaN();  // top-k: smallest logit kept; top-p: smallest probability kept
  size_t n_in = 0, n_out = 0;                    // tokens alive before and after
  double mass_out = 1;                           // share of the probability that entered and left
  double log_sum_exp = 0;  // normaliser of the distribution after it: of Trace::shaped_logits() from temperature on
  double entropy = 0;      // nats
};

// A token's logit and probability after a stage; the probability is renormalised over what is alive.
struct StageValue {
  double logit;
  double prob;
};

// One token's whole story.
struct TokenRow {
  TokenId id = 0;
  size_t rank = 0;      // 1-based, by logit after penalties, ties by lower id: the order the samplers see
  double logit = 0;     // the model's own
  double prob_raw = 0;  // softmax of the model's own logits over the whole vocabulary
  double prob = 0;      // final; 0 when cut
  // The stage that cut it: an index into Trace::stages(), kMasked when the model's own logit is -inf, nullopt when it
  // was kept.
  static constexpr size_t kMasked = std::numeric_limits<size_t>::max();
  std::optional<size_t> cut_by;
};

class Trace {
 public:
  // Sends `logits` [V] through the pipeline. `context` is the token path they belong to, prompt included (the penalty's
  // history). `logits` must outlive the trace. Errors: a setting out of range, an empty vector, a NaN or +inf (named by
  // index), no finite logit.
  static Result<Trace> Run(std::span<const float> logits, std::span<const TokenId> context,
                           const SamplerSettings& settings);

  Trace(Trace&&) = default;  // views point into vectors whose storage moves along
  Trace& operator=(Trace&&) = default;

  const SamplerSettings& settings() const { return settings_; }
  std::span<const float> raw_logits() const { return raw_; }
  // After penalties and temperature, up to a constant that softmax does not see: with T != 1 the largest is 0, so that
  // a tiny T cannot overflow. -inf = cut by greedy.
  std::span<const float> shaped_logits() const { return shaped_; }
  const SoftmaxStats& raw_stats() const { return raw_stats_; }
  const SoftmaxStats& shaped_stats() const { return shaped_stats_; }
  const std::vector<StageRecord>& stages() const { return stages_; }

  size_t n_vocab() const { return raw_.size(); }
  size_t n_finite() const { return n_finite_; }           // tokens the model itself gives a chance
  size_t n_kept() const { return stages_.back().n_out; }  // tokens that can be drawn
  std::span<const TokenId> Kept() const { return order_.First(n_kept()); }
  std::span<const TokenId> Ranked(size_t n) const { return order_.First(n); }

  double RawProbability(TokenId id) const;
  double FinalProbability(TokenId id, size_t rank) const;
  TokenRow Row(size_t rank) const;  // rank in [1, V]
  size_t RankOf(TokenId id) const;  // one pass over the vocabulary
  // The token after stage `stage`; nullopt when it is no longer alive then.
  std::optional<StageValue> After(size_t stage, const TokenRow& row) const;

 private:
  Trace(std::span<const float> logits, const SamplerSettings& settings);
  void ApplyRepetitionPenalty(std::span<const TokenId> context);
  void ApplyTemperature();
  void ApplyTopK();
  void ApplyTopP();
  StageRecord& Begin(StageKind kind, bool active);
  void Keep(StageRecord& stage, size_t n);
  double Shaped(TokenId id) const { return static_cast<double>(shaped_[static_cast<size_t>(id)]); }
  double ShownLogit(TokenId id,
                    size_t stage) const;  // the logit after a stage as the formula gives it, without that constant

  SamplerSettings settings_;
  std::span<const float> raw_;    // [V]
  std::vector<float> penalised_;  // [V] after the penalty
  std::vector<float> shaped_;     // [V] see shaped_logits()
  SoftmaxStats raw_stats_, shaped_stats_;
  size_t n_finite_ = 0;
  mutable RankOrder order_;  // over penalised_: dividing by a temperature may make ties, never swap. Sorts on demand.
  std::vector<StageRecord> stages_;
};

}  // namespace lp
