#include "quant/matrix.h"

#include <algorithm>

#include "base/check.h"
#include "base/str_cat.h"
#include "quant/kernels.h"

namespace lp {
namespace {
constexpr GgmlType kWeightTypes[] = {
    GgmlType::kF32,  GgmlType::kF16,  GgmlType::kBF16, GgmlType::kQ8_0, GgmlType::kQ4_0,
    GgmlType::kQ4_1, GgmlType::kQ5_0, GgmlType::kQ5_1, GgmlType::kQ2_K, GgmlType::kQ3_K,
    GgmlType::kQ4_K, GgmlType::kQ5_K, GgmlType::kQ6_K, GgmlType::kIQ4_NL, GgmlType::kIQ4_XS};
}  // namespace

bool IsWeightType(GgmlType type) {
  return std::find(std::begin(kWeightTypes), std::end(kWeightTypes), type) != std::end(kWeightTypes);
}

std::string WeightTypeNames() {
  std::string out;
  for (const GgmlType type : kWeightTypes) {
    out += StrCat(out.empty() ? "" : ", ", FindGgmlType(static_cast<uint32_t>(type))->name);
  }
  return out;
}

WeightMatrix MakeWeightMatrix(GgmlType type, size_t rows, size_t cols, std::span<const uint8_t> data) {
  LP_CHECK(IsWeightType(type));
  const GgmlTypeInfo& info = *FindGgmlType(static_cast<uint32_t>(type));
  LP_CHECK(cols % info.block_size == 0);
  const size_t row_bytes = cols / info.block_size * info.block_bytes;
  LP_CHECK(data.size() == rows * row_bytes);
  return {type, rows, cols, row_bytes, data.data()};
}

void DecodeRow(const WeightMatrix& w, size_t row, std::span<float> out) {
  LP_CHECK(row < w.rows && out.size() == w.cols);
  const size_t whole = w.cols / 32 * 32;
  internal::DecodeRange(w.type, w.Row(row), 0, whole, out.data());
  if (whole == w.cols) return;
  float tail[256];
  const size_t begin = w.cols / 256 * 256;
  internal::DecodeRange(w.type, w.Row(row), begin, w.cols, tail);
  std::copy(tail, tail + (w.cols - begin), out.data() + begin);
}

void MatMulRows(const WeightMatrix& w, size_t row_begin, size_t row_end, const float* x, size_t n_tokens, float* y,
                size_t y_stride) {
  LP_DCHECK(row_begin <= row_end && row_end <= w.rows && y_stride >= w.rows);
  if (n_tokens >= internal::kMinBatch) return internal::MultiplyBatch(w, row_begin, row_end, x, n_tokens, y, y_stride);
  for (size_t t = 0; t < n_tokens; ++t) {
    internal::MultiplyVector(w, row_begin, row_end, x + t * w.cols, y + t * y_stride);
  }
}

}  // namespace lp
