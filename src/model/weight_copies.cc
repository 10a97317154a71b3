#include "model/weight_copies.h"

#include <algorithm>

#include "base/check.h"
#include "quant/copies.h"

namespace lp {
namespace {

constexpr size_t kAlignment = 64;

size_t Aligned(size_t n) { return (n + kAlignment - 1) / kAlignment * kAlignment; }

// The matrices that products read, in the order that a token meets them. M: WeightMatrix, const if Weights is.
template <class M, class Weights>
std::vector<M*> Multiplied(Weights& weights) {
  std::vector<M*> out;
  for (auto& layer : weights.layers) {
    for (M* matrix : {&layer.attn_q, &layer.attn_k, &layer.attn_v, &layer.attn_output, &layer.ffn_gate, &layer.ffn_up, &layer.ffn_down}) {
      if (matrix->rows > 0) out.push_back(matrix);
    }
  }
  out.push_back(&weights.output);
  return out;
}

}  // namespace

uint64_t WeightCopies::BytesFor(const ModelWeights& weights) {
  uint64_t bytes = 0;
  for (const WeightMatrix* matrix : Multiplied<const WeightMatrix>(weights)) bytes += Aligned(CopyBytes(*matrix));
  return bytes;
}

Result<WeightCopies> WeightCopies::Make(const ModelWeights& weights, ThreadPool& pool, const std::function<bool()>& go_on) {
  WeightCopies out;
  LP_ASSIGN_OR_RETURN(out.memory_, HugeMemory::Allocate(BytesFor(weights)));
  uint8_t* to = out.memory_.bytes().data();
  for (const WeightMatrix* matrix : Multiplied<const WeightMatrix>(weights)) {
    constexpr size_t kChunk = 4u << 20;  // bytes between two questions whether to go on
    const size_t step = std::max<size_t>(1, kChunk / std::max<size_t>(1, matrix->row_bytes) / kStripRows) * kStripRows;
    for (size_t row = 0; row < matrix->rows; row += step) {
      if (!go_on()) return Error{ErrorCode::kCancelled, "the weights were not copied", ""};
      pool.ParallelFor(std::min(step, matrix->rows - row), kStripRows,
                       [&](size_t begin, size_t end) { CopyRows(*matrix, row + begin, row + end, to); });
    }
    out.copies_.push_back(CopyAt(*matrix, to));
    to += Aligned(CopyBytes(*matrix));
  }
  return out;
}

void WeightCopies::ReplaceIn(ModelWeights& weights) const {
  const std::vector<WeightMatrix*> matrices = Multiplied<WeightMatrix>(weights);
  LP_CHECK(matrices.size() == copies_.size());
  for (size_t i = 0; i < copies_.size(); ++i) *matrices[i] = copies_[i];
}

}  // namespace lp
