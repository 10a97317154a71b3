#include "quant/matrix.h"

#include <algorithm>

#include "base/check.h"
#include "base/str_cat.h"
#include "quant/kernels.h"
#include "quant/scratch.h"

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

struct MatMulInputs::Prepared {
  internal::Scratch scratch;
  internal::RoundedInputs rounded;  // in it, where block types are met
  float* arranged = nullptr;        // in it, where a batch meets plain numbers
};

MatMulInputs::MatMulInputs() : prepared_(std::make_unique<Prepared>()) {}
MatMulInputs::~MatMulInputs() = default;

MatMulInputs::Kind MatMulInputs::KindFor(GgmlType type) {
  if (internal::IsPlain(type)) return Kind::kPlain;
  const bool is_fine = type == GgmlType::kQ2_K || type == GgmlType::kQ3_K || type == GgmlType::kQ6_K;
  return is_fine ? Kind::kRuns16 : Kind::kRuns32;
}

void MatMulInputs::Reset(Kind kind, const float* x, size_t n_tokens, size_t cols) {
  kind_ = kind, x_ = x, n_tokens_ = n_tokens, cols_ = cols;
  internal::Scratch& scratch = prepared_->scratch;
  if (kind == Kind::kPlain) {
    // A few vectors meet plain numbers as they are.
    prepared_->arranged = n_tokens < internal::kMinBatch ? nullptr : scratch.Get(internal::ArrangedSize(n_tokens, cols));
    return;
  }
  const size_t n = n_tokens < internal::kMinBatch ? n_tokens : (n_tokens + kStep - 1) / kStep * kStep;
  internal::RoundedInputs& out = prepared_->rounded;
  out.run = kind == Kind::kRuns32 ? 32 : 16;
  out.numbers = (cols + 255) / 256 * 256;
  out.runs = out.numbers / out.run;
  out.unit = scratch.Get(n * (3 * out.runs + out.numbers / 2));
  out.scaled_sum = out.unit + n * out.runs;
  out.sum = reinterpret_cast<int32_t*>(out.scaled_sum + n * out.runs);
  out.q = reinterpret_cast<int16_t*>(out.sum + n * out.runs);
}

void MatMulInputs::Fill(size_t begin, size_t end) {
  LP_DCHECK(begin % kStep == 0 && end <= n_tokens_ && (end % kStep == 0 || end == n_tokens_));
  if (kind_ == Kind::kPlain) {
    if (prepared_->arranged != nullptr) internal::ArrangeInputs(x_, begin, end, cols_, prepared_->arranged);
    return;
  }
  for (size_t t = begin; t < end; ++t) internal::RoundInputs(x_ + t * cols_, cols_, prepared_->rounded.From(t));
  // A batch comes in whole steps: the last is filled up with zeros.
  for (size_t t = end; n_tokens_ >= internal::kMinBatch && t % kStep != 0; ++t)
    internal::RoundInputs(nullptr, 0, prepared_->rounded.From(t));
}

void MatMulRows(const WeightMatrix& w, size_t row_begin, size_t row_end, const MatMulInputs& x, float* y, size_t y_stride) {
  LP_DCHECK(row_begin <= row_end && row_end <= w.rows && y_stride >= w.rows);
  LP_DCHECK(x.kind_ == MatMulInputs::KindFor(w.type) && x.cols_ == w.cols);
  const bool is_plain = x.kind_ == MatMulInputs::Kind::kPlain;
  const MatMulInputs::Prepared& ready = *x.prepared_;
  if (x.n_tokens_ >= internal::kMinBatch) {
    if (is_plain) return internal::MultiplyFloatsBatch(w, row_begin, row_end, ready.arranged, x.n_tokens_, y, y_stride);
    return internal::MultiplyQuantsBatch(w, row_begin, row_end, ready.rounded, x.n_tokens_, y, y_stride);
  }
  for (size_t t = 0; t < x.n_tokens_; ++t, y += y_stride) {
    if (is_plain) {
      internal::MultiplyFloats(w, row_begin, row_end, x.x_ + t * w.cols, y);
    } else {
      internal::MultiplyQuants(w, row_begin, row_end, ready.rounded.From(t), y);
    }
  }
}

void MatMulRows(const WeightMatrix& w, size_t row_begin, size_t row_end, const float* x, size_t n_tokens, float* y,
                size_t y_stride) {
  MatMulInputs inputs;
  inputs.Reset(MatMulInputs::KindFor(w.type), x, n_tokens, w.cols);
  inputs.Fill(0, n_tokens);
  MatMulRows(w, row_begin, row_end, inputs, y, y_stride);
}

size_t MatMulRowStep() { return std::max<size_t>(32, internal::BatchRows()); }

}  // namespace lp
