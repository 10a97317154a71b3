// ScanLogits, Divide, LogitMoments: the passes without exponentials.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/simd_targets.h"
#include "distribution/sums.h"

#ifndef LP_DISTRIBUTION_SCAN_ONCE
#define LP_DISTRIBUTION_SCAN_ONCE
namespace lp {

// Count, mean and sum of squared differences from it.
struct RunningMoments {
  double n = 0, mean = 0, squares = 0;

  // Another `m` numbers, of which the sum and the sum of squares about `centre` are known.
  void Add(double m, double centre, double sum, double sum_squares) {
    const double their_mean = centre + sum / m, their_squares = sum_squares - sum * sum / m;
    const double difference = their_mean - mean, total = n + m;
    squares += their_squares + difference * difference * (n * m / total);
    mean += difference * (m / total);
    n = total;
  }
};

}  // namespace lp
#endif  // LP_DISTRIBUTION_SCAN_ONCE

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS LP_SCALABLE_TARGETS
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "distribution/scan.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "distribution/lanes-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Fills scan.block_max and n_finite; false as soon as a block holds NaN or +inf.
bool ScanBlocks(const LogitVector& x, Scan& scan) {
  const RowTag d;
  const hn::RebindToSigned<RowTag> di;
  const auto magnitude = hn::Set(di, 0x7FFFFFFF), infinity = hn::Set(di, 0x7F800000);
  const auto masked = hn::Set(d, kMasked);
  for (size_t b = 0; b < x.n_blocks(); ++b) {
    const float* HWY_RESTRICT block = x.block(b);
    // Without its sign a float's bits order like an integer, infinity and NaN above all: one maximum tells whether
    // there is anything to look at twice.
    auto max0 = masked, max1 = masked;
    auto top0 = hn::Zero(di), top1 = top0;
    for (size_t i = 0; i < kBlock; i += 2 * kPart) {
      const auto v0 = hn::LoadU(d, block + i), v1 = hn::LoadU(d, block + i + kPart);
      max0 = hn::Max(max0, v0);
      max1 = hn::Max(max1, v1);
      top0 = hn::Max(top0, hn::And(hn::BitCast(di, v0), magnitude));
      top1 = hn::Max(top1, hn::And(hn::BitCast(di, v1), magnitude));
    }
    const float max = hn::GetLane(hn::MaxOfLanes(d, hn::Max(max0, max1)));
    scan.block_max[b] = max + 0.0f;  // never -0: which zero a maximum returns depends on the order of comparisons
    if (HWY_LIKELY(hn::AllTrue(di, hn::Lt(hn::Max(top0, top1), infinity)))) {
      scan.n_finite += kBlock;
      continue;
    }
    size_t valid = 0;
    ForBlock([&](size_t i) LP_LAMBDA {
      valid += hn::CountTrue(d, hn::Lt(hn::LoadU(d, block + i), hn::Set(d, std::numeric_limits<float>::infinity())));
    });
    if (valid != kBlock) return false;
    scan.n_finite += CountFinite(block);
  }
  return true;
}

float MaxOfBlock(const float* HWY_RESTRICT block) {
  const RowTag d;
  auto max0 = hn::Set(d, kMasked), max1 = max0;
  for (size_t i = 0; i < kBlock; i += 2 * kPart) {
    max0 = hn::Max(max0, hn::LoadU(d, block + i));
    max1 = hn::Max(max1, hn::LoadU(d, block + i + kPart));
  }
  return hn::GetLane(hn::MaxOfLanes(d, hn::Max(max0, max1))) + 0.0f;
}

void DivideBlocks(const LogitVector& x, float t, LogitVector& y) {
  const RowTag d;
  const auto divisor = hn::Set(d, t), masked = hn::Set(d, kMasked),
             lowest = hn::Set(d, std::numeric_limits<float>::lowest());
  for (size_t b = 0; b < x.n_blocks(); ++b) {
    const float* HWY_RESTRICT from = x.block(b);
    if (from[0] == kMasked && CountFinite(from) == 0) continue;
    float* HWY_RESTRICT to = y.Replace(b);
    ForBlock([&](size_t i) LP_LAMBDA {
      const auto v = hn::LoadU(d, from + i);
      hn::StoreU(hn::IfThenElse(hn::Gt(v, masked), hn::Max(hn::Div(v, divisor), lowest), masked), d, to + i);
    });
  }
}

// Each block about its own mean, roughly, so that squares do not cancel; blocks together by Chan, Golub & LeVeque
// (1979).
void MomentsOfBlocks(const LogitVector& x, RunningMoments& all) {
  const RowTag d;
  const auto masked = hn::Set(d, kMasked);
  for (size_t b = 0; b < x.n_blocks(); ++b) {
    const float* HWY_RESTRICT block = x.block(b);
    const size_t n = CountFinite(block);
    if (n == 0) continue;
    LaneSums<1> level;
    level.Add([&](size_t i, RowVec* out) LP_LAMBDA {
      const auto v = hn::LoadU(d, block + i);
      out[0] = hn::IfThenElseZero(hn::Gt(v, masked), v);
    });
    float sum;
    level.Reduce(&sum);
    const float centre = sum / static_cast<float>(n);
    const auto c = hn::Set(d, centre);
    LaneSums<2> lanes;
    lanes.Add([&](size_t i, RowVec* out) LP_LAMBDA {
      const auto v = hn::LoadU(d, block + i);
      out[0] = hn::IfThenElseZero(hn::Gt(v, masked), hn::Sub(v, c));
      out[1] = hn::Mul(out[0], out[0]);
    });
    float sums[2];
    lanes.Reduce(sums);
    all.Add(static_cast<double>(n), static_cast<double>(centre), static_cast<double>(sums[0]),
            static_cast<double>(sums[1]));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
HWY_EXPORT(ScanBlocks);
HWY_EXPORT(MaxOfBlock);
HWY_EXPORT(DivideBlocks);
HWY_EXPORT(MomentsOfBlocks);

Scan ScanLogits(const LogitVector& x) {
  Scan scan;
  scan.block_max.resize(x.n_blocks());
  if (HWY_DYNAMIC_DISPATCH(ScanBlocks)(x, scan)) {
    for (const float max : scan.block_max) scan.max = std::max(scan.max, max);
    return scan;
  }
  for (size_t i = 0;; ++i) {
    if (!(x[i] < std::numeric_limits<float>::infinity())) {
      scan.invalid = i;
      return scan;
    }
  }
}

std::vector<float> BlockMaxima(const LogitVector& x, const LogitVector& before, std::span<const float> before_max) {
  LP_CHECK(x.size() == before.size() && before_max.size() == x.n_blocks());
  std::vector<float> maxima(before_max.begin(), before_max.end());
  for (size_t b = 0; b < maxima.size(); ++b) {
    if (!x.SharesBlock(before, b)) maxima[b] = HWY_DYNAMIC_DISPATCH(MaxOfBlock)(x.block(b));
  }
  return maxima;
}

LogitVector Divide(const LogitVector& x, float t) {
  LP_CHECK(t > 0);
  LogitVector y = x;
  HWY_DYNAMIC_DISPATCH(DivideBlocks)(x, t, y);
  return y;
}

Moments LogitMoments(const LogitVector& x) {
  RunningMoments all;
  HWY_DYNAMIC_DISPATCH(MomentsOfBlocks)(x, all);
  if (all.n == 0) return {};
  if (!std::isfinite(all.squares)) {  // float32 masks like -3e38: their squares are double's business
    all = {};
    for (size_t i = 0; i < x.size(); ++i) {
      if (x[i] > kMasked) all.Add(1, static_cast<double>(x[i]), 0, 0);
    }
  }
  return {all.mean, std::sqrt(std::max(0.0, all.squares / all.n))};
}

}  // namespace lp
#endif  // HWY_ONCE
