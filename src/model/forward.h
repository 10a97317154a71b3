// One honest forward pass: tokens -> residual stream -> logits, a batch of positions at a time. Internal to Model.
//
//   x = embedding
//   each layer:  x += Wo attention(rope(Wq norm(x)), rope(Wk norm(x)), Wv norm(x))
//                x += Wdown (silu(Wgate norm(x)) * Wup norm(x))
//   logits = Wout norm(x)
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "base/token.h"
#include "model/config.h"
#include "model/kv_cache.h"
#include "model/rope.h"
#include "model/weights.h"

namespace lp {

// Working memory for batches of up to `max_batch` tokens; one object serves one evaluation. All references must outlive
// it.
class ForwardPass {
 public:
  // Large enough that decoding weights costs little beside multiplying by them, small enough that progress is seen.
  static constexpr size_t kMaxBatch = 48;

  ForwardPass(const ModelConfig& config, const ModelWeights& weights, const Rope& rope, ThreadPool& pool,
              size_t max_batch);

  // Appends `tokens` (1 to max_batch, ids in the vocabulary, room in the cache) to `cache` and writes the logits of the
  // last n_logits of them: logits [n_logits, n_vocab]. Allocates nothing.
  void Run(std::span<const TokenId> tokens, KvCache& cache, size_t n_logits, float* logits);

 private:
  void Attention(const LayerWeights& layer, float* keys, float* values, size_t position);
  void FeedForward(const LayerWeights& layer);
  void Normalize(std::span<const float> weight);

  const ModelConfig& config_;
  const ModelWeights& weights_;
  const Rope& rope_;
  ThreadPool& pool_;
  size_t n_ = 0;  // tokens in this batch

  std::vector<float> x_;          // [max_batch, n_embd] residual stream
  std::vector<float> h_;          // [max_batch, n_embd] normalised x, and what a block adds to x
  std::vector<float> q_, mixed_;  // [max_batch, q_dim] queries; values mixed by attention
  std::vector<float> gate_, up_;  // [max_batch, n_ff]
  std::vector<float> angles_;     // [max_batch, rope_dim]
};

}  // namespace lp
