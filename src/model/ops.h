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

}  // namespace lp
