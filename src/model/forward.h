// One honest forward pass: tokens -> residual stream -> logits, a batch of positions at a time. Internal to Model.
//
//   x = embedding (times a scale, plus the position's)
//   each layer:  x += norm?(Wo attention(rope(norm?(Wq norm(x))), rope(norm?(Wk norm(x))), Wv norm(x)))
//                x += norm?(Wdown (act(Wgate norm(x)) * Wup norm(x)))    or Wdown act(Wup norm(x))
//   logits = cap?(Wout norm(x))
// every W with or without a bias. Where residuals are parallel, both lines of a layer read the same x. What a model has
// is said by its row in model/architecture.cc and by which of its weights are empty.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "base/token.h"
#include "model/config.h"
#include "model/kv_cache.h"
#include "model/rope.h"
#include "model/taps.h"
#include "model/weights.h"
#include "quant/matrix.h"

namespace lp {

// Working memory for batches of up to `max_batch` tokens; one object serves one evaluation. All references must outlive
// it.
class ForwardPass {
 public:
  // Tokens at once: large enough that decoding weights costs little beside multiplying by them, small enough for what is computed to stay
  // in the caches.
  static constexpr size_t kBatch = 144;
  static_assert(kBatch % MatMulInputs::kStep == 0);

  ForwardPass(const ModelConfig& config, const ModelWeights& weights, const Rope& rope, const Rope& window_rope,
              ThreadPool& pool, size_t max_batch);

  // Appends `tokens` (1 to max_batch, ids in the vocabulary, room in the cache) to `cache` and writes the logits of the
  // last n_logits of them: logits [n_logits, n_vocab]. Allocates nothing but the cache's room.
  // `taps` watch the last of them; null: nobody does. go_on is asked after each layer but the last; once it says no, `cache` is as it
  // was and the answer is false.
  bool Run(std::span<const TokenId> tokens, KvCache& cache, size_t n_logits, float* logits, const Taps* taps,
           const std::function<bool(size_t layers)>& go_on);

  // The end of the pass for a residual stream [n_embd] from anywhere: the final norm and the head. logits [n_vocab].
  void Unembed(std::span<const float> stream, float* logits);

 private:
  void Embed(std::span<const TokenId> tokens, size_t position);
  void Attention(size_t layer, std::span<const KvRow> rows, const KvCache& cache);
  void Turn(const LayerWeights& layer, std::span<const float> angles);
  void FeedForward(const LayerWeights& layer);
  void Normalize(const NormWeights& norm, const float* x, float* out);
  struct Product;
  void MultiplyAll(std::initializer_list<Product> products, const float* x, size_t n_tokens);
  void AddBias(std::span<const float> bias, float* y);
  void Logits(size_t n_logits, float* logits);
  void TellAttention(size_t layer, std::span<const KvRow> rows, const KvCache& cache, const Taps& taps) const;

  const ModelConfig& config_;
  const ModelWeights& weights_;
  const Rope &rope_, &window_rope_;
  ThreadPool& pool_;
  size_t n_ = 0;  // tokens in this batch

  std::vector<float> x_;                       // [max_batch, n_embd] residual stream
  std::vector<float> h_;                       // [max_batch, n_embd] normalised x
  std::vector<float> added_;                   // [max_batch, n_embd] what a block adds to x
  std::vector<float> q_, mixed_;               // [max_batch, q_dim] queries; values mixed by attention
  std::vector<float> k_, v_;                   // [max_batch, kv_dim] the batch's own
  std::vector<float> inner_, up_;              // [max_batch, n_ff]; up_ only where there is a gate
  std::vector<float> angles_, window_angles_;  // [max_batch, rope.dim]
  std::array<MatMulInputs, MatMulInputs::kKinds> inputs_;  // of the products under way, by kind
};

}  // namespace lp
