#include "distribution/sums.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace lp {
namespace {

BlockSums SumBlock(const float* x) {
  BlockSums s;
  s.max = *std::max_element(x, x + LogitVector::kBlock);
  if (s.max == kMasked) return s;
  double sum = 0, sum_x = 0, sum_xx = 0, sum_2 = 0;
  for (size_t i = 0; i < LogitVector::kBlock; ++i) {
    if (x[i] == kMasked) continue;
    const double y = static_cast<double>(x[i]) - static_cast<double>(s.max), e = std::exp(y);
    s.n += 1;
    sum += e, sum_x += y * e, sum_xx += y * y * e, sum_2 += e * e;
  }
  s.sum_exp = static_cast<float>(sum), s.sum_x_exp = static_cast<float>(sum_x);
  s.sum_xx_exp = static_cast<float>(sum_xx), s.sum_exp2 = static_cast<float>(sum_2);
  return s;
}

SoftmaxSums Combine(std::span<const BlockSums> blocks) {
  SoftmaxSums t;
  for (const BlockSums& s : blocks) t.max = std::max(t.max, s.max);
  if (t.max == kMasked) return t;
  for (const BlockSums& s : blocks) {
    if (s.max == kMasked) continue;
    const double shift = static_cast<double>(s.max) - static_cast<double>(t.max), scale = std::exp(shift);
    const double e = s.sum_exp, xe = s.sum_x_exp, xxe = s.sum_xx_exp;
    t.n += static_cast<size_t>(s.n);
    t.sum_exp += scale * e;
    t.sum_x_exp += scale * (xe + shift * e);
    t.sum_xx_exp += scale * (xxe + 2 * shift * xe + shift * shift * e);
    t.sum_exp2 += scale * scale * static_cast<double>(s.sum_exp2);
  }
  return t;
}

}  // namespace

double SoftmaxSums::LogSumExp() const { return static_cast<double>(max) + std::log(sum_exp); }

double SoftmaxSums::Entropy() const { return std::max(0.0, std::log(sum_exp) - sum_x_exp / sum_exp); }

double SoftmaxSums::Varentropy() const {
  const double mean = sum_x_exp / sum_exp;
  return std::max(0.0, sum_xx_exp / sum_exp - mean * mean);  // -log p and x differ by a constant and the sign
}

double SoftmaxSums::EffectiveVocabulary() const { return sum_exp * sum_exp / sum_exp2; }

double SoftmaxSums::MeanLogit() const { return static_cast<double>(max) + sum_x_exp / sum_exp; }

Scan ScanLogits(const LogitVector& x) {
  Scan scan;
  scan.block_max.assign(x.n_blocks(), kMasked);
  for (size_t i = 0; i < x.size(); ++i) {
    const float v = x[i];
    if (!(v < std::numeric_limits<float>::infinity())) {
      scan.invalid = i;
      return scan;
    }
    float& max = scan.block_max[i / LogitVector::kBlock];
    max = std::max(max, v);
    scan.max = std::max(scan.max, v);
    scan.n_finite += v > kMasked;
  }
  return scan;
}

VectorSums ComputeSums(const LogitVector& x) {
  VectorSums sums;
  for (size_t b = 0; b < x.n_blocks(); ++b) sums.blocks.push_back(SumBlock(x.block(b)));
  sums.total = Combine(sums.blocks);
  return sums;
}

VectorSums ComputeSums(const LogitVector& x, const LogitVector& before, const VectorSums& before_sums) {
  LP_CHECK(x.size() == before.size() && before_sums.blocks.size() == x.n_blocks());
  VectorSums sums;
  for (size_t b = 0; b < x.n_blocks(); ++b) {
    sums.blocks.push_back(x.SharesBlock(before, b) ? before_sums.blocks[b] : SumBlock(x.block(b)));
  }
  sums.total = Combine(sums.blocks);
  return sums;
}

LogitVector Divide(const LogitVector& x, float t) {
  LogitVector y = x;
  for (size_t b = 0; b < x.n_blocks(); ++b) {
    const float* from = x.block(b);
    if (std::all_of(from, from + LogitVector::kBlock, [](float v) { return v == kMasked; })) continue;
    float* to = y.Replace(b);
    for (size_t i = 0; i < LogitVector::kBlock; ++i) to[i] = from[i] / t;
  }
  return y;
}

void Softmax(const LogitVector& x, const SoftmaxSums& sums, std::span<float> p) {
  LP_CHECK(x.size() == p.size() && sums.sum_exp > 0);
  for (size_t i = 0; i < x.size(); ++i) {
    p[i] = static_cast<float>(std::exp(static_cast<double>(x[i]) - static_cast<double>(sums.max)) / sums.sum_exp);
  }
}

double KlDivergence(const LogitVector& x, const SoftmaxSums& x_sums, const LogitVector& y, const SoftmaxSums& y_sums) {
  LP_CHECK(x.size() == y.size() && x_sums.sum_exp > 0 && y_sums.sum_exp > 0);
  double cross = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] == kMasked) continue;
    if (y[i] == kMasked) return std::numeric_limits<double>::infinity();
    const double dx = static_cast<double>(x[i]) - static_cast<double>(x_sums.max);
    const double dy = static_cast<double>(y[i]) - static_cast<double>(y_sums.max);
    cross += std::exp(dx) * (dx - dy);
  }
  return std::max(0.0, cross / x_sums.sum_exp - std::log(x_sums.sum_exp) + std::log(y_sums.sum_exp));
}

Moments LogitMoments(const LogitVector& x) {
  double n = 0, sum = 0, squares = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] > kMasked) n += 1, sum += static_cast<double>(x[i]);
  }
  if (n == 0) return {};
  const double mean = sum / n;
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] > kMasked) squares += (static_cast<double>(x[i]) - mean) * (static_cast<double>(x[i]) - mean);
  }
  return {mean, std::sqrt(squares / n)};
}

}  // namespace lp
