// The steps of a transformer that are no matrix product, on float32 vectors. SIMD through Highway; sums in the order of
// quant/matrix.h, so none depends on threads, batches or, among targets with fused multiply-add, on the processor.
#pragma once

#include <cstddef>

namespace lp {

// out[i] = weight[i] * x[i] / sqrt(mean(x^2) + epsilon). x, weight, out: [n]; out may be x.
void RmsNorm(const float* x, const float* weight, size_t n, float epsilon, float* out);

// x += y. [n]
void Add(float* x, const float* y, size_t n);

// gate = silu(gate) * up, silu(x) = x / (1 + exp(-x)). [n]
void SwiGlu(float* gate, const float* up, size_t n);

// One head's attention for one query: out = sum softmax(q . k_t / sqrt(head_dim))_t v_t over t in [0, n_positions),
// n_positions >= 1.
//   q, out: [head_dim]   keys, values: head_dim numbers for each position, `stride` floats apart
// The softmax is computed in blocks of 64 positions that rescale what came before (Milakov & Gimelshein, "Online
// normalizer calculation for softmax", 2018), so no buffer grows with the context. A NaN score makes all of out NaN.
void Attend(const float* q, const float* keys, const float* values, size_t n_positions, size_t stride, size_t head_dim,
            float* out);

}  // namespace lp
