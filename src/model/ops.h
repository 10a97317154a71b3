// The steps of a transformer that are no matrix product, on float32 vectors. SIMD through Highway; sums in the order of
// quant/matrix.h, so none depends on threads, batches or, among targets with fused multiply-add, on the processor.
#pragma once

#include <cstddef>
#include <span>

#include "model/architecture.h"

namespace lp {

// out[i] = weight[i] * x[i] / sqrt(mean(x^2) + epsilon). x, weight, out: [n]; out may be x.
void RmsNorm(const float* x, const float* weight, size_t n, float epsilon, float* out);

// out[i] = weight[i] * (x[i] - mean(x)) / sqrt(variance(x) + epsilon) + bias[i]. All [n]; out may be x.
void LayerNorm(const float* x, const float* weight, const float* bias, size_t n, float epsilon, float* out);

// x += y. [n]
void Add(float* x, const float* y, size_t n);

// x *= factor. [n]
void Scale(float* x, float factor, size_t n);

// x = cap * tanh(x / cap). [n]
void SoftCap(float* x, float cap, size_t n);

// x = activation(x), times up where that is not null. x, up: [n]
void Activate(Activation activation, float* x, const float* up, size_t n);

// One position that attention reads: where its numbers begin, and how many positions from this one on (itself included)
// lie `stride` floats after one another.
struct KvRow {
  float* at;
  size_t run;
};

// One head's attention for one query: out = sum softmax(score)_t v_t over the rows t, of which there is at least one,
// with score_t = scale * q . k_t, soft-capped where soft_cap is not 0.
//   q, out: [head_dim]   k_t: head_dim numbers at rows[t].at + keys_at; v_t: at rows[t].at + values_at
// The softmax is computed in blocks of 64 positions that rescale what came before (Milakov & Gimelshein, "Online
// normalizer calculation for softmax", 2018), so no buffer grows with the context. Where rows lie does not change a bit
// of the result. A NaN score makes all of out NaN.
struct AttentionShape {
  size_t stride, head_dim;
  float scale, soft_cap;
};
void Attend(const AttentionShape& shape, const float* q, std::span<const KvRow> rows, size_t keys_at, size_t values_at,
            float* out);

}  // namespace lp
