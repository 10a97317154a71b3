// A distribution on its way through a chain: which tokens are left, and what their logits are now. Not changed once
// made; every stage makes the next state from the last and shares what it did not touch.
//
// Two forms, one meaning. Wide: one logit a token of the vocabulary, removed tokens are -inf. Narrow: the few tokens
// that are left, listed in rank order; from there on double arithmetic on a short list is both fastest and exact. A
// chain goes from wide to narrow at most once and never back.
//
// Sums and ranks are computed when first asked for and remembered, so a state must not be shared between threads. So
// are the logits of a wide state that an edit, a cut from below or a temperature left: a cut and a temperature can be
// summed and searched through a lens, and of edits few are asked for. The state it was made from must stay where it is.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "distribution/lens.h"
#include "distribution/logit_vector.h"
#include "distribution/select.h"
#include "distribution/sums.h"
#include "sampling/id_index.h"

namespace lp {

class State {
 public:
  static constexpr size_t kNarrow = 1024;  // a cut that leaves no more than this makes the state narrow

  // `logits` [V] must outlive the state and all made from it. Errors: an empty vector, a NaN or +inf (named by index),
  // no finite logit.
  // `expected`: what will be asked of it and of what is made from it. kMass spares half of a pass where nobody will ask
  // for sums(); whoever does still gets them. With kAll the sums that nobody asks the model's own distribution for are
  // spared, too.
  static Result<State> Make(std::span<const float> logits, Sums expected = Sums::kAll);

  bool narrow() const { return narrow_; }
  size_t n_vocab() const { return n_vocab_; }
  size_t n() const { return n_; }                            // tokens left
  const LogitVector& values() const;                         // wide only
  std::span<const Candidate> list() const { return list_; }  // narrow only, in rank order

  float Max() const { return Top(1)[0].value; }
  float Value(TokenId id) const;  // -inf when the token is not left
  bool Has(TokenId id) const { return Value(id) > kMasked; }
  double ProbabilityOf(float value) const;  // exp(value - log sum exp)
  // The same for many at once: the value of each id, and the probability of each value.
  std::vector<float> Values(const IdIndex& ids) const;
  std::vector<double> ProbabilitiesOf(std::span<const float> values) const;
  double Probability(TokenId id) const { return ProbabilityOf(Value(id)); }
  // At least those asked for; kVarentropy are all but [D11].
  const SoftmaxSums& sums(Sums least = Sums::kVarentropy) const;
  // Those of x / t, not rounded to float32, as far as its entropy needs them. Wide only; t must not overflow.
  SoftmaxSums SumsDividedBy(float t) const;
  const SoftmaxSums& mass() const { return sums(Sums::kMass); }  // max, n and sum_exp

  // The first min(k, n()) tokens in rank order, sorted only as far as somebody asked. Valid until the next call.
  std::span<const Candidate> Top(size_t k) const;
  // As much of that as is sorted already: costs nothing.
  std::span<const Candidate> Sorted() const { return narrow_ ? list_ : top_; }
  // The logits that differ from `before`, by id, where this state is a few edits away from it and nothing else.
  std::optional<std::span<const Candidate>> EditsOf(const State& before) const;
  Candidate Ranked(size_t rank) const;  // the token of a 1-based rank <= n()
  // Where a running sum of weights in rank order reaches `target`, or in the order of the distance from `centre`.
  MassEdge FindMass(Weight weight, double target) const;
  MassEdge FindMassAround(double centre, double target) const;
  // Every token at most `reach` away from `centre`, nearest first, equal distances by lower id.
  std::vector<Candidate> NearestTo(double centre, double reach) const;
  Moments LogitMoments() const;
  size_t CountFrom(float low) const;  // tokens of a value >= low
  // The probability, here, of all tokens that are no longer left in `after`.
  double MassLost(const State& after) const;
  // ... and of those that are, where `after` is nothing but a cut: logits are the same.
  double MassKept(const State& after) const;

  // --- What a stage makes of it. At least one token must remain. ---
  // The first n in rank order.
  State KeepTop(size_t n) const;
  // The same where the n-th is known already; `found`, if not null, is what a search by probability told about it.
  State KeepThrough(const Candidate& last, size_t n, const MassEdge* found = nullptr) const;
  // Values in [low, high].
  State KeepRange(float low, float high) const;
  // These tokens with these values; in any order, all of them left until now.
  State Only(std::vector<Candidate> tokens) const;
  // Without some tokens.
  State Without(std::span<const TokenId> ids) const;
  // With other logits for some tokens; -inf removes one. Tokens that are not left stay removed.
  State With(std::span<const Candidate> edits) const;
  // x / t, float32 as the engines do it, except that the maximum is subtracted first where x / t would overflow. No
  // token is lost: logits stay above -inf.
  State Divided(float t) const;
  bool OverflowsDividedBy(double t) const;
  // Any other function of a logit. `f` need not be monotone.
  template <class F>
  State Mapped(const F& f) const;

 private:
  static State Wide(LogitVector values, const State& before);
  static State Through(const Lens& lens, const State& before);
  std::vector<Candidate> BestOfEdited(size_t k) const;
  std::vector<Candidate> BestThroughLens(size_t k) const;
  static State Narrow(std::vector<Candidate> list, size_t n_vocab);
  std::span<const float> block_max() const;
  Known Scanned() const;
  View view() const;
  const VectorSums& vector_sums(Sums least) const;

  bool narrow_ = false;
  size_t n_vocab_ = 0, n_ = 0;
  std::vector<Candidate> list_;
  // A state this one was made from, for what its unchanged blocks are known to hold.
  const State* before_ = nullptr;
  Sums expected_ = Sums::kAll;
  // Where before_ with a few logits edited is all that this one is: these, by id. Written down when values() are.
  std::vector<Candidate> edits_;
  // Where source_ through a lens is all that this one is. source_ is no such state, or has written its logits down.
  const State* source_ = nullptr;
  Lens lens_;
  std::optional<double> lost_;  // the probability, in source_, of the tokens that the lens masks; nullopt = not known

  mutable LogitVector values_;                     // wide; empty = not written down
  mutable std::vector<float> block_max_;           // [n_blocks]; empty = not computed
  mutable std::optional<VectorSums> vector_sums_;  // wide
  mutable std::optional<SoftmaxSums> sums_;        // narrow; or wide, as a search told them
  Sums sums_which_ = Sums::kAll;                   // how many of sums_ are known
  mutable std::vector<Candidate> top_;             // wide: the start of the rank order
  mutable std::vector<Candidate> by_id_;           // narrow and long: list_ by id
};

template <class F>
State State::Mapped(const F& f) const {
  if (narrow_) {
    std::vector<Candidate> list(list_);
    for (Candidate& c : list) c.value = f(c.value);
    return Narrow(std::move(list), n_vocab_);
  }
  LogitVector values = this->values();
  for (size_t b = 0; b < values.n_blocks(); ++b) {
    const float* from = this->values().block(b);
    float* to = values.Replace(b);
    for (size_t i = 0; i < LogitVector::kBlock; ++i) to[i] = from[i] > kMasked ? f(from[i]) : kMasked;
  }
  State state = Wide(std::move(values), *this);
  state.n_ = n_;
  return state;
}

}  // namespace lp
