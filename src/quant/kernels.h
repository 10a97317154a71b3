// The kernels behind quant/matrix.h. Plain numbers: floats.cc with one vector, floats_batch.cc with several. Block types: quants.cc
// and quants_batch.cc. Only for quant/.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hwy/aligned_allocator.h"
#include "quant/matrix.h"

namespace lp::internal {

inline bool IsPlain(GgmlType type) { return type == GgmlType::kF32 || type == GgmlType::kF16 || type == GgmlType::kBF16; }

// Numbers [begin, end) of a row of plain numbers as floats, followed by zeros up to a multiple of 32.
//   begin: a multiple of 32   out: [end - begin rounded up to 32]
void DecodeFloats(GgmlType type, const uint8_t* row, size_t begin, size_t end, float* out);

// What scales the numbers of a group, by run.
struct RunScales {
  alignas(64) float scale[16];
  alignas(64) float min[16];
};

// 256 numbers of a block type (quant/quants-inl.h): scale q - min, q without its offset.
struct Group : RunScales {
  alignas(64) int16_t q[256];
  size_t run = 0;  // numbers with the same scale: 32 or 16
  bool has_min = false;
};

// Numbers [begin, begin + 256) of a row of a block type, begin a multiple of 256; zeros past the row's end.
void DecodeGroup(const WeightMatrix& w, size_t row, size_t begin, Group& out);

// y[r] = row r of w . x for r in [row_begin, row_end).
void MultiplyFloats(const WeightMatrix& w, size_t row_begin, size_t row_end, const float* x, float* y);
void MultiplyQuants(const WeightMatrix& w, size_t row_begin, size_t row_end, const float* x, float* y);

// MatMulRows for any n_tokens >= 1, worth their preparation from kMinBatch on.
inline constexpr size_t kMinBatch = 5;
void MultiplyFloatsBatch(const WeightMatrix& w, size_t row_begin, size_t row_end, const float* x, size_t n_tokens, float* y,
                         size_t y_stride);
void MultiplyQuantsBatch(const WeightMatrix& w, size_t row_begin, size_t row_end, const float* x, size_t n_tokens, float* y,
                         size_t y_stride);

// Memory that grows to what is asked for and stays.
class Scratch {
 public:
  float* Get(size_t n);  // n floats, aligned for vectors, with what was there before

 private:
  hwy::AlignedFreeUniquePtr<float[]> data_;
  size_t size_ = 0;
};

}  // namespace lp::internal
