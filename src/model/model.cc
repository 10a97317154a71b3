#include "model/model.h"

#include <algorithm>
#include <utility>

#include "base/str_cat.h"
#include "model/forward.h"
#include "model/rope.h"
#include "model/weights.h"

namespace lp {

struct Model::Impl {
  ModelConfig config;
  WeightCopies copies;   // what some of `weights` are views of, if not of the file
  ModelWeights weights;
  Rope rope, window_rope;
};

Model::Model(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Model::~Model() = default;

Result<std::unique_ptr<Model>> Model::Load(const GgufFile& file, uint64_t context) {
  auto impl = std::make_unique<Impl>();
  LP_ASSIGN_OR_RETURN(impl->config, ReadConfig(file, context));
  LP_ASSIGN_OR_RETURN(impl->weights, ReadWeights(file, impl->config));
  impl->rope = Rope(impl->config.rope, impl->weights.rope_factors);
  // Factors belong to the base they were made for; the layers of gemma3 that have another base have none.
  const bool own_base = impl->config.arch->window_rope_base != 0;
  impl->window_rope = Rope(impl->config.window_rope, own_base ? std::span<const float>() : impl->weights.rope_factors);
  return std::unique_ptr<Model>(new Model(std::move(impl)));
}

const ModelConfig& Model::config() const { return impl_->config; }
uint64_t Model::n_parameters() const { return impl_->weights.n_parameters; }
std::string_view Model::quantization() const {
  return FindGgmlType(static_cast<uint32_t>(impl_->weights.main_type))->name;
}

uint64_t Model::CopyBytes() const { return WeightCopies::BytesFor(impl_->weights); }

Result<WeightCopies> Model::CopyWeights(ThreadPool& pool, const std::function<bool()>& go_on) const {
  return WeightCopies::Make(impl_->weights, pool, go_on);
}

void Model::UseCopies(WeightCopies copies) {
  copies.ReplaceIn(impl_->weights);
  impl_->copies = std::move(copies);
}

Status Model::Evaluate(std::span<const TokenId> tokens, KvCache& cache, size_t n_logits, std::span<float> logits,
                       ThreadPool& pool, const EvalProgress& progress, const Taps* taps) const {
  const size_t n = tokens.size(), n_vocab = impl_->config.n_vocab;
  LP_CHECK(n_logits <= n && logits.size() >= n_logits * n_vocab);
  if (n > cache.capacity() - cache.size()) {
    return Error{ErrorCode::kOutOfRange,
                 StrCat(cache.size(), " + ", n, " tokens do not fit in a context of ", cache.capacity()), ""};
  }
  for (size_t i = 0; i < n; ++i) {
    if (tokens[i] < 0 || static_cast<size_t>(tokens[i]) >= n_vocab) {
      return Error{ErrorCode::kInvalidArgument,
                   StrCat("token id ", tokens[i], " is not in the vocabulary of ", n_vocab), StrCat("tokens/", i)};
    }
  }
  ForwardPass pass(impl_->config, impl_->weights, impl_->rope, impl_->window_rope, pool, std::min(n, ForwardPass::kBatch));
  for (size_t begin = 0; begin < n;) {
    const size_t end = std::min(n, begin + ForwardPass::kBatch);
    // Logits of this batch: its part of the last n_logits positions.
    const size_t first = std::clamp(n - n_logits, begin, end);
    float* out = first < end ? logits.data() + (first - (n - n_logits)) * n_vocab : nullptr;
    std::function<bool(size_t)> go_on;
    if (progress && end - begin > 1) {
      go_on = [&](size_t layers) { return progress(begin + (end - begin) * layers / impl_->config.n_layer, n); };
    }
    const bool is_done = pass.Run(tokens.subspan(begin, end - begin), cache, end - first, out, end == n ? taps : nullptr, go_on);
    if (is_done) begin = end;
    if (!is_done || (progress && !progress(end, n) && end < n)) {
      return Error{ErrorCode::kCancelled, StrCat("cancelled after ", begin, " of ", n, " tokens"), ""};
    }
  }
  return Ok();
}

void Model::Unembed(std::span<const float> stream, std::span<float> logits, ThreadPool& pool) const {
  LP_CHECK(logits.size() == impl_->config.n_vocab);
  ForwardPass pass(impl_->config, impl_->weights, impl_->rope, impl_->window_rope, pool, 1);
  pass.Unembed(stream, logits.data());
}

}  // namespace lp
