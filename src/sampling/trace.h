// What happened to a distribution on its way from logits to a token: the trace of one pass through a sampler chain.
//
// A trace keeps the state after every stage that changed something; states share what they did not change, so this is a
// few kilobytes and not stages x vocabulary. Everything that can be asked about a token or a stage follows from them,
// and sums nobody asks for are never computed: a bare draw costs a bare draw.
//
// Not here: numbers derived from a trace (metrics/), its JSON form (wire/), what engines mean by their settings
// (dialect/). A trace belongs to one thread: it remembers what it was asked.
#pragma once

#include <deque>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "sampling/stages.h"
#include "sampling/state.h"
#include "sampling/step.h"

namespace lp {

// One stage as it acted.
struct StageRecord {
  bool active = false;    // false: its setting changes nothing, ever
  bool skipped = false;   // active, but it decided to do nothing this time (XTC's coin)
  bool boundary = false;  // a decision within float32 rounding of its boundary, or a tie [D37]
  double threshold = std::numeric_limits<double>::quiet_NaN();  // what the stage came to; unit: docs/definitions.md
  double low = std::numeric_limits<double>::quiet_NaN();        // logits below (as they entered) were cut
  double high = std::numeric_limits<double>::quiet_NaN();       // logits above were cut
  size_t n_in = 0, n_out = 0;                                   // tokens left before and after
};

// A token's logit and probability after a stage; the probability is renormalised over what is left.
struct StageValue {
  double logit;
  double prob;
};

// One token's whole story.
struct TokenRow {
  TokenId id = 0;
  size_t rank = 0;      // 1-based, in the trace's row order
  double logit = 0;     // the model's own
  double prob_raw = 0;  // softmax of the model's own logits over the whole vocabulary
  double prob = 0;      // final; 0 when cut
  // The stage that cut it: an index into Trace::stages(), kMasked when the model's own logit is -inf, nullopt when it
  // was kept.
  static constexpr size_t kMasked = std::numeric_limits<size_t>::max();
  std::optional<size_t> cut_by;
  // By how much its logit missed the edge of what that stage kept, in nats of that stage's logits; 0 = a tie that lower
  // ids won; NaN where a stage has no such edge (bans).
  double margin = std::numeric_limits<double>::quiet_NaN();
};

class Trace {
 public:
  // Sends `logits` [V] through the chain. `logits` and `step.history` must outlive the trace. Errors: a setting out of
  // range, a history token outside the vocabulary, an empty vector, a NaN or +inf (named by index), no finite logit, a
  // stage that bans every token left.
  // `expected` as in State::Make: kMass for a draw alone.
  static Result<Trace> Run(std::span<const float> logits, const Step& step, const Chain& chain,
                           Sums expected = Sums::kAll);

  const Chain& chain() const { return chain_; }
  const Step& step() const { return step_; }
  std::span<const StageRecord> stages() const { return stages_; }  // one for each of chain().stages

  const State& raw() const { return states_.front(); }
  const State& final() const { return states_.back(); }
  const State& Before(size_t stage) const { return states_[stage == 0 ? 0 : after_[stage - 1]]; }
  const State& After(size_t stage) const { return states_[after_[stage]]; }
  // [D13] All logit-changing stages and none that removes: what the chain makes of the model's distribution before it
  // cuts. Bans count as changes. Greedy counts as a cut.
  const State& Shaped() const;
  // Where Shaped(), and final() on the tokens it keeps, is nothing but (raw with some logits edited) / divisor: sums of
  // one give expectations of the other, which spares a pass over the vocabulary.
  struct Affine {
    const State* edited;
    double divisor;  // a product of float32 numbers
    size_t n_divisions;
    bool made;  // Shaped() costs nothing: the chain came through it, or somebody asked before
  };
  std::optional<Affine> ShapedFromRaw() const;

  // Share of the probability that entered a stage on tokens that are still there after it.
  double MassOut(size_t stage) const;

  size_t n_vocab() const { return raw().n_vocab(); }
  size_t n_finite() const { return raw().n(); }  // tokens the model itself gives a chance
  size_t n_kept() const { return final().n(); }  // tokens that can be drawn

  // --- Rows: every token, in one order whatever was cut: by its logit after the last stage that edits single logits,
  // equal logits by lower id. Tokens that a ban removed come after all others, by raw logit.
  TokenRow Row(size_t rank) const;  // rank in [1, V]
  TokenRow RowOf(TokenId id) const;
  std::vector<TokenRow> Rows(size_t n) const;  // the first min(n, V)
  size_t RankOf(TokenId id) const;             // one pass over the vocabulary
  // 1-based ranks by the model's own logits; equal logits by lower id.
  std::vector<size_t> RawRanksOf(std::span<const TokenId> ids) const;
  // Some tokens after every stage, [ids][stages]; nullopt where one is no longer there.
  std::vector<std::optional<StageValue>> Journeys(std::span<const TokenId> ids) const;

  // States point to those they were made from: a trace can be moved, not copied.
  Trace(Trace&&) = default;
  Trace& operator=(Trace&&) = default;

 private:
  Trace() = default;
  const State& RowOrder() const;
  TokenId IdAt(size_t rank) const;
  std::span<const TokenId> Banned() const;  // tokens missing from RowOrder(), by raw logit
  // Rows of `ids`, all but their ranks. Many at once take a fraction of the time of one by one.
  std::vector<TokenRow> Describe(std::span<const TokenId> ids) const;

  Chain chain_;
  Step step_;
  std::deque<State> states_;   // raw, then one for each stage that changed something; a deque, so that they stay put
  std::vector<size_t> after_;  // [stages] index into states_
  std::vector<StageRecord> stages_;
  size_t uncut_ = 0;                            // states_[0..uncut_] came from logit-changing stages only ...
  size_t next_ = 0;                             // ... and chain_.stages[next_] is the first stage after them
  size_t row_order_ = 0;                        // the last of these that an editing stage made
  bool late_edits_ = false;                     // editing stages follow a cut: row order is that of last_edited_
  mutable std::deque<State> shaped_;            // what Shaped() is made of, where it is none of states_ ...
  mutable const State* last_edited_ = nullptr;  // ... and the one after its last edit
  mutable std::vector<TokenId> banned_;         // Banned(), once it was asked for
};

}  // namespace lp
