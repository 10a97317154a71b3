// Matrices of weights in the type they are stored in, and their products with float32 vectors.
//
// Not here: which thread computes which rows (the caller splits them), and quantising (files come quantised).
//
// Plain numbers (F32, F16, BF16) are multiplied as they are: the exact product, within float rounding. Element i of a row goes to
// lane i mod 16, each lane adds its products in order of i with a multiply-add, and the lanes are added in halves: (l, l + 8),
// (l, l + 4), ..., (0, 1).
//
// Block types (all others) hold small integers, and meet inputs rounded to 16 bits: each 32 inputs to multiples of a power of two
// that is at least 2^-15 of the largest (quant/inputs.cc), so that an input moves by 2^-15 of that at most, and by a quarter of
// it on average. (llama.cpp rounds them to 8 bits: 2^-7.) The products of a run, 16 or 32 numbers with the same scale, are then
// added exactly, as integers. Run r goes to lane r mod 8: float(sum) times (weight scale times input unit), rounded each time and
// added to the lane, then minus minimum times the input's own sum, where the type has minima. The 8 lanes are added in halves.
// Weights are exact here as well: what the numbers of a row are worth, DecodeRow says, and a product is theirs with the rounded
// inputs, within float rounding.
//
// So a number depends on the row and the vector only, never on how rows and vectors were grouped or split over threads. For block
// types all targets agree bit for bit; for plain numbers those with a fused multiply-add do (AVX2, AVX-512, NEON), and the others
// (SSE4, WASM, scalar), which round every product, differ from them in the last bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "gguf/gguf.h"

namespace lp {

// Types that the functions below take. Adding one is adding a struct in quant/quants*-inl.h, a line in quant/quants.cc and
// one in quant/matrix.cc.
bool IsWeightType(GgmlType type);
std::string WeightTypeNames();  // "F32, F16, BF16, ...", for messages

// A row-major matrix [rows, cols] in stored form. A view: the mapped file must outlive it.
struct WeightMatrix {
  GgmlType type = GgmlType::kF32;
  size_t rows = 0;
  size_t cols = 0;                // a multiple of the type's block size
  size_t row_bytes = 0;           // cols / block_size * block_bytes; of strips an eighth of one
  const uint8_t* data = nullptr;  // [rows * row_bytes]; F32 aligned to 4 bytes, F16 and BF16 to 2, block types to 1
  bool in_strips = false;         // rows lie interleaved by eights (quant/copies.h), not one after another

  const uint8_t* Row(size_t r) const { return data + r * row_bytes; }  // of strips: r a multiple of 8
};

// A view of `data` as [rows, cols]; IsWeightType(type), and data holds exactly that many bytes.
WeightMatrix MakeWeightMatrix(GgmlType type, size_t rows, size_t cols, std::span<const uint8_t> data);

// One row as float32: out [w.cols]. Each number is the exact value of the format, rounded once (and most need no rounding).
void DecodeRow(const WeightMatrix& w, size_t row, std::span<float> out);

// What matrices are multiplied by, made ready once for all the rows, matrices and threads that meet it. Its memory stays for the next.
class MatMulInputs {
 public:
  // Matrices of a kind take the same inputs: plain numbers, or block types in runs of 32, or of 16.
  enum class Kind : uint8_t { kPlain, kRuns32, kRuns16 };
  static constexpr size_t kKinds = 3;
  static Kind KindFor(GgmlType type);

  MatMulInputs();
  ~MatMulInputs();

  // x: [n_tokens, cols], to be multiplied with matrices of `kind`; outlives the products. cols as a matrix of the kind has them.
  void Reset(Kind kind, const float* x, size_t n_tokens, size_t cols);

  // Makes vectors [begin, end) of x ready; begin a multiple of kStep, end too or n_tokens. Different ranges may be made ready at the
  // same time by different threads; all of them before the first product.
  void Fill(size_t begin, size_t end);
  static constexpr size_t kStep = 12;

 private:
  friend void MatMulRows(const WeightMatrix&, size_t, size_t, const MatMulInputs&, float*, size_t);
  struct Prepared;

  Kind kind_ = Kind::kPlain;
  const float* x_ = nullptr;
  size_t n_tokens_ = 0, cols_ = 0;
  std::unique_ptr<Prepared> prepared_;
};

// y[t * y_stride + r] = row r of w . x[t], x[t] rounded as above if w is of a block type, for r in [row_begin, row_end), t in [0, n_tokens).
//   x: made ready for w's kind and columns   y: [n_tokens, y_stride], y_stride >= w.rows; only the columns of these rows are written
// Different ranges of rows may be computed at the same time by different threads.
void MatMulRows(const WeightMatrix& w, size_t row_begin, size_t row_end, const MatMulInputs& x, float* y, size_t y_stride);

// The same for inputs that meet nothing else. x: [n_tokens, w.cols], apart from y.
void MatMulRows(const WeightMatrix& w, size_t row_begin, size_t row_end, const float* x, size_t n_tokens, float* y,
                size_t y_stride);

// A range of rows that is a multiple of this wastes nothing on this processor.
size_t MatMulRowStep();

}  // namespace lp
