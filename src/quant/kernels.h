// The kernels behind quant/matrix.h. Plain numbers: floats.cc with one vector, floats_batch.cc with several. Block types: quants.cc
// (strips.cc where rows are interleaved) and quants_batch.cc. Only for quant/.
#pragma once

#include <cstddef>
#include <cstdint>

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

// Numbers [begin, begin + 256) of a row of a block type, begin a multiple of 256; zeros past the row's end. DecodeGroup takes matrices in
// strips too, and calls DecodeStrip; so does MultiplyQuants below.
void DecodeGroup(const WeightMatrix& w, size_t row, size_t begin, Group& out);
void DecodeStrip(const WeightMatrix& w, size_t row, size_t begin, Group& out);

// Vectors rounded for products with block types, one after another: whole groups, what is missing being zeros with the unit 0.
struct RoundedInputs {
  size_t run = 0;                // numbers of a run: 32, or 16 and then two runs have one unit
  size_t numbers = 0;            // of a vector, a multiple of 256
  size_t runs = 0;               // of a vector
  int16_t* q = nullptr;          // [n, numbers]
  float* unit = nullptr;         // [n, runs]
  int32_t* sum = nullptr;        // [n, runs] of a run's q
  float* scaled_sum = nullptr;   // [n, runs] unit * sum

  // Those from vector t on.
  RoundedInputs From(size_t t) const {
    return {run, numbers, runs, q + t * numbers, unit + t * runs, sum + t * runs, scaled_sum + t * runs};
  }
};

// Rounds x [cols], cols a multiple of 32, into the first vector of `out`; cols 0: zeros.
void RoundInputs(const float* x, size_t cols, const RoundedInputs& out);

// Plain numbers of vectors, arranged for MultiplyFloatsBatch: floats for `n_tokens` of them, and the vectors [begin, end) of x
// [n_tokens, cols]; begin, and end if it is not n_tokens, multiples of 4.
size_t ArrangedSize(size_t n_tokens, size_t cols);
void ArrangeInputs(const float* x, size_t begin, size_t end, size_t cols, float* out);

// From here on y[r] = row r of w . x for r in [row_begin, row_end). One vector:
void MultiplyFloats(const WeightMatrix& w, size_t row_begin, size_t row_end, const float* x, float* y);
void MultiplyQuants(const WeightMatrix& w, size_t row_begin, size_t row_end, const RoundedInputs& x, float* y);
void MultiplyStrips(const WeightMatrix& w, size_t row_begin, size_t row_end, const RoundedInputs& x, float* y);

// Any number n_tokens >= 1 of vectors; it pays from kMinBatch on. x: filled up to a multiple of MatMulInputs::kStep of them.
inline constexpr size_t kMinBatch = 5;
size_t BatchRows();  // multiplied at once; a multiple of what MultiplyFloatsBatch takes
void MultiplyFloatsBatch(const WeightMatrix& w, size_t row_begin, size_t row_end, const float* arranged, size_t n_tokens, float* y,
                         size_t y_stride);
void MultiplyQuantsBatch(const WeightMatrix& w, size_t row_begin, size_t row_end, const RoundedInputs& x, size_t n_tokens, float* y,
                         size_t y_stride);

}  // namespace lp::internal
