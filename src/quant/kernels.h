// The kernels behind quant/matrix.h, one file each: decoding and products with one vector (gemv.cc, per format) and with
// a batch (gemm.cc, the same for all formats). Only for quant/.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hwy/aligned_allocator.h"
#include "quant/matrix.h"

namespace lp::internal {

// Numbers [begin, end) of a row of this type as floats, followed by zeros up to a multiple of 32.
//   begin: a multiple of 256   out: [end - begin rounded up to 32]
void DecodeRange(GgmlType type, const uint8_t* row, size_t begin, size_t end, float* out);

// y[r] = row r of w . x for r in [row_begin, row_end).
void MultiplyVector(const WeightMatrix& w, size_t row_begin, size_t row_end, const float* x, float* y);

// Memory that grows to what is asked for and stays.
class Scratch {
 public:
  float* Get(size_t n);  // n floats, aligned for vectors, with what was there before

 private:
  hwy::AlignedFreeUniquePtr<float[]> data_;
  size_t size_ = 0;
};

// MatMulRows for any n_tokens >= 1, worth its preparation from kMinBatch on.
inline constexpr size_t kMinBatch = 5;
void MultiplyBatch(const WeightMatrix& w, size_t row_begin, size_t row_end, const float* x, size_t n_tokens, float* y,
                   size_t y_stride);

}  // namespace lp::internal
