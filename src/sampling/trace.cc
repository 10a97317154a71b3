#include "sampling/trace.h"

#include <algorithm>
#include <cmath>

#include "base/str_cat.h"

namespace lp {
namespace {

constexpr float kMinusInf = -std::numeric_limits<float>::infinity();

Error LogitsError(std::string message) { return Error{ErrorCode::kInvalidArgument, std::move(message), "logits"}; }

}  // namespace

std::string_view StageName(StageKind kind) {
  switch (kind) {
    case StageKind::kRepetitionPenalty:
      return "repetition_penalty";
    case StageKind::kTemperature:
      return "temperature";
    case StageKind::kTopK:
      return "top_k";
    case StageKind::kTopP:
      return "top_p";
  }
  LP_CHECK(false);
}

Trace::Trace(std::span<const float> logits, const SamplerSettings& settings)
    : settings_(settings), raw_(logits), penalised_(logits.begin(), logits.end()), order_(penalised_) {}

Result<Trace> Trace::Run(std::span<const float> logits, std::span<const TokenId> context,
                         const SamplerSettings& settings) {
  LP_RETURN_IF_ERROR(Validate(settings));
  if (logits.empty()) return LogitsError("there are no logits");
  if (const auto bad = FindInvalidLogit(logits)) {
    return LogitsError(StrCat("the logit of token ", *bad, " is ", std::isnan(logits[*bad]) ? "NaN" : "+inf",
                              ", so there is no distribution; the model or its file is damaged"));
  }
  Trace trace(logits, settings);
  trace.raw_stats_ = ComputeSoftmaxStats(logits);
  if (!(trace.raw_stats_.sum_exp > 0)) return LogitsError("every logit is -inf, so there is no distribution");
  trace.n_finite_ =
      static_cast<size_t>(std::count_if(logits.begin(), logits.end(), [](float x) { return x > kMinusInf; }));
  trace.ApplyRepetitionPenalty(context);
  trace.ApplyTemperature();
  trace.ApplyTopK();
  trace.ApplyTopP();
  return trace;
}

// A new record that, until its stage says otherwise, describes no change.
StageRecord& Trace::Begin(StageKind kind, bool active) {
  StageRecord stage{.kind = kind, .active = active};
  stage.n_in = stages_.empty() ? n_finite_ : stages_.back().n_out;
  stage.n_out = stage.n_in;
  stage.log_sum_exp = stages_.empty() ? raw_stats_.LogSumExp() : stages_.back().log_sum_exp;
  stage.entropy = stages_.empty() ? raw_stats_.Entropy() : stages_.back().entropy;
  return stages_.emplace_back(stage);
}

// [D3] Every distinct token of the window once: a logit above 0 is divided by the penalty, any other multiplied, so
// that a penalty above 1 always lowers it (Keskar et al. 2019, with the sign rule every engine adopted).
void Trace::ApplyRepetitionPenalty(std::span<const TokenId> context) {
  const auto n = settings_.repeat_last_n < 0 ? context.size()
                                             : std::min(context.size(), static_cast<size_t>(settings_.repeat_last_n));
  std::vector<TokenId> seen(context.end() - static_cast<std::ptrdiff_t>(n), context.end());
  std::sort(seen.begin(), seen.end());
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  StageRecord& stage = Begin(StageKind::kRepetitionPenalty, settings_.repetition_penalty != 1 && !seen.empty());
  if (!stage.active) {
    shaped_stats_ = raw_stats_;
    return;
  }
  const auto penalty = static_cast<float>(settings_.repetition_penalty);
  for (const TokenId id : seen) {
    LP_CHECK(id >= 0 && static_cast<size_t>(id) < n_vocab());
    float& x = penalised_[static_cast<size_t>(id)];
    x = x > 0 ? x / penalty : x * penalty;
  }
  shaped_stats_ = ComputeSoftmaxStats(penalised_);
  stage.log_sum_exp = shaped_stats_.LogSumExp();
  stage.entropy = shaped_stats_.Entropy();
}

// [D4] Logits divided by T; T = 0 is its limit, the greedy choice, with ties decided for the lowest id [D5].
void Trace::ApplyTemperature() {
  const auto t = static_cast<float>(settings_.temperature);
  StageRecord& stage = Begin(StageKind::kTemperature, settings_.temperature != 1);
  shaped_ = penalised_;
  if (!stage.active) return;
  if (t > 0) {
    // Relative to the maximum: (x - m) / T is as good as x / T to a softmax and cannot overflow for a small T.
    const float m = shaped_stats_.max;
    for (float& x : shaped_) x = (x - m) / t;
  } else {
    const auto best = static_cast<size_t>(order_.First(1)[0]);
    const float x = shaped_[best];
    std::fill(shaped_.begin(), shaped_.end(), kMinusInf);
    shaped_[best] = x;
  }
  const double entered = stages_[stages_.size() - 2].log_sum_exp;
  shaped_stats_ = ComputeSoftmaxStats(shaped_);
  stage.log_sum_exp = shaped_stats_.LogSumExp();
  stage.entropy = shaped_stats_.Entropy();
  if (t == 0) {
    stage.n_out = 1;
    stage.mass_out = std::exp(shaped_stats_.LogSumExp() - entered);
  }
}

// Shrinks to the first n of the rank order and works out what that does to the distribution.
void Trace::Keep(StageRecord& stage, size_t n) {
  stage.n_out = n;
  const double max = Shaped(order_.First(1)[0]);
  double sum = 0, sum_x = 0;
  for (const TokenId id : order_.First(n)) {
    const double y = Shaped(id) - max;
    const double e = std::exp(y);
    sum += e;
    if (e > 0) sum_x += y * e;
  }
  const double entered = stage.log_sum_exp;
  stage.log_sum_exp = max + std::log(sum);
  stage.mass_out = std::min(1.0, std::exp(stage.log_sum_exp - entered));
  stage.entropy = std::max(0.0, std::log(sum) - sum_x / sum);
}

// [D6] The k tokens of the highest logits; equal logits at the edge by lower id, so that exactly k remain.
void Trace::ApplyTopK() {
  StageRecord& stage = Begin(StageKind::kTopK, settings_.top_k > 0);
  const auto k = static_cast<size_t>(settings_.top_k);
  if (!stage.active || k >= stage.n_in) return;
  Keep(stage, k);
  stage.threshold = ShownLogit(order_.First(k).back(), stages_.size() - 1);
}

// [D7] The shortest prefix of the rank order that holds at least p (Holtzman et al. 2020): a token stays iff the mass
// before it is < p.
void Trace::ApplyTopP() {
  StageRecord& stage = Begin(StageKind::kTopP, settings_.top_p < 1);
  if (!stage.active) return;
  double before = 0;
  size_t n = 0;
  double last = 0;
  while (n < stage.n_in && before < settings_.top_p) {
    last = std::exp(Shaped(order_.First(n + 1)[n]) - stage.log_sum_exp);
    before += last;
    ++n;
  }
  if (n == stage.n_in) return;
  Keep(stage, n);
  stage.threshold = last;
}

double Trace::RawProbability(TokenId id) const {
  return std::exp(static_cast<double>(raw_[static_cast<size_t>(id)]) - raw_stats_.LogSumExp());
}

double Trace::FinalProbability(TokenId id, size_t rank) const {
  if (rank > n_kept()) return 0;
  return std::exp(Shaped(id) - stages_.back().log_sum_exp);
}

TokenRow Trace::Row(size_t rank) const {
  LP_CHECK(rank >= 1 && rank <= n_vocab());
  const TokenId id = order_.First(rank)[rank - 1];
  TokenRow row{.id = id, .rank = rank, .logit = static_cast<double>(raw_[static_cast<size_t>(id)])};
  row.prob_raw = RawProbability(id);
  row.prob = FinalProbability(id, rank);
  if (rank > n_finite_) {
    row.cut_by = TokenRow::kMasked;
  } else if (rank > n_kept()) {
    const auto cut = std::find_if(stages_.begin(), stages_.end(), [&](const StageRecord& s) { return rank > s.n_out; });
    row.cut_by = static_cast<size_t>(cut - stages_.begin());
  }
  return row;
}

size_t Trace::RankOf(TokenId id) const { return RanksOf(penalised_, std::span(&id, 1))[0]; }

double Trace::ShownLogit(TokenId id, size_t stage) const {
  const auto x = static_cast<double>(penalised_[static_cast<size_t>(id)]);
  const bool scaled = stages_[stage].kind != StageKind::kRepetitionPenalty && settings_.temperature > 0;
  return scaled ? x / settings_.temperature : x;
}

std::optional<StageValue> Trace::After(size_t stage, const TokenRow& row) const {
  const StageRecord& record = stages_[stage];
  if (row.rank > record.n_out) return std::nullopt;
  const double logit = ShownLogit(row.id, stage);
  const bool before_temperature = record.kind == StageKind::kRepetitionPenalty;
  return StageValue{logit, std::exp((before_temperature ? logit : Shaped(row.id)) - record.log_sum_exp)};
}

}  // namespace lp
