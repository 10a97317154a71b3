#include "distribution/softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "distribution/softmax.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "distribution/exp-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kBlock = 256;  // floats summed in float lanes before the total moves to double
constexpr float kMask = -std::numeric_limits<float>::infinity();

// Calls body(offset, vector) over x in whole vectors; the last one is padded with -inf, which adds nothing to a maximum
// or a sum of exponentials.
template <class D, class Body>
HWY_INLINE void ForEachVector(D d, const float* HWY_RESTRICT x, size_t begin, size_t end, const Body& body) {
  const size_t n = hn::Lanes(d);
  size_t i = begin;
  for (; i + n <= end; i += n) body(i, hn::LoadU(d, x + i));
  if (i < end) {
    HWY_ALIGN float padded[HWY_MAX_BYTES / sizeof(float)];
    std::fill_n(padded, n, kMask);
    std::copy(x + i, x + end, padded);
    body(i, hn::Load(d, padded));
  }
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE double SumLanes(D d, V v) {
  return static_cast<double>(hn::GetLane(hn::SumOfLanes(d, v)));
}

float MaxOf(const float* HWY_RESTRICT x, size_t size) {
  const hn::ScalableTag<float> d;
  auto max = hn::Set(d, kMask);
  ForEachVector(d, x, 0, size, [&](size_t, auto v) { max = hn::Max(max, v); });
  return hn::GetLane(hn::MaxOfLanes(d, max));
}

void Stats(const float* HWY_RESTRICT x, size_t size, SoftmaxStats* stats) {
  const hn::ScalableTag<float> d;
  const auto max = hn::Set(d, stats->max);
  for (size_t block = 0; block < size; block += kBlock) {
    auto sum = hn::Zero(d), sum_x = hn::Zero(d), sum_2 = hn::Zero(d);
    ForEachVector(d, x, block, std::min(size, block + kBlock), [&](size_t, auto v) {
      auto y = v;
      const auto e = ExpDifference(d, v, max, y);
      sum = hn::Add(sum, e);
      sum_x = hn::MulAdd(y, e, sum_x);
      sum_2 = hn::MulAdd(e, e, sum_2);
    });
    stats->sum_exp += SumLanes(d, sum);
    stats->sum_x_exp += SumLanes(d, sum_x);
    stats->sum_exp2 += SumLanes(d, sum_2);
  }
}

void SoftmaxInto(const float* x, size_t size, float max_logit, float inverse_sum, float* p) {
  const hn::ScalableTag<float> d;
  const size_t n = hn::Lanes(d);
  const auto max = hn::Set(d, max_logit), scale = hn::Set(d, inverse_sum);
  ForEachVector(d, x, 0, size, [&](size_t i, auto v) {
    auto y = v;
    const auto e = hn::Mul(ExpDifference(d, v, max, y), scale);
    if (i + n <= size) return hn::StoreU(e, d, p + i);
    HWY_ALIGN float padded[HWY_MAX_BYTES / sizeof(float)];
    hn::Store(e, d, padded);
    std::copy_n(padded, size - i, p + i);
  });
}

// sum exp(x - max_x) * ((x - max_x) - (y - max_y)): the part of KL that depends on the token; the two log-sums are
// added outside.
double CrossSum(const float* HWY_RESTRICT x, float max_x, const float* HWY_RESTRICT y, float max_y, size_t size) {
  const hn::ScalableTag<float> d;
  const size_t n = hn::Lanes(d);
  const auto mx = hn::Set(d, max_x), my = hn::Set(d, max_y);
  double total = 0;
  for (size_t block = 0; block < size; block += kBlock) {
    auto sum = hn::Zero(d);
    ForEachVector(d, x, block, std::min(size, block + kBlock), [&](size_t i, auto v) {
      auto w = hn::Set(d, kMask);
      if (i + n <= size) {
        w = hn::LoadU(d, y + i);
      } else {
        HWY_ALIGN float padded[HWY_MAX_BYTES / sizeof(float)];
        std::fill_n(padded, n, kMask);
        std::copy(y + i, y + size, padded);
        w = hn::Load(d, padded);
      }
      auto dx = v;
      const auto e = ExpDifference(d, v, mx, dx);
      const auto term = hn::Mul(e, hn::Sub(dx, hn::Sub(w, my)));
      sum = hn::Add(sum, hn::IfThenZeroElse(hn::Eq(e, hn::Zero(d)), term));  // 0 log(0 / q) = 0, whatever q
    });
    total += SumLanes(d, sum);
  }
  return total;
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
HWY_EXPORT(MaxOf);
HWY_EXPORT(Stats);
HWY_EXPORT(SoftmaxInto);
HWY_EXPORT(CrossSum);

double SoftmaxStats::LogSumExp() const { return static_cast<double>(max) + std::log(sum_exp); }

double SoftmaxStats::Entropy() const { return std::max(0.0, std::log(sum_exp) - sum_x_exp / sum_exp); }

double SoftmaxStats::EffectiveVocabulary() const { return sum_exp * sum_exp / sum_exp2; }

SoftmaxStats ComputeSoftmaxStats(std::span<const float> x) {
  LP_CHECK(!x.empty());
  SoftmaxStats stats;
  stats.max = HWY_DYNAMIC_DISPATCH(MaxOf)(x.data(), x.size());
  if (std::isinf(stats.max)) return stats;  // all -inf: no distribution, sum_exp stays 0
  HWY_DYNAMIC_DISPATCH(Stats)(x.data(), x.size(), &stats);
  return stats;
}

void Softmax(std::span<const float> x, const SoftmaxStats& stats, std::span<float> p) {
  LP_CHECK(x.size() == p.size() && stats.sum_exp > 0);
  HWY_DYNAMIC_DISPATCH(SoftmaxInto)(x.data(), x.size(), stats.max, static_cast<float>(1.0 / stats.sum_exp), p.data());
}

double KlDivergence(std::span<const float> x, const SoftmaxStats& x_stats, std::span<const float> y,
                    const SoftmaxStats& y_stats) {
  LP_CHECK(x.size() == y.size() && x_stats.sum_exp > 0 && y_stats.sum_exp > 0);
  const double cross = HWY_DYNAMIC_DISPATCH(CrossSum)(x.data(), x_stats.max, y.data(), y_stats.max, x.size());
  return std::max(0.0, cross / x_stats.sum_exp - std::log(x_stats.sum_exp) + std::log(y_stats.sum_exp));
}

std::optional<size_t> FindInvalidLogit(std::span<const float> x) {
  for (size_t i = 0; i < x.size(); ++i) {
    if (!(x[i] < std::numeric_limits<float>::infinity())) return i;
  }
  return std::nullopt;
}

}  // namespace lp
#endif  // HWY_ONCE
