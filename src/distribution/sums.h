// Sums over a vector of logits: its maximum, softmax, and every quantity that falls out of the same pass. SIMD through
// Highway.
//
// The same bits on every SIMD target: exponentials are rounded alike, element i of a block goes to lane i mod
// 16, lanes are added in a fixed order, and block totals are double. Sums and probabilities are within 1e-6 relative of
// a double reference. All quantities are in nats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "distribution/lens.h"
#include "distribution/logit_vector.h"

namespace lp {

// What one pass over logits x leaves behind, relative to their maximum m. The maximum is subtracted so that the largest
// term is exp(0) = 1: nothing overflows, and the sum is at least 1, so its logarithm is safe. [D1]
struct SoftmaxSums {
  float max = kMasked;    // m; -inf when every logit is -inf
  size_t n = 0;           // logits above -inf
  double sum_exp = 0;     // sum e, e = exp(x - m)
  double sum_x_exp = 0;   // sum (x - m) e
  double sum_xx_exp = 0;  // sum (x - m)^2 e
  double sum_exp2 = 0;    // sum e^2

  double LogSumExp() const;            // log sum exp(x): log-probability of token i is x[i] - LogSumExp()
  double Entropy() const;              // [D9] -sum p log p, never below 0
  double Varentropy() const;           // [D38] sum p (-log p - H)^2, nats^2, never below 0
  double EffectiveVocabulary() const;  // [D11] 1 / sum p^2
  double MeanLogit() const;            // sum p x
};

// Fewer of them take less time, and have the same bits; the others are 0. kMass: max, n and sum_exp, all that a
// probability or a prefix of some mass asks for; then sum_x_exp, sum_xx_exp and sum_exp2, each with those before it.
enum class Sums : uint8_t { kMass, kEntropy, kVarentropy, kAll };

// The first look at a vector: block maxima, which everything that selects starts from, and whether it is a
// distribution.
struct Scan {
  std::vector<float> block_max;  // [n_blocks]
  float max = kMasked;
  size_t n_finite = 0;            // logits above -inf
  std::optional<size_t> invalid;  // index of the first NaN or +inf; nothing else is meaningful then
};
Scan ScanLogits(const LogitVector& x);

// The block maxima of `x` where those of `before` are known: shared blocks are taken over.
std::vector<float> BlockMaxima(const LogitVector& x, const LogitVector& before, std::span<const float> before_max);

// The same pass with exponentials. `blocks` keeps each block's sums, relative to the block's own maximum, so that a
// vector that shares blocks with this one pays only for the others.
struct BlockSums {
  float max = kMasked;
  float n = 0;  // logits above -inf: at most 256, exact
  float sum_exp = 0, sum_x_exp = 0, sum_xx_exp = 0, sum_exp2 = 0;
};
// Those of blocks together, of logits that were divided by `t` after their maxima were taken.
SoftmaxSums Combine(std::span<const BlockSums> blocks, Sums which, double t = 1);
// The same of all logits and of a part of them; both are relative to the maxima of all.
std::pair<SoftmaxSums, SoftmaxSums> CombineParts(std::span<const BlockSums> all, Sums which,
                                                 std::span<const BlockSums> part, Sums which_part);
struct VectorSums {
  std::vector<BlockSums> blocks;  // [n_blocks]
  SoftmaxSums total;
  Sums which = Sums::kAll;
};
// What a scan has found already, which spares looking at every logit twice.
struct Known {
  std::span<const float> block_max;  // [n_blocks], or empty
  bool no_masks = false;             // no logit is -inf
};
VectorSums ComputeSums(const LogitVector& x, Sums which = Sums::kAll, const Known& known = {});
// The same of what a lens shows.
VectorSums ComputeSums(const View& x, Sums which);
// Those of x / t, the quotients not rounded to float32, as far as the entropy needs them (kEntropy). The maxima must be
// known.
SoftmaxSums ComputeSumsOfQuotient(const LogitVector& x, float t, const Known& known);
// The same result (bit for bit), as many sums as `before_sums` has; blocks that `x` shares with `before` are taken from
// there.
VectorSums ComputeSums(const LogitVector& x, const LogitVector& before, const VectorSums& before_sums);

// y = x / t for every logit: one correctly rounded float32 division each, as the engines do it. Blocks that are -inf
// throughout stay shared. t > 0. A logit above -inf stays above it, at the lowest float; +inf is the caller's to
// prevent.
LogitVector Divide(const LogitVector& x, float t);

// p[i] = exp(x[i] - max) / sum_exp, relative error below 1e-6 down to 1e-37. p: [V].
void Softmax(const LogitVector& x, const SoftmaxSums& sums, std::span<float> p);

// The probability, under softmax(x), of all tokens that `after` masks. Relative error below 1e-6 however little it is.
// Blocks that both share, and those that are masked throughout, cost nothing.
double MassMasked(const LogitVector& x, const VectorSums& sums, const LogitVector& after);

// [D12] KL(P || Q) = sum P log(P / Q) for P = softmax(x), Q = softmax(y); +inf where P > 0 meets Q = 0. Absolute error
// below 3e-6.
double KlDivergence(const LogitVector& x, const SoftmaxSums& x_sums, const LogitVector& y, const SoftmaxSums& y_sums);
// The same where no sums are known: one pass for all of them.
double KlDivergence(const LogitVector& x, const LogitVector& y);

// Population mean and standard deviation of the logits above -inf. [D27]
struct Moments {
  double mean = 0, deviation = 0;
};
Moments LogitMoments(const LogitVector& x);

}  // namespace lp
