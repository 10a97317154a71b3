#include "sampling/trace.h"

#include <algorithm>
#include <cmath>

#include "base/str_cat.h"
#include "sampling/apply.h"

namespace lp {
namespace {

enum class Kind { kEdit, kScale, kCut };

template <class... T>
constexpr bool IsOneOf(const Stage& stage) {
  return (std::holds_alternative<T>(stage) || ...);
}

// `threshold` as the stage came to: a dynamic temperature of 0 is the greedy choice, too.
Kind KindOf(const Stage& stage, double threshold) {
  if (const auto* t = std::get_if<Temperature>(&stage)) return t->temperature > 0 ? Kind::kScale : Kind::kCut;
  if (std::holds_alternative<DynamicTemperature>(stage)) return threshold == 0 ? Kind::kCut : Kind::kScale;
  if (std::holds_alternative<LogSoftmax>(stage)) return Kind::kScale;
  return IsOneOf<LogitBias, SequenceBias, AllowedTokens, BannedTokens, BadWords, RepetitionPenalty, PresencePenalty,
                 FrequencyPenalty, Dry, NoRepeatNgram>(stage)
             ? Kind::kEdit
             : Kind::kCut;
}

Outcome ApplyStage(const Stage& stage, const State& state, const Step& step) {
  return std::visit([&](const auto& s) { return Apply(s, state, step); }, stage);
}

}  // namespace

Result<Trace> Trace::Run(std::span<const float> logits, const Step& step, const Chain& chain, Sums expected) {
  LP_RETURN_IF_ERROR(Validate(chain, logits.size()));
  for (const TokenId id : step.history) {
    if (id < 0 || static_cast<size_t>(id) >= logits.size()) {
      return Error{ErrorCode::kInvalidArgument,
                   StrCat("token ", id, " is outside the vocabulary of ", logits.size(), " tokens"), "history"};
    }
  }
  LP_ASSIGN_OR_RETURN(State raw, State::Make(logits, expected));
  Trace trace;
  trace.chain_ = chain;
  trace.step_ = step;
  trace.step_.seed = chain.seed;
  trace.states_.push_back(std::move(raw));
  bool cut = false;
  for (const Stage& stage : trace.chain_.stages) {
    const State& state = trace.states_.back();
    StageRecord record{.active = !IsOff(stage), .n_in = state.n()};
    if (record.active) {
      Outcome outcome = ApplyStage(stage, state, trace.step_);
      if (outcome.emptied) {
        return Error{ErrorCode::kInvalidArgument, "it forbids every token that was left, so nothing could be drawn",
                     std::string(StageName(stage))};
      }
      record.skipped = outcome.skipped;
      record.boundary = outcome.boundary;
      record.threshold = outcome.threshold;
      record.low = outcome.low;
      record.high = outcome.high;
      const Kind kind = KindOf(stage, outcome.threshold);
      cut = cut || (kind == Kind::kCut && outcome.state);
      if (cut && kind == Kind::kEdit) trace.late_edits_ = true;
      if (outcome.state) trace.states_.push_back(std::move(*outcome.state));
      if (!cut) {
        trace.uncut_ = trace.states_.size() - 1;
        if (kind == Kind::kEdit) trace.row_order_ = trace.uncut_;
      }
    }
    if (!cut) ++trace.next_;
    record.n_out = trace.states_.back().n();
    trace.stages_.push_back(record);
    trace.after_.push_back(trace.states_.size() - 1);
  }
  return trace;
}

const State& Trace::Shaped() const {
  if (!shaped_.empty()) return shaped_.back();
  const State* state = &states_[uncut_];
  for (size_t i = next_; i < chain_.stages.size(); ++i) {
    const Stage& stage = chain_.stages[i];
    if (KindOf(stage, stages_[i].threshold) == Kind::kCut || IsOff(stage)) continue;
    // A temperature that depends on what was left is the one it came to.
    const bool dynamic = std::holds_alternative<DynamicTemperature>(stage);
    if (dynamic && stages_[i].skipped) continue;
    Outcome outcome =
        dynamic ? Apply(Temperature{stages_[i].threshold}, *state, step_) : ApplyStage(stage, *state, step_);
    if (outcome.state) state = &shaped_.emplace_back(std::move(*outcome.state));
    if (KindOf(stage, stages_[i].threshold) == Kind::kEdit) last_edited_ = state;
  }
  if (shaped_.empty()) return *state;
  return shaped_.back();
}

double Trace::MassOut(size_t stage) const {
  const StageRecord& record = stages_[stage];
  if (record.n_out == record.n_in) return 1;
  const State &in = Before(stage), &out = After(stage);
  const Kind kind = KindOf(chain_.stages[stage], record.threshold);
  // A cut leaves logits as they are: the two normalisers say it all. (Not so for a ban next to other edits.)
  if (kind == Kind::kCut && !std::holds_alternative<AdaptiveP>(chain_.stages[stage])) {
    return in.MassKept(out);
  }
  return 1 - in.MassLost(out);
}

std::optional<Trace::Affine> Trace::ShapedFromRaw() const {
  if (late_edits_) return std::nullopt;
  Affine affine{&states_[row_order_], 1, 0, !shaped_.empty()};
  bool later = false;  // a scale after a cut: Shaped() has to be made
  for (size_t i = 0; i < chain_.stages.size(); ++i) {
    const Stage& stage = chain_.stages[i];
    if (!stages_[i].active || stages_[i].skipped) continue;
    if (IsOneOf<LogSoftmax, AdaptiveP>(stage)) return std::nullopt;
    const Kind kind = KindOf(stage, stages_[i].threshold);
    if (kind == Kind::kEdit && affine.divisor != 1) return std::nullopt;
    later = later || (kind == Kind::kScale && i >= next_);
    if (kind == Kind::kScale) {
      const auto* t = std::get_if<Temperature>(&stage);
      // The float32 that logits were divided by: of logits near -150 the difference shows.
      affine.divisor *= static_cast<double>(ToFloat32(t != nullptr ? t->temperature : stages_[i].threshold));
      ++affine.n_divisions;
    }
  }
  affine.made = affine.made || !later;
  return affine;
}

const State& Trace::RowOrder() const {
  if (!late_edits_) return states_[row_order_];
  if (last_edited_ == nullptr) Shaped();
  return *last_edited_;
}

TokenId Trace::IdAt(size_t rank) const {
  const State& order = RowOrder();
  return rank <= order.n() ? order.Ranked(rank).id : Banned()[rank - order.n() - 1];
}

std::span<const TokenId> Trace::Banned() const {
  if (banned_.empty()) {
    const State& order = RowOrder();
    for (size_t i = 0; i < n_vocab(); ++i) {
      if (!order.Has(static_cast<TokenId>(i))) banned_.push_back(static_cast<TokenId>(i));
    }
    std::stable_sort(banned_.begin(), banned_.end(),
                     [&](TokenId a, TokenId b) { return raw().Value(a) > raw().Value(b); });
  }
  return banned_;
}

std::vector<TokenRow> Trace::Describe(std::span<const TokenId> ids) const {
  const IdIndex index(ids);
  std::vector<std::vector<float>> values;  // [states][ids]
  for (const State& state : states_) values.push_back(state.Values(index));
  const std::vector<double> prob_raw = raw().ProbabilitiesOf(values.front());
  const std::vector<double> prob = final().ProbabilitiesOf(values.back());
  std::vector<TokenRow> rows(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    rows[i] = {.id = ids[i], .logit = static_cast<double>(values.front()[i]), .prob_raw = prob_raw[i], .prob = prob[i]};
    if (values.front()[i] == kMasked) rows[i].cut_by = TokenRow::kMasked;
  }
  for (size_t stage = 0; stage < stages_.size(); ++stage) {
    const StageRecord& record = stages_[stage];
    if (record.n_out == record.n_in) continue;
    const std::vector<float>& before = values[stage == 0 ? 0 : after_[stage - 1]];
    const std::vector<float>& after = values[after_[stage]];
    for (size_t i = 0; i < ids.size(); ++i) {
      if (before[i] == kMasked || after[i] > kMasked) continue;
      rows[i].cut_by = stage;
      const auto x = static_cast<double>(before[i]);
      if (x < record.low)
        rows[i].margin = record.low - x;
      else if (x > record.high)
        rows[i].margin = x - record.high;
      else if (!std::isnan(record.low) || !std::isnan(record.high))
        rows[i].margin = 0;
    }
  }
  return rows;
}

TokenRow Trace::Row(size_t rank) const {
  LP_CHECK(rank >= 1 && rank <= n_vocab());
  const TokenId id = IdAt(rank);
  TokenRow row = Describe(std::span(&id, 1))[0];
  row.rank = rank;
  return row;
}

TokenRow Trace::RowOf(TokenId id) const {
  TokenRow row = Describe(std::span(&id, 1))[0];
  row.rank = RankOf(id);
  return row;
}

std::vector<TokenRow> Trace::Rows(size_t n) const {
  n = std::min(n, n_vocab());
  std::vector<TokenId> ids;
  ids.reserve(n);
  for (const Candidate& c : RowOrder().Top(n)) ids.push_back(c.id);
  while (ids.size() < n) ids.push_back(IdAt(ids.size() + 1));
  std::vector<TokenRow> rows = Describe(ids);
  for (size_t i = 0; i < n; ++i) rows[i].rank = i + 1;
  return rows;
}

std::vector<size_t> Trace::RawRanksOf(std::span<const TokenId> ids) const {
  const IdIndex index(ids);
  std::vector<size_t> ranks(ids.size());
  // Rows are mostly the model's own best: a list not much longer nearly always holds them all.
  for (const size_t more : {size_t{8}, size_t{64}}) {
    size_t rank = 0, found = 0;
    for (const Candidate& c : raw().Top(ids.size() + more)) {
      ++rank;
      index.ForEach(c.id, [&](size_t i) { ranks[i] = rank, ++found; });
    }
    if (found == ids.size()) return ranks;
  }
  std::vector<TokenId> others;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ranks[i] == 0) others.push_back(ids[i]);
  }
  const std::vector<size_t> theirs = RanksOf(raw().values(), others);
  for (size_t i = 0, next = 0; i < ids.size(); ++i) {
    if (ranks[i] == 0) ranks[i] = theirs[next++];
  }
  return ranks;
}

std::vector<std::optional<StageValue>> Trace::Journeys(std::span<const TokenId> ids) const {
  const IdIndex index(ids);
  const size_t n_stages = stages_.size();
  std::vector<std::optional<StageValue>> journeys(ids.size() * n_stages);
  for (size_t stage = 0; stage < n_stages; ++stage) {
    if (stage > 0 && after_[stage] == after_[stage - 1]) {  // nothing happened
      for (size_t i = stage; i < journeys.size(); i += n_stages) journeys[i] = journeys[i - 1];
      continue;
    }
    const std::vector<float> values = After(stage).Values(index);
    const std::vector<double> p = After(stage).ProbabilitiesOf(values);
    for (size_t i = 0; i < ids.size(); ++i) {
      if (values[i] > kMasked) journeys[i * n_stages + stage] = {static_cast<double>(values[i]), p[i]};
    }
  }
  return journeys;
}

size_t Trace::RankOf(TokenId id) const {
  const State& order = RowOrder();
  if (!order.Has(id)) {
    const std::span<const TokenId> banned = Banned();
    return order.n() + static_cast<size_t>(std::find(banned.begin(), banned.end(), id) - banned.begin()) + 1;
  }
  // Drawn tokens are mostly among those that a cut has listed already, or else among the best.
  for (const bool sorted : {true, false}) {
    const std::span<const Candidate> best = sorted ? order.Sorted() : order.Top(64);
    const auto at = std::find_if(best.begin(), best.end(), [&](const Candidate& c) { return c.id == id; });
    if (at != best.end()) return static_cast<size_t>(at - best.begin()) + 1;
  }
  return RanksOf(order.values(), std::span(&id, 1))[0];
}

}  // namespace lp
