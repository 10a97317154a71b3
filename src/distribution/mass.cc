// FindMass and FindMassAround.
//
// Few tokens often hold the mass: the best are tried first. Otherwise a sample of the logits says between which two
// values the prefix ends, almost surely; one pass copies the smaller side (what may be inside, or what may be outside),
// a second sums it and keeps what lies between the two, and halving finds the end among those. No bracket that fails
// goes unnoticed, for the sums tell; it is then widened.
#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.h"
#include "distribution/exp.h"
#include "distribution/mass_order.h"
#include "distribution/mass_pass.h"
#include "distribution/select.h"

namespace lp {
namespace {

constexpr size_t kSampled = 8;  // consecutive logits of each block of 256

// Kept from call to call: a step in its steady state allocates nothing of the size of the vocabulary.
struct Scratch {
  std::vector<float> side, between, weights, sample, sample_weights, block_max;
};
Scratch& ThreadScratch() {
  thread_local Scratch scratch;
  return scratch;
}
float* Room(std::vector<float>& v, size_t n) {
  if (v.size() < n) v.resize(n);
  return v.data();
}
size_t WholeBlocks(size_t n) { return (n + LogitVector::kBlock - 1) / LogitVector::kBlock * LogitVector::kBlock; }

// One search. Masses are sums of weights relative to the maximum, not yet divided by sum_exp: total_ is whole_.
class MassSearch {
 public:
  MassSearch(const LogitVector& x, const VectorSums& sums, Weight weight, Order order)
      : x_(x), sums_(sums), weight_(weight), order_(order) {
    const SoftmaxSums& t = sums.total;
    // As the kernels have it. What rounding it does to all weights alike, dividing by their sum takes back.
    log_sum_ = static_cast<double>(static_cast<float>(std::log(t.sum_exp)));
    whole_ = weight == Weight::kEntropy ? t.Entropy() : 1;
    total_ = weight == Weight::kEntropy ? std::max(0.0, log_sum_ * t.sum_exp - t.sum_x_exp) : t.sum_exp;
  }

  MassEdge Find(double target) {
    if (target <= 0) return First();
    if (!(target <= whole_) || !(total_ > 0)) return All();
    target_ = target / whole_ * total_;
    rest_ = total_ - target_;
    MassEdge edge;
    if (!order_.around()) {
      if (AmongBest(kFew, edge)) return edge;
    }
    return Search();
  }

 private:
  static constexpr size_t kFew = 48;                          // candidates tried before anything else
  static constexpr size_t kSmall = 16 * LogitVector::kBlock;  // logits: no sample below

  double WeightOf(float v) const {
    const double y = static_cast<double>(v) - static_cast<double>(sums_.total.max), e = ExpNonPositiveDouble(y);
    return weight_ == Weight::kEntropy ? e * (log_sum_ - y) : e;
  }
  double BlockWeight(const BlockSums& b) const {
    if (b.max == kMasked) return 0;
    const double s = static_cast<double>(b.max) - static_cast<double>(sums_.total.max);
    const auto e = static_cast<double>(b.sum_exp);
    return ExpNonPositiveDouble(s) *
           (weight_ == Weight::kEntropy ? (log_sum_ - s) * e - static_cast<double>(b.sum_x_exp) : e);
  }
  MassEdge Normalised(MassEdge edge) const {
    const double scale = total_ > 0 ? whole_ / total_ : 0;
    edge.before = std::max(0.0, edge.before * scale);
    edge.through *= scale;
    return edge;
  }

  // The first token of the order, and the last one where the target is more than everything.
  MassEdge First() const {
    MassEdge edge{.n = 1};
    double best = std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < x_.size(); ++i) {
      if (x_[i] == kMasked || order_.Position(x_[i]) >= best) continue;
      best = order_.Position(x_[i]);
      edge.last = {static_cast<TokenId>(i), x_[i]};
    }
    edge.through = WeightOf(edge.last.value);
    return Normalised(edge);
  }
  MassEdge All() const {
    MassEdge edge{.n = sums_.total.n, .reached = false};
    double worst = -std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < x_.size(); ++i) {
      if (x_[i] == kMasked || order_.Position(x_[i]) < worst) continue;
      worst = order_.Position(x_[i]);
      edge.last = {static_cast<TokenId>(i), x_[i]};
    }
    edge.through = total_;
    edge.before = total_ - WeightOf(edge.last.value);
    return Normalised(edge);
  }

  // Adds up the k best, if the blocks they can be in hold enough at all.
  bool AmongBest(size_t k, MassEdge& edge) {
    if (k > x_.n_blocks()) return false;
    if (weight_ == Weight::kProbability && static_cast<double>(k) < target_) return false;  // no weight is above 1
    float* block_max = Room(ThreadScratch().block_max, x_.n_blocks());
    for (size_t b = 0; b < x_.n_blocks(); ++b) block_max[b] = sums_.blocks[b].max;
    const std::span<const float> maxima(block_max, x_.n_blocks());
    const float bound = BoundOfKth(maxima, k);
    double most = 0;
    for (const BlockSums& b : sums_.blocks) most += b.max >= bound ? BlockWeight(b) : 0;
    if (most < target_) return false;
    edge = {};
    for (const Candidate& c : TopRanked(x_, maxima, k)) {
      edge.last = c;
      edge.n += 1;
      edge.before = edge.through;
      edge.through += WeightOf(c.value);
      if (edge.through < target_) continue;
      edge = Normalised(edge);
      return true;
    }
    return false;
  }

  // Keys between which a sample says that the prefix ends; `share` is how much of all logits it holds inside.
  void Bracket(uint32_t& inner, uint32_t& outer, double& share) {
    Scratch& s = ThreadScratch();
    const size_t n = WholeBlocks(x_.n_blocks() * kSampled);
    float* sample = Room(s.sample, n);
    float* w = Room(s.sample_weights, n);
    size_t used = 0;
    for (size_t b = 0; b < x_.n_blocks(); ++b) {
      if (sums_.blocks[b].max == kMasked) continue;
      const float* from = x_.block(b) + kSampled * (b * 7 % (LogitVector::kBlock / kSampled));
      std::copy_n(from, kSampled, sample + used);
      used += kSampled;
    }
    share = 1;
    std::fill(sample + used, sample + n, kMasked);
    mass::Weights(weight_, sample, n, sums_.total.max, static_cast<float>(log_sum_), w);

    // A histogram of the sample by position: weights, and their squares for how wrong it may be.
    double near = std::numeric_limits<double>::infinity(), far = -near;
    for (size_t i = 0; i < used; ++i) {
      const double position = order_.Position(sample[i]);
      if (sample[i] == kMasked) continue;
      near = std::min(near, position), far = std::max(far, position);
    }
    if (!(near < far)) return;
    far = std::min(far, near + 100);  // what is 100 nats below has no weight
    struct Bin {
      double weight = 0, square = 0;
      size_t n = 0;
    };
    constexpr size_t kBins = 512;
    std::array<Bin, kBins + 1> bins{};  // bins[i]: positions in (edge(i - 1), edge(i)], then what lies beyond
    const double width = (far - near) / kBins, per_width = kBins / (far - near);
    if (!std::isfinite(per_width)) return;  // positions a subnormal apart
    for (size_t i = 0; i < used; ++i) {
      if (sample[i] == kMasked) continue;
      const double at = (order_.Position(sample[i]) - near) * per_width;
      Bin& bin =
          bins[static_cast<size_t>(std::clamp(at, 0.0, static_cast<double>(kBins)))];  // clamped first: at may be 1e38
      const auto weight = static_cast<double>(w[i]);
      bin.weight += weight, bin.square += weight * weight, ++bin.n;
    }
    // What lies beyond bin i, by the sample; it may be `deviations` standard deviations wrong.
    size_t total = 0;
    for (const Bin& bin : bins) total += bin.n;
    for (size_t i = kBins; i-- > 0;) {
      bins[i].weight += bins[i + 1].weight, bins[i].square += bins[i + 1].square, bins[i].n += bins[i + 1].n;
    }
    constexpr double kScale = static_cast<double>(LogitVector::kBlock) / kSampled, kDeviations = 3.5;
    const auto beyond = [&](size_t i, double deviations) {  // outside edge(i), the upper end of bin i
      return kScale * (bins[i + 1].weight + deviations * std::sqrt(bins[i + 1].square));
    };
    // The last edge at which more is left outside than should be, and the first one at which less is, almost surely.
    const auto edge = [&](size_t i) {
      return order_.KeyAt(order_.FromPosition(near + width * static_cast<double>(i + 1)));
    };
    size_t first = kBins, last = 0;
    for (size_t i = 0; i < kBins && beyond(i, -kDeviations) > rest_; ++i) first = i;
    while (last < kBins && beyond(last, kDeviations) > rest_) ++last;
    if (first < kBins) inner = edge(first);
    if (last < kBins) outer = edge(last);
    if (total > 0) share = 1 - static_cast<double>(last < kBins ? bins[last + 1].n : 0) / static_cast<double>(total);
  }

  MassEdge Search() {
    const uint32_t first = order_.FirstKey();
    uint32_t inner = first - 1, outer = Order::kLastKey;  // inner + 1 <= the key looked for <= outer
    double share = 1;
    if (x_.size() > kSmall) Bracket(inner, outer, share);
    // From the side with fewer tokens; near either end of all mass from there, for rounding is relative to what is
    // summed: so nothing never reaches the target, and everything always does.
    const bool outside = rest_ < 1e-3 * total_ || (share > 0.5 && target_ > 1e-3 * total_);
    Scratch& s = ThreadScratch();
    const size_t room = WholeBlocks(x_.size()) + 2 * LogitVector::kBlock;
    float* side = Room(s.side, room);
    float* between = Room(s.between, room);
    const auto log_sum = static_cast<float>(log_sum_);
    for (int attempt = 0;; ++attempt) {
      if (attempt == 2) inner = first - 1, outer = Order::kLastKey;  // rounding must not send it to and fro
      const Interval in = inner + 1 == first ? kNothing : order_.Until(inner), out = order_.Until(outer);
      double base = 0;
      if (outside) {
        for (const BlockSums& b : sums_.blocks) base += b.max < out.low ? BlockWeight(b) : 0;
      }
      const size_t n_side = mass::CopySide(x_, sums_.blocks.data(), out.low, outside ? in : out, outside, side);
      const size_t n = mass::SumSide(weight_, side, WholeBlocks(n_side), sums_.total.max, log_sum, outside ? out : in,
                                     outside, out, in, base, between);
      float* w = Room(s.weights, WholeBlocks(n));
      mass::Weights(weight_, between, WholeBlocks(n), sums_.total.max, log_sum, w);
      const auto mass = [&](Interval interval) {
        return base + mass::SumInside(between, w, WholeBlocks(n), interval, outside);
      };
      const auto reaches = [&](Interval interval) {
        return outside ? mass(interval) <= rest_ : mass(interval) >= target_;
      };
      if (inner + 1 != first && reaches(in)) {
        outer = inner, inner = first - 1;
        continue;
      }
      if (outer != Order::kLastKey && !reaches(out)) {
        inner = outer, outer = Order::kLastKey;
        continue;
      }
      while (outer - inner > 1) {
        const uint32_t middle = inner + (outer - inner) / 2;
        (reaches(order_.Until(middle)) ? outer : inner) = middle;
      }
      const Interval before = outer == first ? kNothing : order_.Until(outer - 1), through = order_.Until(outer);
      return Walk(before, through, outside ? total_ - mass(before) : mass(before));
    }
  }

  // The end is among the tokens in `through` that are not in `before`: one value, or one on either side of the centre.
  MassEdge Walk(Interval before, Interval through, double mass_before) {
    std::vector<Candidate> found;
    MassEdge edge;
    edge.n = mass::CountAndCollect(x_, sums_.blocks.data(), before, through, found);
    const auto in_order = [&](const Candidate& a, const Candidate& b) { return order_.Before(a, b); };
    if (!std::is_sorted(found.begin(), found.end(), in_order)) std::sort(found.begin(), found.end(), in_order);
    edge.through = mass_before;
    for (const Candidate& c : found) {
      edge.last = c;
      edge.n += 1;
      edge.before = edge.through;
      edge.through += WeightOf(c.value);
      if (edge.through >= target_) break;
    }
    return Normalised(edge);
  }

  const LogitVector& x_;
  const VectorSums& sums_;
  Weight weight_;
  Order order_;
  double log_sum_;
  double whole_ = 0;  // the sum of all weights in the caller's units: 1, or the entropy
  double total_ = 0;  // and in ours
  double target_ = 0, rest_ = 0;
};

}  // namespace

MassEdge FindMass(const LogitVector& x, const VectorSums& sums, Weight weight, double target) {
  LP_CHECK(sums.blocks.size() == x.n_blocks());
  if (sums.total.n == 0) return {.reached = false};
  return MassSearch(x, sums, weight, Order::ByRank(sums.total.max)).Find(target);
}

MassEdge FindMassAround(const LogitVector& x, const VectorSums& sums, double centre, double target) {
  LP_CHECK(sums.blocks.size() == x.n_blocks());
  if (sums.total.n == 0) return {.reached = false};
  return MassSearch(x, sums, Weight::kProbability, Order::AroundCentre(centre)).Find(target);
}

}  // namespace lp
