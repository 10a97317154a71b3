#include "distribution/mass_sample.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include "base/simd_targets.h"
#include "distribution/mass_pass.h"

#ifndef LP_DISTRIBUTION_MASS_SAMPLE_ONCE
#define LP_DISTRIBUTION_MASS_SAMPLE_ONCE
namespace lp {

constexpr size_t kSampled = 8;  // consecutive logits of each block of 256
constexpr int32_t kBins = 512;

// Of a stretch of the order, as the sample has it: the weight, its variance, and the number of tokens.
struct Bin {
  float weight = 0, variance = 0, n = 0, unused = 0;
};

}  // namespace lp
#endif  // LP_DISTRIBUTION_MASS_SAMPLE_ONCE

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS LP_SCALABLE_TARGETS
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "distribution/mass_sample.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "distribution/lens-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A few logits of each block that is not masked, but for its maximum; padded with -inf to whole blocks. Ties at the end
// of a cut count as kept. Returns how many.
size_t TakeSample(const View& view, float* HWY_RESTRICT to) {
  const hn::CappedTag<float, kSampled> d;
  size_t n = 0;
  for (size_t b = 0; b < view.x.n_blocks(); ++b) {
    if (view.block_max[b] == kMasked) continue;
    const size_t part = b * 7 % (kBlock / kSampled);  // each time another one
    const float* from = view.x.block(b) + kSampled * part;
    for (size_t i = 0; i < kSampled; i += hn::MaxLanes(d)) hn::StoreU(hn::LoadU(d, from + i), d, to + n + i);
    n += kSampled;
  }
  const size_t whole = (n + kBlock - 1) / kBlock * kBlock;
  std::fill(to + n, to + whole, kMasked);
  if (view.lens.Changes()) ThroughLens(view.lens, true, to, whole, to);
  const auto masked = hn::Set(d, kMasked);
  for (size_t b = 0; b < view.x.n_blocks(); ++b) {
    if (view.block_max[b] == kMasked) continue;
    const auto max = hn::Set(d, view.block_max[b]);
    for (size_t i = 0; i < kSampled; i += hn::MaxLanes(d), to += hn::MaxLanes(d)) {
      const auto v = hn::LoadU(d, to);
      hn::StoreU(hn::IfThenElse(hn::Eq(v, max), masked, v), d, to);
    }
  }
  return n;
}

// The lowest of x[0, n), whole blocks, that is not masked; `max` if none is lower.
float Lowest(const float* HWY_RESTRICT x, size_t n, float max) {
  const RowTag d;
  const auto masked = hn::Set(d, kMasked), m = hn::Set(d, max);
  auto low0 = m, low1 = m;
  const auto unmasked = [&](size_t i) LP_LAMBDA {
    const auto v = hn::LoadU(d, x + i);
    return hn::IfThenElse(hn::Gt(v, masked), v, m);
  };
  for (size_t i = 0; i < n; i += 2 * kPart) {
    low0 = hn::Min(low0, unmasked(i));
    low1 = hn::Min(low1, unmasked(i + kPart));
  }
  return hn::GetLane(hn::MinOfLanes(d, hn::Min(low0, low1)));
}

// The bins of x[0, n), whole blocks, by distance from `centre`: `near` and closer is bin 0, kBins is what lies beyond.
void Bins(const float* HWY_RESTRICT x, size_t n, float centre, float near, float per_width,
          int32_t* HWY_RESTRICT bins) {
  const RowTag d;
  const hn::RebindToSigned<RowTag> di;
  const auto c = hn::Set(d, centre), zero = hn::Zero(d), most = hn::Set(d, static_cast<float>(kBins));
  for (size_t i = 0; i < n; i += kPart) {
    const auto distance = hn::Sub(hn::AbsDiff(hn::LoadU(d, x + i), c), hn::Set(d, near));
    const auto at = hn::Min(hn::Mul(hn::Max(distance, zero), hn::Set(d, per_width)), most);
    hn::StoreU(hn::ConvertTo(di, at), di, bins + i);
  }
}

// Adds to bins[at[i]], for i < n, a token of weight w[i] that stands for `each` tokens; `known` ones vary in nothing.
void AddToBins(const int32_t* HWY_RESTRICT at, const float* HWY_RESTRICT w, size_t n, float each, bool known,
               Bin* HWY_RESTRICT bins) {
  const hn::CappedTag<float, 4> d;
  HWY_ALIGN const float linear[4] = {each, 0, 0, 0}, square[4] = {0, known ? 0 : each * each, 0, 0};
  HWY_ALIGN const float constant[4] = {0, 0, each, 0};
  for (size_t i = 0; i < n; ++i) {
    const auto weight = hn::Set(d, w[i]);
    float* HWY_RESTRICT bin = &bins[at[i]].weight;
    for (size_t k = 0; k < 4; k += hn::MaxLanes(d)) {
      const auto slope = hn::Add(hn::Load(d, linear + k), hn::Mul(weight, hn::Load(d, square + k)));
      const auto more = hn::Add(hn::Mul(weight, slope), hn::Load(d, constant + k));
      hn::StoreU(hn::Add(hn::LoadU(d, bin + k), more), d, bin + k);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
HWY_EXPORT(TakeSample);
HWY_EXPORT(Lowest);
HWY_EXPORT(Bins);
HWY_EXPORT(AddToBins);

namespace {

// Kept from call to call, as mass.cc keeps its own.
struct Scratch {
  std::vector<float> sample, weights;
  std::vector<int32_t> bins;
};

Scratch& ThreadScratch() {
  thread_local Scratch scratch;
  return scratch;
}
constexpr double kScale = static_cast<double>(LogitVector::kBlock) / kSampled;  // logits that a sampled one stands for

}  // namespace

// The maxima of blocks are known: each stands for itself alone, and few tokens that hold much are mostly among them.
mass::Sample::Sample(const View& view, Weight weight, float max, float log_sum) : view_(view), max_(max) {
  Scratch& s = ThreadScratch();
  const size_t n_blocks = view.x.n_blocks(), room = (kSampled + 1) * n_blocks + 2 * LogitVector::kBlock;
  if (s.sample.size() < room) s.sample.resize(room), s.weights.resize(room), s.bins.resize(room);
  float* sample = s.sample.data();
  n_sampled_ = HWY_DYNAMIC_DISPATCH(TakeSample)(view, sample);
  n_ = n_sampled_ + n_blocks;
  std::copy_n(view.block_max.data(), n_blocks, sample + n_sampled_);
  whole_ = (n_ + LogitVector::kBlock - 1) / LogitVector::kBlock * LogitVector::kBlock;
  std::fill(sample + n_, sample + whole_, kMasked);
  Weights(weight, sample, whole_, max, log_sum, s.weights.data());
}

bool mass::Sample::HoldsAmongBest(size_t k, double share) const {
  const Scratch& s = ThreadScratch();
  const float bound = BoundOfKth(view_.block_max, k);
  double best = 0, maxima = 0;
  for (size_t i = n_sampled_; i < n_; ++i) {
    const auto w = static_cast<double>(s.weights[i]);
    best += s.sample[i] >= bound ? w : 0;
    maxima += w;
  }
  // With the maxima, and those sampled are the few again that are as high.
  const auto sum_from = [&](float low) {
    return SumSide(s.sample.data(), s.weights.data(), whole_, {low, kEverything.high}, false);
  };
  best += kScale * (sum_from(bound) - best);
  return best > share * (maxima + kScale * (sum_from(kMasked) - maxima));
}

void mass::Sample::Bracket(const Order& order, double share, Keys& keys) const {
  Scratch& s = ThreadScratch();
  const float* sample = s.sample.data();
  const auto low = static_cast<double>(HWY_DYNAMIC_DISPATCH(Lowest)(sample, whole_, max_));
  const auto high = static_cast<double>(max_);
  const double centre = order.around() ? order.centre() : high;
  const double near = std::max({0.0, centre - high, low - centre});
  // What is 100 nats below has no weight.
  const double far = std::min(std::max(centre - low, high - centre), near + 100), width = (far - near) / kBins;
  const auto per_width = static_cast<float>(1 / width);
  if (!(width > 0) || !std::isfinite(per_width)) return;  // all alike, or a subnormal apart
  HWY_DYNAMIC_DISPATCH(Bins)
  (sample, whole_, static_cast<float>(centre), static_cast<float>(near), per_width, s.bins.data());

  std::array<Bin, kBins + 1> bins{};
  constexpr auto kEach = static_cast<float>(kScale);
  const int32_t* at = s.bins.data();
  HWY_DYNAMIC_DISPATCH(AddToBins)(at, s.weights.data(), n_sampled_, kEach, false, bins.data());
  HWY_DYNAMIC_DISPATCH(AddToBins)
  (at + n_sampled_, s.weights.data() + n_sampled_, n_ - n_sampled_, 1, true, bins.data());
  // The last edge at which more is left outside than should be, and the first one at which less is, probably: a bracket
  // that misses now and then (another pass) costs less than one with more to copy.
  constexpr double kDeviations = 2.5;
  double all = 0, all_variance = 0;
  for (const Bin& bin : bins) {
    all += static_cast<double>(bin.weight);
    all_variance += static_cast<double>(bin.variance);
  }
  double beyond = all, beyond_variance = all_variance, n = 0;
  const auto edge = [&](size_t i) {
    const double distance = near + width * static_cast<double>(i + 1);
    return order.KeyAt(order.around() ? distance : centre - distance);
  };
  size_t n_inside = 0;  // bins before the one edge
  for (size_t i = 0; i < kBins; ++i) {
    beyond -= static_cast<double>(bins[i].weight);
    beyond_variance -= static_cast<double>(bins[i].variance);
    n += static_cast<double>(bins[i].n);
    const double too_much = beyond - (1 - share) * all;
    const double variance =
        share * share * beyond_variance + (1 - share) * (1 - share) * (all_variance - beyond_variance);
    if (too_much * too_much <= kDeviations * kDeviations * variance) continue;
    if (too_much > 0) {
      n_inside = i + 1;
    } else {
      keys.outer = edge(i);
      keys.n_outer = n;
      break;
    }
  }
  if (n_inside > 0) keys.inner = edge(n_inside - 1);
}

}  // namespace lp
#endif  // HWY_ONCE
