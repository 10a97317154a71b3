// FindMass and FindMassAround.
//
// Few tokens often hold the mass: where sums are known, the best are tried first. Otherwise a sample of the logits says
// between which two values the prefix ends, almost surely; one pass over all of them sums one side of that bracket and
// copies what lies between, and halving finds the end among those. No bracket that fails goes unnoticed, for the sums
// tell; it is then widened.
#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

#include "base/check.h"
#include "distribution/exp.h"
#include "distribution/mass_order.h"
#include "distribution/mass_pass.h"
#include "distribution/mass_sample.h"
#include "distribution/select.h"

namespace lp {
namespace {

// Kept from call to call: a step in its steady state allocates nothing of the size of the vocabulary.
struct Scratch {
  std::vector<float> between, narrowed, weights, narrowed_weights;
  std::vector<BlockSums> all, side;
  std::vector<uint32_t> ends;
};
Scratch& ThreadScratch() {
  thread_local Scratch scratch;
  return scratch;
}
template <class T>
T* Room(std::vector<T>& v, size_t n) {
  if (v.size() < n) v.resize(n);
  return v.data();
}

// One search. Masses are sums of weights relative to the maximum, not yet divided by sum_exp.
class MassSearch {
 public:
  // `sums` may be empty: the search then fills it.
  MassSearch(const View& view, std::optional<VectorSums>& sums, Sums which, Weight weight, Order order, float max)
      : view_(view), sums_(sums), which_(which), weight_(weight), order_(order), max_(max) {
    if (sums_) SumsAreKnown();
  }

  MassEdge Find(double target) {
    if (!sums_ && !(target > 0 && target < 1)) Compute();
    if (target <= 0) return First();
    if (sums_ && (!(target <= whole_) || !(total_ > 0))) return All();
    share_ = target / whole_;
    MassEdge edge;
    if (sums_ && AmongBest(edge)) return edge;
    std::optional<mass::Sample> sample;
    if (view_.x.size() > kSmall) sample.emplace(view_, weight_, max_, static_cast<float>(log_sum_));
    if (!sums_ && sample && MayTryBest() && sample->HoldsAmongBest(kFew, 0.95 * share_)) {
      Compute();  // alone it takes less time, and what is left to do is then little
      if (AmongBest(edge)) return edge;
    }
    return Search(sample);
  }

 private:
  static constexpr size_t kFew = 48;                          // candidates tried before anything else
  static constexpr size_t kSmall = 16 * LogitVector::kBlock;  // logits: no sample below

  double target() const { return share_ * total_; }

  void SumsAreKnown() {
    const SoftmaxSums& t = sums_->total;
    // As the kernels have it. What rounding it does to all weights alike, dividing by their sum takes back.
    log_sum_ = static_cast<double>(static_cast<float>(std::log(t.sum_exp)));
    whole_ = weight_ == Weight::kEntropy ? t.Entropy() : 1;
    total_ = MassOf(t);
  }
  void Compute() {
    sums_ = ComputeSums(view_, which_);
    SumsAreKnown();
  }

  double WeightOf(float v) const {
    const double y = static_cast<double>(v) - static_cast<double>(max_), e = ExpNonPositiveDouble(y);
    return weight_ == Weight::kEntropy ? e * (log_sum_ - y) : e;
  }
  double MassOf(const SoftmaxSums& s) const {
    return weight_ == Weight::kEntropy ? std::max(0.0, log_sum_ * s.sum_exp - s.sum_x_exp) : s.sum_exp;
  }
  MassEdge Normalised(MassEdge edge) const {
    const double scale = total_ > 0 ? whole_ / total_ : 0;
    edge.before = std::max(0.0, edge.before * scale);
    edge.through *= scale;
    edge.after = std::max(0.0, edge.after * scale);
    return edge;
  }

  // The token of the lowest position, or (last of all) of the highest.
  Candidate Extreme(bool last) const {
    Candidate best;
    double position = std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < view_.x.size(); ++i) {
      const float v = view_[i];
      if (v == kMasked) continue;
      const double at = last ? -order_.Position(v) : order_.Position(v);
      if (at < position || (last && at == position)) best = {static_cast<TokenId>(i), v}, position = at;
    }
    return best;
  }
  MassEdge First() const {
    MassEdge edge{.last = Extreme(false), .n = 1};
    edge.through = WeightOf(edge.last.value);
    edge.after = total_ - edge.through;
    return Normalised(edge);
  }
  MassEdge All() const {
    MassEdge edge{.last = Extreme(true), .n = sums_->total.n, .through = total_, .reached = false};
    edge.before = total_ - WeightOf(edge.last.value);
    return Normalised(edge);
  }

  bool MayTryBest() const { return !order_.around() && kFew <= view_.x.n_blocks() && !view_.lens.Changes(); }
  // Adds up the best, if the blocks they can be in hold enough at all.
  bool AmongBest(MassEdge& edge) {
    if (!MayTryBest()) return false;
    if (weight_ == Weight::kProbability && static_cast<double>(kFew) < target()) return false;  // no weight is above 1
    const float bound = BoundOfKth(view_.block_max, kFew);
    double most = 0;
    for (const BlockSums& b : sums_->blocks) {
      if (b.max >= bound) most += BlockWeight(b);
    }
    if (most < target()) return false;
    edge = {};
    for (const Candidate& c : TopRanked(view_.x, view_.block_max, kFew)) {
      edge.last = c;
      edge.n += 1;
      edge.before = edge.through;
      edge.through += WeightOf(c.value);
      if (edge.through < target()) continue;
      edge.after = total_ - edge.through;
      edge = Normalised(edge);
      return true;
    }
    return false;
  }
  double BlockWeight(const BlockSums& b) const {
    if (b.max == kMasked) return 0;
    const double s = static_cast<double>(b.max) - static_cast<double>(max_);
    const auto e = static_cast<double>(b.sum_exp);
    return ExpNonPositiveDouble(s) *
           (weight_ == Weight::kEntropy ? (log_sum_ - s) * e - static_cast<double>(b.sum_x_exp) : e);
  }

  MassEdge Search(const std::optional<mass::Sample>& sample) {
    const uint32_t first = order_.FirstKey();
    mass::Keys keys{first - 1, Order::kLastKey};  // keys.inner + 1 <= the key looked for <= keys.outer
    if (sample) sample->Bracket(order_, share_, keys);
    const auto until = [&](uint32_t key) { return key + 1 == first ? kNothing : order_.Until(key); };
    Scratch& s = ThreadScratch();
    const size_t n_blocks = view_.x.n_blocks(), room = (n_blocks + 1) * LogitVector::kBlock;
    BlockSums* side = Room(s.side, n_blocks);
    for (int attempt = 0;; ++attempt) {
      if (attempt == 2) keys = {first - 1, Order::kLastKey};  // rounding must not send it to and fro
      // From the side that holds less, for rounding is relative to what is summed: nothing never reaches the target,
      // everything always does, and what is cut is exact however little it is.
      mass::Bracket bracket{.outside = share_ > 0.5, .around = order_.around()};
      if (sums_ && keys.n_outer < static_cast<double>(view_.x.size()) / 16) {  // so few need no sums of a side
        keys.inner = first - 1;
        bracket.outside = false;
      }
      bracket.in = until(keys.inner), bracket.out = until(keys.outer);
      VectorSums made;
      const bool unknown = !sums_;
      if (unknown) made = {.blocks = std::vector<BlockSums>(n_blocks), .which = which_};
      const Sums which = unknown ? which_ : weight_ == Weight::kEntropy ? Sums::kEntropy : Sums::kMass;
      float* between = Room(s.between, room);
      n_between_ = mass::Split(view_, bracket, which, unknown ? nullptr : sums_->blocks.data(),
                               unknown ? made.blocks.data() : Room(s.all, n_blocks), side, Room(s.ends, n_blocks),
                               between);
      const std::span<const BlockSums> sides(side, n_blocks);
      if (unknown) {
        std::tie(made.total, side_) = CombineParts(made.blocks, which, sides, mass::SideSums(which));
        sums_ = std::move(made);
        SumsAreKnown();
      } else {
        side_ = Combine(sides, mass::SideSums(which));
      }
      const size_t n = WholeBlocks(n_between_);
      float* w = Room(s.weights, n);
      mass::Weights(weight_, between, n, max_, static_cast<float>(log_sum_), w);
      const mass::Keys all = keys;
      if (!Halve(between, w, bracket, true, keys, until)) continue;
      const auto edge = [&] {
        return mass::Bracket{until(keys.outer - 1), until(keys.outer), bracket.outside, bracket.around};
      };
      std::vector<Candidate> found = At(between, edge());
      if (found.empty()) {  // sums in another order are rounded otherwise, and may disagree where nothing lies
        keys = all;
        Halve(between, w, bracket, false, keys, until);
        found = At(between, edge());
      }
      return Walk(between, edge(), found, mass::SideSums(which));
    }
  }

  // Narrows the bracket down to one key; false if the prefix ends elsewhere, and the keys say where to look then.
  // `forget`: what turns out to lie on one side is summed for good, which takes a fraction of the time.
  template <class Until>
  bool Halve(const float* between, const float* weights, const mass::Bracket& bracket, bool forget, mass::Keys& keys,
             const Until& until) {
    size_t n = WholeBlocks(n_between_);
    const float *x = between, *w = weights;
    double base = MassOf(side_);
    const auto is_enough = [&](double mass) { return bracket.outside ? mass <= total_ - target() : mass >= target(); };
    const auto reaches = [&](const Interval& interval) {
      return is_enough(base + mass::SumSide(x, w, n, interval, bracket.outside));
    };
    // Nothing of what lies between is in bracket.in, and all is in bracket.out.
    const double with_all = base + mass::SumSide(x, w, n, kEverything, false);
    if (keys.inner + 1 != order_.FirstKey() && is_enough(bracket.outside ? with_all : base)) {
      keys = {order_.FirstKey() - 1, keys.inner};
      return false;
    }
    if (keys.outer != Order::kLastKey && !is_enough(bracket.outside ? base : with_all)) {
      keys = {keys.outer, Order::kLastKey};
      return false;
    }
    for (int step = 1; keys.outer - keys.inner > 1; ++step) {
      const uint32_t middle = keys.inner + (keys.outer - keys.inner) / 2;
      (reaches(until(middle)) ? keys.outer : keys.inner) = middle;
      if (!forget || step % 3 != 0 || n <= LogitVector::kBlock) continue;
      const mass::Bracket left{until(keys.inner), until(keys.outer), bracket.outside, bracket.around};
      float *to_x = Room(ThreadScratch().narrowed, n), *to_w = Room(ThreadScratch().narrowed_weights, n);
      n = WholeBlocks(mass::Narrow(x, w, n, left, to_x, to_w, base));
      x = to_x, w = to_w;
    }
    return true;
  }

  // The tokens in `edge.out` that are not in `edge.in`, in order: of one value, or of one on either side of the centre.
  std::vector<Candidate> At(const float* between, const mass::Bracket& edge) const {
    const std::span<const uint32_t> ends(ThreadScratch().ends.data(), view_.x.n_blocks());
    std::vector<size_t> at;
    mass::Find(between, WholeBlocks(n_between_), edge, at);
    std::vector<Candidate> found;
    size_t next = 0;  // block
    for (const size_t i : at) {
      const auto block = static_cast<size_t>(std::upper_bound(ends.begin(), ends.end(), i) - ends.begin());
      if (block < next) continue;  // there were several
      next = block + 1;
      for (size_t j = block * LogitVector::kBlock; j < std::min(view_.x.size(), next * LogitVector::kBlock); ++j) {
        const float v = view_[j];
        if (edge.out.Holds(v) && !edge.in.Holds(v)) found.push_back({static_cast<TokenId>(j), v});
      }
    }
    const auto in_order = [&](const Candidate& a, const Candidate& b) { return order_.Before(a, b); };
    if (!std::is_sorted(found.begin(), found.end(), in_order)) std::sort(found.begin(), found.end(), in_order);
    return found;
  }

  // The prefix ends among `found`, which At found.
  MassEdge Walk(const float* between, const mass::Bracket& edge, std::span<const Candidate> found,
                Sums prefix_sums) const {
    const size_t n = WholeBlocks(n_between_);
    const float* weights = ThreadScratch().weights.data();
    // Of what lies between; sum_exp is of weights.
    SoftmaxSums before = mass::Terms(between, weights, n, max_, edge.in, false);
    SoftmaxSums beyond = mass::Terms(between, weights, n, max_, edge.out, true);
    MassEdge result;
    result.through = MassOf(side_) + before.sum_exp;
    if (edge.outside) {
      double left = MassOf(side_) + beyond.sum_exp;
      for (const Candidate& c : found) left += WeightOf(c.value);
      result.through = total_ - left;
    }
    size_t taken = 0;
    while (taken < found.size() && (taken == 0 || result.through < target())) {
      result.last = found[taken++];
      result.before = result.through;
      result.through += WeightOf(result.last.value);
      Add(result.last.value, WeightOf(result.last.value), before);
    }
    result.tied = taken < found.size() && found[taken].value == result.last.value;
    for (; taken < found.size(); ++taken) Add(found[taken].value, WeightOf(found[taken].value), beyond);
    result.after = edge.outside ? MassOf(side_) + beyond.sum_exp : total_ - result.through;
    result.after_is_exact = edge.outside || result.after > 0.25 * total_;
    result.n = before.n + (edge.outside ? sums_->total.n - side_.n - n_between_ : side_.n);
    if (weight_ == Weight::kProbability) {
      result.prefix = edge.outside ? Sum(Sum(sums_->total, side_, -1), beyond, -1) : Sum(side_, before, 1);
      result.prefix->n = result.n;
      result.prefix_sums = prefix_sums;
    }
    return Normalised(result);
  }

  // A token among others; `weight` is e^(v - max) where the sums of more than weights are asked for.
  void Add(float v, double weight, SoftmaxSums& sums) const {
    const double y = static_cast<double>(v) - static_cast<double>(max_);
    sums.n += 1;
    sums.sum_exp += weight;
    sums.sum_x_exp += y * weight;
    sums.sum_xx_exp += y * y * weight;
  }
  static SoftmaxSums Sum(SoftmaxSums a, const SoftmaxSums& b, double sign) {
    a.sum_exp += sign * b.sum_exp;
    a.sum_x_exp += sign * b.sum_x_exp;
    a.sum_xx_exp += sign * b.sum_xx_exp;
    a.sum_exp2 = 0;
    return a;
  }

  static size_t WholeBlocks(size_t n) {
    return (n + LogitVector::kBlock - 1) / LogitVector::kBlock * LogitVector::kBlock;
  }

  const View view_;
  std::optional<VectorSums>& sums_;
  Sums which_;
  Weight weight_;
  Order order_;
  float max_;
  double log_sum_ = 0;
  double whole_ = 1;  // the sum of all weights in the caller's units: 1, or the entropy
  double total_ = 0;  // and in ours
  double share_ = 0;  // of all weight, that is looked for
  SoftmaxSums side_;  // what the pass summed
  size_t n_between_ = 0;
};

// The maxima of blocks whose sums are known, as a View wants them.
MassEdge Find(const LogitVector& x, const VectorSums& sums, Weight weight, Order order, double target) {
  LP_CHECK(sums.blocks.size() == x.n_blocks());
  if (sums.total.n == 0) return {.reached = false};
  thread_local std::vector<float> maxima;
  maxima.clear();
  for (const BlockSums& b : sums.blocks) maxima.push_back(b.max);
  std::optional<VectorSums> known = sums;
  const View view{x, {}, maxima, sums.total.n == x.size()};
  return MassSearch(view, known, sums.which, weight, order, sums.total.max).Find(target);
}

}  // namespace

MassEdge FindMass(const View& x, std::optional<VectorSums>& sums, Sums which, Weight weight, double target) {
  LP_CHECK(sums || weight == Weight::kProbability);
  const float max = *std::max_element(x.block_max.begin(), x.block_max.end());
  if (max == kMasked) return {.reached = false};
  return MassSearch(x, sums, which, weight, Order::ByRank(max), max).Find(target);
}

MassEdge FindMass(const LogitVector& x, const VectorSums& sums, Weight weight, double target) {
  return Find(x, sums, weight, Order::ByRank(sums.total.max), target);
}

MassEdge FindMassAround(const LogitVector& x, const VectorSums& sums, double centre, double target) {
  return Find(x, sums, Weight::kProbability, Order::AroundCentre(centre), target);
}

}  // namespace lp
