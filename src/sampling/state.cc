#include "sampling/state.h"

#include <algorithm>
#include <cmath>

#include "base/str_cat.h"
#include "distribution/exp.h"

namespace lp {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

SoftmaxSums SumsOf(std::span<const Candidate> list) {
  SoftmaxSums sums{.max = list.front().value, .n = list.size()};
  for (const Candidate& c : list) {
    const double y = static_cast<double>(c.value) - static_cast<double>(sums.max);
    const double e = std::exp(y);
    sums.sum_exp += e;
    sums.sum_x_exp += y * e;
    sums.sum_xx_exp += y * y * e;
    sums.sum_exp2 += e * e;
  }
  return sums;
}

// Runs through tokens in some order, adding up weights.
template <class NextToken, class WeightOf>
MassEdge Accumulate(size_t n, double target, const NextToken& token, const WeightOf& weight) {
  MassEdge edge;
  edge.reached = false;
  while (edge.n < n && !edge.reached) {
    edge.last = token(edge.n++);
    edge.before = edge.through;
    edge.through += weight(edge.last);
    edge.reached = edge.through >= target;
  }
  return edge;
}

}  // namespace

Result<State> State::Make(std::span<const float> logits, Sums expected) {
  const auto error = [](std::string message) {
    return Error{ErrorCode::kInvalidArgument, std::move(message), "logits"};
  };
  if (logits.empty()) return error("there are no logits");
  State state;
  state.expected_ = std::min(expected, Sums::kVarentropy);
  state.values_ = LogitVector(logits);
  Scan scan = ScanLogits(state.values_);
  if (scan.invalid) {
    return error(StrCat("the logit of token ", *scan.invalid, " is ",
                        std::isnan(logits[*scan.invalid]) ? "NaN" : "+inf",
                        ", so there is no distribution; what wrote it is damaged"));
  }
  if (scan.n_finite == 0) return error("every logit is -inf, so there is no distribution");
  state.n_vocab_ = logits.size();
  state.n_ = scan.n_finite;
  state.block_max_ = std::move(scan.block_max);
  return state;
}

const LogitVector& State::values() const {
  if (values_.size() > 0 || narrow_) return values_;
  if (source_ != nullptr) return values_ = lp::Make(source_->values(), lens_);
  values_ = before_->values();
  for (const Candidate& edit : edits_) values_.Set(static_cast<size_t>(edit.id), edit.value);
  return values_;
}

std::optional<std::span<const Candidate>> State::EditsOf(const State& before) const {
  if (edits_.empty() || before_ != &before) return std::nullopt;
  return edits_;
}

float State::Value(TokenId id) const {
  if (!narrow_ && values_.size() > 0) return values_.at(id);
  if (!narrow_ && source_ != nullptr) return lens_.Of(source_->Value(id), static_cast<size_t>(id));
  if (!narrow_) {
    const auto edit = std::lower_bound(edits_.begin(), edits_.end(), id,
                                       [](const Candidate& c, TokenId i) { return c.id < i; });
    return edit != edits_.end() && edit->id == id ? edit->value : before_->Value(id);
  }
  if (list_.size() <= 32) {
    for (const Candidate& c : list_) {
      if (c.id == id) return c.value;
    }
    return kMasked;
  }
  const auto less = [](const Candidate& a, const Candidate& b) { return a.id < b.id; };
  if (by_id_.empty()) {
    by_id_ = list_;
    std::sort(by_id_.begin(), by_id_.end(), less);
  }
  const auto at = std::lower_bound(by_id_.begin(), by_id_.end(), Candidate{.id = id}, less);
  return at != by_id_.end() && at->id == id ? at->value : kMasked;
}

double State::ProbabilityOf(float value) const {
  const SoftmaxSums& all = mass();
  return ExpNonPositiveDouble(static_cast<double>(value) - static_cast<double>(all.max)) / all.sum_exp;
}

std::vector<float> State::Values(const IdIndex& ids) const {
  std::vector<float> values(ids.ids().size(), kMasked);
  if (narrow_) {
    for (const Candidate& c : list_) ids.ForEach(c.id, [&](size_t i) { values[i] = c.value; });
  } else if (values_.size() > 0) {
    for (size_t i = 0; i < values.size(); ++i) values[i] = values_.at(ids.ids()[i]);
  } else if (source_ != nullptr) {
    values = source_->Values(ids);
    for (size_t i = 0; i < values.size(); ++i) values[i] = lens_.Of(values[i], static_cast<size_t>(ids.ids()[i]));
  } else {
    values = before_->Values(ids);
    for (const Candidate& edit : edits_) ids.ForEach(edit.id, [&](size_t i) { values[i] = edit.value; });
  }
  return values;
}

std::vector<double> State::ProbabilitiesOf(std::span<const float> values) const {
  const SoftmaxSums& all = mass();
  std::vector<double> p(values.size());
  for (size_t i = 0; i < p.size(); ++i) p[i] = static_cast<double>(values[i]) - static_cast<double>(all.max);
  ExpNonPositiveDoubles(p);
  for (double& v : p) v /= all.sum_exp;
  return p;
}

std::span<const float> State::block_max() const {
  if (!block_max_.empty()) return block_max_;
  if (source_ != nullptr) {
    block_max_ = BlockMaxima(source_->values(), source_->block_max(), lens_);
  } else if (before_ != nullptr && !before_->narrow_) {
    block_max_ = BlockMaxima(values(), before_->values(), before_->block_max());
  } else {
    block_max_ = ScanLogits(values()).block_max;
  }
  return block_max_;
}

Known State::Scanned() const { return {.block_max = block_max(), .no_masks = n_ == n_vocab_}; }

View State::view() const {
  return {source_ != nullptr ? source_->values() : values(), lens_, block_max(), n_ == n_vocab_};
}

SoftmaxSums State::SumsDividedBy(float t) const {
  LP_CHECK(!narrow_);
  return ComputeSumsOfQuotient(values(), t, Scanned());
}

const VectorSums& State::vector_sums(Sums least) const {
  if (vector_sums_ && vector_sums_->which >= least) return *vector_sums_;
  const bool known = source_ == nullptr && before_ != nullptr && before_->vector_sums_ &&
                     before_->vector_sums_->which >= least;
  vector_sums_ = known ? ComputeSums(values(), before_->values(), *before_->vector_sums_)
                       : ComputeSums(view(), std::max(least, expected_));
  return *vector_sums_;
}

const SoftmaxSums& State::sums(Sums least) const {
  if (narrow_ && !sums_) sums_ = SumsOf(list_);
  const bool told = sums_ && sums_which_ >= least && !(vector_sums_ && vector_sums_->which >= least);
  return told ? *sums_ : vector_sums(least).total;
}

std::span<const Candidate> State::Top(size_t k) const {
  k = std::min(k, n_);
  if (narrow_) return std::span(list_).first(k);
  if (top_.size() < k) {
    // A few more than asked for: whoever asks for the k-th token mostly wants to know whether the next one ties with it.
    const size_t n = std::min(n_, std::max(k + 8, 2 * top_.size()));
    top_ = source_ != nullptr  ? BestThroughLens(n)
           : edits_.empty() ? TopRanked(values(), block_max(), n)
                            : BestOfEdited(n);
  }
  return std::span(top_).first(k);
}

// They are among the edited, and among the best of before that were not: one search serves both states.
std::vector<Candidate> State::BestOfEdited(size_t k) const {
  std::vector<Candidate> best;
  for (size_t n = k;; n += k - best.size()) {
    best.clear();
    for (const Candidate& c : before_->Top(n)) {
      if (Value(c.id) == c.value) best.push_back(c);
    }
    if (best.size() >= k || n >= before_->n()) break;
  }
  const auto n_unchanged = static_cast<std::ptrdiff_t>(best.size());
  const float least = best.size() >= k ? best[k - 1].value : std::numeric_limits<float>::lowest();
  for (const Candidate& c : edits_) {
    if (c.value >= least && c.value != before_->Value(c.id)) best.push_back(c);
  }
  SortByRank(std::span(best).subspan(static_cast<size_t>(n_unchanged)));
  std::inplace_merge(best.begin(), best.begin() + n_unchanged, best.end(), RanksBefore);
  best.resize(std::min(k, best.size()));
  return best;
}

// A lens keeps the order, but for ties that rounding makes: among the best are the best before, unless the last of
// those ties with what was not looked at.
std::vector<Candidate> State::BestThroughLens(size_t k) const {
  std::vector<Candidate> best;
  for (const Candidate& c : source_->Top(k + 8)) {
    const float x = lens_.Of(c.value, static_cast<size_t>(c.id));
    if (x > kMasked) best.push_back({c.id, x});
  }
  const bool all = best.size() == n_;
  const float last = best.back().value;
  SortByRank(best);
  if (best.size() > k) best.resize(k);
  if (all || (best.size() == k && best.back().value > last)) return best;
  return TopRanked(values(), block_max(), k);
}

Candidate State::Ranked(size_t rank) const {
  LP_CHECK(rank >= 1 && rank <= n_);
  if (narrow_) return list_[rank - 1];
  if (rank <= top_.size() || rank <= kNarrow) return Top(rank)[rank - 1];
  std::vector<Candidate> all;
  all.reserve(n_);
  const LogitVector& x = values();
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] > kMasked) all.push_back({static_cast<TokenId>(i), x[i]});
  }
  const auto at = all.begin() + static_cast<std::ptrdiff_t>(rank - 1);
  std::nth_element(all.begin(), at, all.end(), RanksBefore);
  return *at;
}

MassEdge State::FindMass(Weight weight, double target) const {
  if (!narrow_) {
    // Sums that are known, or soon made, come first; otherwise one pass is for them and for the search.
    if (weight == Weight::kEntropy) vector_sums(Sums::kEntropy);
    if (source_ == nullptr && before_ != nullptr && before_->vector_sums_) vector_sums(Sums::kMass);
    return lp::FindMass(view(), vector_sums_, expected_, weight, target);
  }
  return Accumulate(
      n_, target, [&](size_t i) { return list_[i]; },
      [&](const Candidate& c) {
        const double p = ProbabilityOf(c.value);
        return weight == Weight::kProbability ? p : p > 0 ? -p * std::log(p) : 0.0;
      });
}

MassEdge State::FindMassAround(double centre, double target) const {
  if (!narrow_) return lp::FindMassAround(values(), vector_sums(Sums::kMass), centre, target);
  const std::vector<Candidate> order = NearestTo(centre, std::numeric_limits<double>::infinity());
  return Accumulate(
      n_, target, [&](size_t i) { return order[i]; }, [&](const Candidate& c) { return ProbabilityOf(c.value); });
}

std::vector<Candidate> State::NearestTo(double centre, double reach) const {
  const auto distance = [&](const Candidate& c) { return std::abs(static_cast<double>(c.value) - centre); };
  std::vector<Candidate> order;
  if (narrow_) {
    order = list_;
  } else {
    constexpr float kMost = std::numeric_limits<float>::max();
    const auto edge = [](double x) {
      return static_cast<float>(std::clamp(x, -static_cast<double>(kMost), static_cast<double>(kMost)));
    };
    const float low = std::max(-kMost, std::nextafter(edge(centre - reach), kMasked)),
                high = std::nextafter(edge(centre + reach), kInfinity);
    order = Between(values(), block_max(), low, high);
  }
  std::erase_if(order, [&](const Candidate& c) { return distance(c) > reach; });
  std::sort(order.begin(), order.end(), [&](const Candidate& a, const Candidate& b) {
    return distance(a) < distance(b) || (distance(a) == distance(b) && a.id < b.id);
  });
  return order;
}

Moments State::LogitMoments() const {
  if (!narrow_) return lp::LogitMoments(values());
  double mean = 0, squares = 0;
  for (const Candidate& c : list_) mean += static_cast<double>(c.value);
  mean /= static_cast<double>(n_);
  for (const Candidate& c : list_)
    squares += (static_cast<double>(c.value) - mean) * (static_cast<double>(c.value) - mean);
  return {mean, std::sqrt(squares / static_cast<double>(n_))};
}

size_t State::CountFrom(float low) const {
  if (low == kMasked) return n_;
  if (!narrow_) {
    const Counts counts = CountAbove(values(), low);
    return counts.above + counts.equal;
  }
  const auto end = std::partition_point(list_.begin(), list_.end(), [&](const Candidate& c) { return c.value >= low; });
  return static_cast<size_t>(end - list_.begin());
}

double State::MassKept(const State& after) const {
  // Not a difference of logarithms: beside a logit of 1e30 they are lost.
  const SoftmaxSums &all = mass(), &kept = after.mass();
  return std::min(1.0,
                  kept.sum_exp / all.sum_exp * std::exp(static_cast<double>(kept.max) - static_cast<double>(all.max)));
}

double State::MassLost(const State& after) const {
  if (after.n_ == n_) return 0;
  if (after.source_ == this && after.lost_) return *after.lost_;
  if (!narrow_ && !after.narrow_) return MassMasked(values(), vector_sums(Sums::kMass), after.values());
  double lost = 0, kept = 0;
  if (narrow_) {
    for (const Candidate& c : list_) (after.Has(c.id) ? kept : lost) += ProbabilityOf(c.value);
    return std::min(1.0, lost);
  }
  for (const Candidate& c : after.list_) kept += Probability(c.id);
  if (kept < 0.99) return 1 - kept;
  // 1 - kept would lose a small rest to rounding: what is not kept, summed on its own.
  std::vector<TokenId> ids;
  for (const Candidate& c : after.list_) ids.push_back(c.id);
  return MassKept(Without(ids));
}

}  // namespace lp
