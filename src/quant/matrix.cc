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
  if (!internal::IsPlain(w.type)) {
    internal::Group group;
    for (size_t begin = 0; begin < w.cols; begin += 256) {
      const size_t n = std::min<size_t>(256, w.cols - begin);
      internal::DecodeGroup(w, row, begin, group);
      for (size_t i = 0; i < n; ++i) {
        const float value = static_cast<float>(group.q[i]) * group.scale[i / group.run];
        out[begin + i] = group.has_min ? value - group.min[i / group.run] : value;
      }
    }
    return;
  }
  const size_t whole = w.cols / 32 * 32;
  internal::DecodeFloats(w.type, w.Row(row), 0, whole, out.data());
  if (whole == w.cols) return;
  float tail[32];
  internal::DecodeFloats(w.type, w.Row(row), whole, w.cols, tail);
  std::copy(tail, tail + (w.cols - whole), out.data() + whole);
}

void MatMulRows(const WeightMatrix& w, size_t row_begin, size_t row_end, const float* x, size_t n_tokens, float* y,
                size_t y_stride) {
  LP_DCHECK(row_begin <= row_end && row_end <= w.rows && y_stride >= w.rows);
  const bool is_plain = internal::IsPlain(w.type);
  if (n_tokens >= internal::kMinBatch) {
    const auto multiply = is_plain ? internal::MultiplyFloatsBatch : internal::MultiplyQuantsBatch;
    return multiply(w, row_begin, row_end, x, n_tokens, y, y_stride);
  }
  const auto multiply = is_plain ? internal::MultiplyFloats : internal::MultiplyQuants;
  for (size_t t = 0; t < n_tokens; ++t) multiply(w, row_begin, row_end, x + t * w.cols, y + t * y_stride);
}

namespace internal {

float* Scratch::Get(size_t n) {
  if (n > size_) {
    data_.reset();  // before the new one is there
    data_ = hwy::AllocateAligned<float>(n);
    LP_CHECK(data_ != nullptr);
    size_ = n;
  }
  return data_.get();
}

}  // namespace internal
}  // namespace lp
