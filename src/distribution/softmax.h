// Sums over a vector of logits: softmax and the quantities that fall out of the same pass. SIMD through Highway.
//
// -inf is the only mask: such an entry has probability 0 and adds nothing to any sum. NaN and +inf must have been
// refused before (FindInvalidLogit). Exponentials and lane sums are float32 in blocks of 256, block totals are double:
// relative error below 1e-6 against a double reference, and targets differ by no more than that. All quantities are in
// nats.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace lp {

// What one pass over logits x leaves behind, relative to their maximum m. The maximum is subtracted so that the largest
// term is exp(0) = 1: nothing overflows, and the sum is at least 1, so its logarithm is safe. [D1]
struct SoftmaxStats {
  float max = 0;         // m; -inf when every logit is -inf
  double sum_exp = 0;    // sum exp(x - m)
  double sum_x_exp = 0;  // sum (x - m) exp(x - m)
  double sum_exp2 = 0;   // sum exp(x - m)^2

  double LogSumExp() const;            // log sum exp(x): log-probability of token i is x[i] - LogSumExp()
  double Entropy() const;              // [D9] -sum p log p, never below 0
  double EffectiveVocabulary() const;  // [D11] 1 / sum p^2
};

// x: [V], V >= 1, no NaN, no +inf.
SoftmaxStats ComputeSoftmaxStats(std::span<const float> x);

// p[i] = exp(x[i] - stats.max) / stats.sum_exp. x, p: [V]; may be the same memory.
void Softmax(std::span<const float> x, const SoftmaxStats& stats, std::span<float> p);

// [D12] KL(P || Q) = sum P log(P / Q) for P = softmax(x), Q = softmax(y); +inf where P > 0 meets Q = 0. x, y: [V].
double KlDivergence(std::span<const float> x, const SoftmaxStats& x_stats, std::span<const float> y,
                    const SoftmaxStats& y_stats);

// Index of the first NaN or +inf; nullopt when all entries are finite or -inf.
std::optional<size_t> FindInvalidLogit(std::span<const float> x);

}  // namespace lp
