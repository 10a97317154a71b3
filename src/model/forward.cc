#include "model/forward.h"

#include <algorithm>
#include <initializer_list>

#include "model/ops.h"

namespace lp {
namespace {

// y[t] = w x[t]; x [n_tokens, w.cols], y [n_tokens, y_stride].
struct Product {
  const WeightMatrix& w;
  float* y;
  size_t y_stride;
};

// All products of one input as one parallel loop over their rows: threads meet once, not once a matrix.
void MultiplyAll(std::initializer_list<Product> products, const float* x, size_t n_tokens, ThreadPool& pool) {
  constexpr size_t kMinWork = 32768;  // multiply-adds below which another thread costs more than it saves
  constexpr size_t kRowStep = 4;      // a panel of quant/matrix.cc
  size_t rows = 0;
  for (const Product& p : products) rows += p.w.rows;
  const size_t work_per_step = kRowStep * products.begin()->w.cols * n_tokens;
  const size_t grain = kRowStep * (kMinWork / std::max<size_t>(1, work_per_step) + 1);
  pool.ParallelFor(rows, grain, [&](size_t begin, size_t end) {
    size_t first = 0;  // index of the product's first row in the loop
    for (const Product& p : products) {
      const size_t from = std::max(begin, first), to = std::min(end, first + p.w.rows);
      if (from < to) MatMulRows(p.w, from - first, to - first, x, n_tokens, p.y, p.y_stride);
      first += p.w.rows;
    }
  });
}

}  // namespace

ForwardPass::ForwardPass(const ModelConfig& config, const ModelWeights& weights, const Rope& rope, ThreadPool& pool,
                         size_t max_batch)
    : config_(config),
      weights_(weights),
      rope_(rope),
      pool_(pool),
      x_(max_batch * config.n_embd),
      h_(max_batch * config.n_embd),
      q_(max_batch * config.q_dim()),
      mixed_(max_batch * config.q_dim()),
      gate_(max_batch * config.n_ff),
      up_(max_batch * config.n_ff),
      angles_(max_batch * config.rope_dim) {}

// h = norm(x) * weight, token by token.
void ForwardPass::Normalize(std::span<const float> weight) {
  const size_t width = config_.n_embd;
  pool_.ParallelFor(n_, 8, [&](size_t begin, size_t end) {
    for (size_t t = begin; t < end; ++t) {
      RmsNorm(x_.data() + t * width, weight.data(), width, config_.norm_epsilon, h_.data() + t * width);
    }
  });
}

// keys, values: [capacity, kv_dim] of this layer; the batch's own rows start at `position` and are filled here.
void ForwardPass::Attention(const LayerWeights& layer, float* keys, float* values, size_t position) {
  const size_t head_dim = config_.head_dim, q_dim = config_.q_dim(), kv_dim = config_.kv_dim();
  const size_t n_head = config_.n_head, group = n_head / config_.n_kv_head, rope_dim = config_.rope_dim;
  Normalize(layer.attn_norm);
  MultiplyAll({{layer.attn_q, q_.data(), q_dim},
               {layer.attn_k, keys + position * kv_dim, kv_dim},
               {layer.attn_v, values + position * kv_dim, kv_dim}},
              h_.data(), n_, pool_);
  pool_.ParallelFor(n_, 8, [&](size_t begin, size_t end) {
    for (size_t t = begin; t < end; ++t) {
      const std::span<const float> angles(angles_.data() + t * rope_dim, rope_dim);
      Rotate(angles, n_head, head_dim, q_.data() + t * q_dim);
      Rotate(angles, config_.n_kv_head, head_dim, keys + (position + t) * kv_dim);
    }
  });
  // A head of a token reads 2 head_dim numbers a position.
  const size_t grain = 1 + 16384 / (2 * head_dim * (position + n_));
  pool_.ParallelFor(n_ * n_head, grain, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const size_t t = i / n_head, head = i % n_head, kv = head / group * head_dim;
      Attend(q_.data() + i * head_dim, keys + kv, values + kv, position + t + 1, kv_dim, head_dim,
             mixed_.data() + i * head_dim);
    }
  });
  MultiplyAll({{layer.attn_output, h_.data(), config_.n_embd}}, mixed_.data(), n_, pool_);
  Add(x_.data(), h_.data(), n_ * config_.n_embd);
}

void ForwardPass::FeedForward(const LayerWeights& layer) {
  const size_t n_ff = config_.n_ff;
  Normalize(layer.ffn_norm);
  MultiplyAll({{layer.ffn_gate, gate_.data(), n_ff}, {layer.ffn_up, up_.data(), n_ff}}, h_.data(), n_, pool_);
  pool_.ParallelFor(n_ * n_ff, 8192,
                    [&](size_t begin, size_t end) { SwiGlu(gate_.data() + begin, up_.data() + begin, end - begin); });
  MultiplyAll({{layer.ffn_down, h_.data(), config_.n_embd}}, gate_.data(), n_, pool_);
  Add(x_.data(), h_.data(), n_ * config_.n_embd);
}

void ForwardPass::Run(std::span<const TokenId> tokens, KvCache& cache, size_t n_logits, float* logits) {
  const size_t width = config_.n_embd, position = cache.size_;
  n_ = tokens.size();
  LP_CHECK(n_ * width <= x_.size() && position + n_ <= cache.capacity_ && n_logits <= n_);
  for (size_t t = 0; t < n_; ++t) {
    DecodeRow(weights_.token_embd, static_cast<size_t>(tokens[t]), {x_.data() + t * width, width});
    rope_.Angles(position + t, {angles_.data() + t * config_.rope_dim, config_.rope_dim});
  }
  for (size_t i = 0; i < weights_.layers.size(); ++i) {
    Attention(weights_.layers[i], cache.Keys(i), cache.Values(i), position);
    FeedForward(weights_.layers[i]);
  }
  cache.size_ += n_;
  if (n_logits == 0) return;
  Normalize(weights_.output_norm);
  MultiplyAll({{weights_.output, logits, config_.n_vocab}}, h_.data() + (n_ - n_logits) * width, n_logits, pool_);
}

}  // namespace lp
