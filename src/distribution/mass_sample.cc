#include "distribution/mass_sample.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "distribution/mass_pass.h"

namespace lp {
namespace {

// Weight of a stretch of the order, as the sample has it, and the variance of that.
struct Bin {
  double weight = 0, variance = 0;
};
constexpr size_t kBins = 512;
constexpr double kScale = static_cast<double>(LogitVector::kBlock) / mass::kSampled;  // logits that a sampled one stands for

}  // namespace

void mass::FromSample(const View& view, const Order& order, Weight weight, float max, float log_sum, double share,
                      Keys& keys) {
  thread_local std::vector<float> sample, weights;  // kept, as mass.cc keeps its own
  const size_t n_blocks = view.x.n_blocks(), room = (kSampled + 1) * n_blocks + LogitVector::kBlock;
  if (sample.size() < room) sample.resize(room), weights.resize(room);
  // The maxima of blocks are known: each stands for itself, and few tokens that hold much are mostly among them.
  const size_t n_sampled = Sample(view, sample.data());
  size_t n = n_sampled;
  for (const float m : view.block_max) sample[n++] = m;
  const size_t whole = (n + LogitVector::kBlock - 1) / LogitVector::kBlock * LogitVector::kBlock;
  std::fill(sample.begin() + static_cast<std::ptrdiff_t>(n), sample.begin() + static_cast<std::ptrdiff_t>(whole), kMasked);
  Weights(weight, sample.data(), whole, max, log_sum, weights.data());

  float low = max;
  for (size_t i = 0; i < n; ++i) low = sample[i] > kMasked ? std::min(low, sample[i]) : low;
  const double first = order.Position(low), last = order.Position(max);
  double near = std::min(first, last), far = std::max(first, last);
  if (order.around() && order.centre() > static_cast<double>(low) && order.centre() < static_cast<double>(max)) near = 0;
  if (!(near < far)) return;
  far = std::min(far, near + 100);  // what is 100 nats below has no weight
  const double width = (far - near) / kBins, per_width = kBins / (far - near);
  if (!std::isfinite(per_width)) return;  // positions a subnormal apart

  std::array<Bin, kBins + 1> bins{};  // bins[i]: positions in (edge(i - 1), edge(i)], then what lies beyond
  for (size_t i = 0; i < n; ++i) {
    if (sample[i] == kMasked) continue;
    const double at = (order.Position(sample[i]) - near) * per_width;
    Bin& bin = bins[static_cast<size_t>(std::clamp(at, 0.0, static_cast<double>(kBins)))];  // clamped first: at may be 1e38
    const double w = static_cast<double>(weights[i]) * (i < n_sampled ? kScale : 1);
    bin.weight += w;
    bin.variance += i < n_sampled ? w * w : 0;
  }
  // From weights of bins to those of what lies beyond them.
  Bin all;
  for (const Bin& bin : bins) all.weight += bin.weight, all.variance += bin.variance;
  Bin beyond = all;
  const auto edge = [&](size_t i) {
    return order.KeyAt(order.FromPosition(near + width * static_cast<double>(i + 1)));
  };
  // The last edge at which more is left outside than should be, and the first one at which less is, almost surely.
  constexpr double kDeviations = 3.5;
  std::optional<size_t> inner;
  for (size_t i = 0; i < kBins; ++i) {
    beyond.weight -= bins[i].weight, beyond.variance -= bins[i].variance;
    const double too_much = beyond.weight - (1 - share) * all.weight;
    const double variance =
        share * share * beyond.variance + (1 - share) * (1 - share) * (all.variance - beyond.variance);
    const double doubt = kDeviations * std::sqrt(std::max(0.0, variance));
    if (too_much > doubt) inner = i;
    if (too_much < -doubt) {
      keys.outer = edge(i);
      break;
    }
  }
  if (inner) keys.inner = edge(*inner);
}

}  // namespace lp
