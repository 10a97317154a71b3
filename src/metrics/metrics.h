// The numbers that tell the story of one step, derived from its trace. Nats inside; the view turns entropies and
// divergences into bits.
#pragma once

#include <cmath>
#include <numbers>

#include "sampling/trace.h"

namespace lp {

struct Metrics {
  double raw_entropy = 0;      // [D9] of the model's own distribution
  double entropy = 0;          // [D9] of the final one
  double perplexity = 1;       // [D10] exp(entropy): 2^H for H in bits
  double varentropy = 0;       // [D38] of the final one, nats^2
  double raw_varentropy = 0;
  double effective_vocab = 1;  // [D11] 1 / sum p^2 of the final one
  double top1_prob = 1;        // largest final probability
  double top5_prob = 1;        // the five largest together
  size_t n_kept = 0;           // tokens that can be drawn
  double mass_cut = 0;         // [D17] the model's own probability of all tokens that can not
  double kl_final_raw = 0;     // [D12] KL(final || raw)
  double kl_raw_final = 0;     // [D12] KL(raw || final); +inf as soon as mass_cut > 0
  double kl_shaped_raw = 0;    // [D13] shaped: logits changed, nothing cut
  double kl_raw_shaped = 0;
};

Metrics ComputeMetrics(const Trace& trace);

inline double NatsToBits(double nats) { return nats / std::numbers::ln2; }
// [D14] surprisal of an outcome of probability p, in bits; +inf for p = 0
inline double SurprisalBits(double p) { return p < 1 ? -std::log2(p) : 0.0; }

}  // namespace lp
