// State: what a stage makes of one.
#include <algorithm>
#include <cmath>

#include "sampling/state.h"

namespace lp {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr size_t kFewEdits = 256;  // more are written down at once

}  // namespace

State State::Wide(LogitVector values, const State& before) {
  State state;
  state.n_vocab_ = before.n_vocab_;
  state.values_ = std::move(values);
  state.before_ = &before;
  state.expected_ = before.expected_ == Sums::kMass ? Sums::kMass : Sums::kAll;
  return state;
}

State State::Through(const Lens& lens, const State& before) {
  State state = Wide({}, before);
  // A division joins the cut before it; anything else looks at what is written down.
  const bool joins = before.source_ != nullptr && before.lens_.divisor == 1 && lens.low == Lens::kLowest;
  state.source_ = joins ? before.source_ : &before;
  state.lens_ = joins ? before.lens_ : lens;
  state.lens_.divisor = lens.divisor;
  if (joins) state.lost_ = before.lost_;
  return state;
}

State State::Narrow(std::vector<Candidate> list, size_t n_vocab) {
  LP_CHECK(!list.empty());
  State state;
  state.narrow_ = true;
  state.n_vocab_ = n_vocab;
  state.n_ = list.size();
  state.list_ = std::move(list);
  // Mostly in order already: stages that keep the order cost a pass, edits and new ties an insertion or two.
  if (!std::is_sorted(state.list_.begin(), state.list_.end(), RanksBefore)) {
    SortByRank(state.list_);
  }
  return state;
}

State State::KeepTop(size_t n) const {
  LP_CHECK(n >= 1 && n <= n_);
  if (narrow_ || n <= kNarrow) {
    const auto top = Top(n);
    return Narrow({top.begin(), top.end()}, n_vocab_);
  }
  return KeepThrough(Ranked(n), n);
}

State State::KeepThrough(const Candidate& last, size_t n, const MassEdge* found) const {
  if (narrow_ || n <= kNarrow) return KeepTop(n);
  State state = Through({.low = last.value, .ties_end = static_cast<size_t>(last.id) + 1}, *this);
  state.n_ = n;
  if (found != nullptr && found->prefix) {
    state.sums_ = found->prefix;
    state.sums_which_ = found->prefix_sums;
    if (found->after_is_exact) state.lost_ = found->after;
  }
  return state;
}

State State::KeepRange(float low, float high) const {
  if (narrow_) {
    std::vector<Candidate> list;
    for (const Candidate& c : list_) {
      if (c.value >= low && c.value <= high) list.push_back(c);
    }
    return Narrow(std::move(list), n_vocab_);
  }
  const size_t above_high = high < kInfinity ? CountAbove(values(), high).above : 0;
  const size_t n = CountFrom(low) - above_high;
  LP_CHECK(n >= 1);
  if (n <= kNarrow) return Narrow(Between(values(), block_max(), low, high), n_vocab_);
  State state = high < kInfinity
                    ? Wide(lp::KeepRange(values(), low, std::numeric_limits<TokenId>::max(), high), *this)
                    : Through({.low = low}, *this);
  state.n_ = n;
  return state;
}

State State::With(std::span<const Candidate> edits) const {
  if (narrow_) {
    std::vector<Candidate> list(list_);
    for (const Candidate& edit : edits) {
      const auto at = std::find_if(list.begin(), list.end(), [&](const Candidate& c) { return c.id == edit.id; });
      if (at != list.end()) at->value = edit.value;
    }
    std::erase_if(list, [](const Candidate& c) { return c.value == kMasked; });
    return Narrow(std::move(list), n_vocab_);
  }
  State state = Wide({}, *this);
  state.n_ = n_;
  for (const Candidate& edit : edits) {
    if (Has(edit.id)) state.edits_.push_back(edit);
  }
  std::stable_sort(state.edits_.begin(), state.edits_.end(),
                   [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
  // Of several for a token the last counts.
  const auto first = std::unique(state.edits_.rbegin(), state.edits_.rend(),
                                 [](const Candidate& a, const Candidate& b) { return a.id == b.id; });
  state.edits_.erase(state.edits_.begin(), first.base());
  for (const Candidate& edit : state.edits_) state.n_ -= edit.value == kMasked;
  if (state.edits_.size() > kFewEdits || state.edits_.empty()) {
    state.values();
    state.edits_.clear();
  }
  LP_CHECK(state.n_ >= 1);
  return state;
}

State State::Only(std::vector<Candidate> tokens) const {
  if (narrow_ || tokens.size() <= kNarrow) return Narrow(std::move(tokens), n_vocab_);
  LogitVector values = this->values();
  for (size_t b = 0; b < values.n_blocks(); ++b) values.MaskBlock(b);
  for (const Candidate& c : tokens) values.Set(static_cast<size_t>(c.id), c.value);
  State state = Wide(std::move(values), *this);
  state.n_ = tokens.size();
  return state;
}

State State::Without(std::span<const TokenId> ids) const {
  std::vector<Candidate> edits;
  for (const TokenId id : ids) edits.push_back({id, kMasked});
  return With(edits);
}

bool State::OverflowsDividedBy(double t) const {
  return std::max(std::abs(static_cast<double>(Max())), 1.0) / t > 1e30;
}

State State::Divided(float t) const {
  // A tiny T would overflow: relative to the maximum it cannot, and softmax does not see the difference [D2].
  const float max = Max();
  if (OverflowsDividedBy(static_cast<double>(t))) {
    constexpr float kLowest = std::numeric_limits<float>::lowest();
    return Mapped([&](float x) { return std::max(std::max(x - max, kLowest) / t, kLowest); });
  }
  if (narrow_) return Mapped([&](float x) { return std::max(x / t, std::numeric_limits<float>::lowest()); });
  State state = Through({.divisor = t}, *this);
  state.n_ = n_;
  return state;
}

}  // namespace lp
