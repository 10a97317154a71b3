#include "model/forward.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <utility>

#include "model/attention.h"
#include "model/ops.h"

namespace lp {
// y[t] = w x[t]; x [n_tokens, w.cols], y [n_tokens, y_stride].
struct ForwardPass::Product {
  const WeightMatrix& w;
  float* y;
  size_t y_stride;
};

ForwardPass::ForwardPass(const ModelConfig& config, const ModelWeights& weights, const Rope& rope,
                         const Rope& window_rope, ThreadPool& pool, size_t max_batch)
    : config_(config),
      weights_(weights),
      rope_(rope),
      window_rope_(window_rope),
      pool_(pool),
      x_(max_batch * config.n_embd),
      h_(max_batch * config.n_embd),
      added_(max_batch * config.n_embd),
      q_(max_batch * config.q_dim()),
      mixed_(max_batch * config.q_dim()),
      k_(max_batch * config.kv_dim()),
      v_(max_batch * config.kv_dim()),
      inner_(max_batch * config.n_ff),
      up_(config.arch->gated ? max_batch * config.n_ff : 0),
      angles_(max_batch * config.rope.dim),
      window_angles_(max_batch * config.rope.dim) {}

// All products of one input as one parallel loop over their rows: threads meet once, not once a matrix.
void ForwardPass::MultiplyAll(std::initializer_list<Product> products, const float* x, size_t n_tokens) {
  constexpr size_t kMinWork = 16384;  // multiply-adds below which another thread costs more than it saves
  const size_t cols = products.begin()->w.cols, row_step = MatMulRowStep();
  size_t rows = 0;
  std::array<bool, MatMulInputs::kKinds> is_ready = {};
  for (const Product& p : products) {
    rows += p.w.rows;
    const MatMulInputs::Kind kind = MatMulInputs::KindFor(p.w.type);
    if (std::exchange(is_ready[static_cast<size_t>(kind)], true)) continue;
    MatMulInputs& inputs = inputs_[static_cast<size_t>(kind)];
    inputs.Reset(kind, x, n_tokens, cols);
    pool_.ParallelFor(n_tokens, MatMulInputs::kStep, [&](size_t begin, size_t end) { inputs.Fill(begin, end); });
  }
  const size_t grain = row_step * (kMinWork / std::max<size_t>(1, row_step * cols * n_tokens) + 1);
  pool_.ParallelFor(rows, grain, [&](size_t begin, size_t end) {
    size_t first = 0;  // index of the product's first row in the loop
    for (const Product& p : products) {
      const size_t from = std::max(begin, first), to = std::min(end, first + p.w.rows);
      const MatMulInputs& inputs = inputs_[static_cast<size_t>(MatMulInputs::KindFor(p.w.type))];
      if (from < to) MatMulRows(p.w, from - first, to - first, inputs, p.y, p.y_stride);
      first += p.w.rows;
    }
  });
}

// out = norm(x), token by token; x, out: [n_, n_embd], may be the same.
void ForwardPass::Normalize(const NormWeights& norm, const float* x, float* out) {
  const size_t width = config_.n_embd;
  pool_.ParallelFor(n_, 8, [&](size_t begin, size_t end) {
    for (size_t t = begin; t < end; ++t) {
      const float* from = x + t * width;
      if (config_.arch->norm == NormKind::kRms) {
        RmsNorm(from, norm.weight.data(), width, config_.norm_epsilon, out + t * width);
      } else {
        LayerNorm(from, norm.weight.data(), norm.bias.data(), width, config_.norm_epsilon, out + t * width);
      }
    }
  });
}

// y: [n_, bias.size()], untouched where there is no bias.
void ForwardPass::AddBias(std::span<const float> bias, float* y) {
  if (bias.empty()) return;
  for (size_t t = 0; t < n_; ++t) Add(y + t * bias.size(), bias.data(), bias.size());
}

void ForwardPass::Embed(std::span<const TokenId> tokens, size_t position) {
  const size_t width = config_.n_embd, rope_dim = config_.rope.dim;
  for (size_t t = 0; t < n_; ++t) {
    float* x = x_.data() + t * width;
    DecodeRow(weights_.token_embd, static_cast<size_t>(tokens[t]), {x, width});
    if (config_.arch->scaled_embedding) Scale(x, std::sqrt(static_cast<float>(width)), width);
    if (config_.arch->position_embedding) {
      DecodeRow(weights_.position_embd, position + t, {h_.data(), width});
      Add(x, h_.data(), width);
    }
    rope_.Angles(position + t, {angles_.data() + t * rope_dim, rope_dim});
    window_rope_.Angles(position + t, {window_angles_.data() + t * rope_dim, rope_dim});
  }
}

// Heads of queries and keys, normalised where the model does, turned to their positions.
void ForwardPass::Turn(const LayerWeights& layer, std::span<const float> angles) {
  const size_t head_dim = config_.head_dim, rope_dim = config_.rope.dim;
  const auto turn = [&](const NormWeights& norm, std::span<const float> at, size_t n_heads, float* heads) {
    for (size_t i = 0; i < n_heads && !norm.weight.empty(); ++i) {
      float* head = heads + i * head_dim;
      RmsNorm(head, norm.weight.data(), head_dim, config_.norm_epsilon, head);
    }
    Rotate(config_.rope.kind, at, n_heads, head_dim, heads);
  };
  pool_.ParallelFor(n_, 8, [&](size_t begin, size_t end) {
    for (size_t t = begin; t < end; ++t) {
      const std::span<const float> at = angles.subspan(t * rope_dim, rope_dim);
      turn(layer.q_norm, at, config_.n_head, q_.data() + t * config_.q_dim());
      turn(layer.k_norm, at, config_.n_kv_head, k_.data() + t * config_.kv_dim());
    }
  });
}

// From h_ into added_. rows: the whole path, whose last n_ are the batch's own and are filled here.
void ForwardPass::Attention(size_t index, std::span<const KvRow> rows, const KvCache& cache) {
  const LayerWeights& layer = weights_.layers[index];
  const bool is_windowed = config_.IsWindowed(index);
  const size_t head_dim = config_.head_dim, q_dim = config_.q_dim(), kv_dim = config_.kv_dim();
  const size_t n_head = config_.n_head, group = n_head / config_.n_kv_head;
  const size_t position = rows.size() - n_;
  MultiplyAll({{layer.attn_q, q_.data(), q_dim}, {layer.attn_k, k_.data(), kv_dim}, {layer.attn_v, v_.data(), kv_dim}},
              h_.data(), n_);
  AddBias(layer.q_bias, q_.data());
  AddBias(layer.k_bias, k_.data());
  AddBias(layer.v_bias, v_.data());
  Turn(layer, is_windowed ? window_angles_ : angles_);
  for (size_t head = 0; head < config_.n_kv_head; ++head) {
    const HeadPlace place = cache.PlaceOf(index, head);
    for (size_t t = 0; t < n_; ++t) {
      const size_t from = t * kv_dim + head * head_dim;
      Put(k_.data() + from, v_.data() + from, rows[position + t], place, head_dim);
    }
  }

  const size_t seen = is_windowed ? config_.window : position + n_;  // positions a query reads at most
  const AttentionShape shape{head_dim, config_.attention_scale, config_.attention_soft_cap};
  // Queries of the same keys and values come one after another, and meet them together. A query reads 2 head_dim numbers a position.
  const size_t n_queries = n_ * n_head, positions = std::min(seen, position + n_);
  const size_t grain = std::max(1 + 16384 / (2 * head_dim * positions), std::min(kMaxQueries, n_queries / pool_.size()));
  pool_.ParallelFor(n_queries, grain, [&](size_t begin, size_t end) {
    std::array<AttentionQuery, kMaxQueries> queries;
    for (size_t n = 0; begin < end; begin += n, n = 0) {
      const size_t kv_head = begin / (n_ * group);
      for (size_t i = begin; i < end && n < kMaxQueries && i / (n_ * group) == kv_head; ++i, ++n) {
        const size_t t = i / group % n_, q_at = t * q_dim + (kv_head * group + i % group) * head_dim;
        const size_t n_positions = position + t + 1;
        queries[n] = {q_.data() + q_at, mixed_.data() + q_at, n_positions - std::min(seen, n_positions), n_positions};
      }
      Attend(shape, {queries.data(), n}, rows, cache.PlaceOf(index, kv_head));
    }
  });
  MultiplyAll({{layer.attn_output, added_.data(), config_.n_embd}}, mixed_.data(), n_);
  AddBias(layer.output_bias, added_.data());
  if (config_.arch->post_norms) Normalize(layer.attn_post_norm, added_.data(), added_.data());
}

// From h_ into added_.
void ForwardPass::FeedForward(const LayerWeights& layer) {
  const size_t n_ff = config_.n_ff;
  if (config_.arch->gated) {
    MultiplyAll({{layer.ffn_gate, inner_.data(), n_ff}, {layer.ffn_up, up_.data(), n_ff}}, h_.data(), n_);
    AddBias(layer.gate_bias, inner_.data());
    AddBias(layer.up_bias, up_.data());
  } else {
    MultiplyAll({{layer.ffn_up, inner_.data(), n_ff}}, h_.data(), n_);
    AddBias(layer.up_bias, inner_.data());
  }
  pool_.ParallelFor(n_ * n_ff, 8192, [&](size_t begin, size_t end) {
    const float* up = config_.arch->gated ? up_.data() + begin : nullptr;
    Activate(config_.arch->activation, inner_.data() + begin, up, end - begin);
  });
  MultiplyAll({{layer.ffn_down, added_.data(), config_.n_embd}}, inner_.data(), n_);
  AddBias(layer.down_bias, added_.data());
  if (config_.arch->post_norms) Normalize(layer.ffn_post_norm, added_.data(), added_.data());
}

void ForwardPass::Logits(size_t n_logits, float* logits) {
  const size_t n_vocab = config_.n_vocab;
  Normalize(weights_.output_norm, x_.data(), h_.data());
  MultiplyAll({{weights_.output, logits, n_vocab}}, h_.data() + (n_ - n_logits) * config_.n_embd, n_logits);
  if (config_.final_soft_cap == 0) return;
  pool_.ParallelFor(n_logits * n_vocab, 8192,
                    [&](size_t begin, size_t end) { SoftCap(logits + begin, config_.final_soft_cap, end - begin); });
}

void ForwardPass::Unembed(std::span<const float> stream, float* logits) {
  LP_CHECK(stream.size() == config_.n_embd);
  n_ = 1;
  std::copy(stream.begin(), stream.end(), x_.begin());
  Logits(1, logits);
}

// The weights of the last token's heads, computed once more: Attend keeps none of them.
void ForwardPass::TellAttention(size_t layer, std::span<const KvRow> rows, const KvCache& cache, const Taps& taps) const {
  const size_t head_dim = config_.head_dim, group = config_.n_head / config_.n_kv_head;
  std::vector<float> weights(rows.size());
  for (size_t head = 0; head < config_.n_head; ++head) {
    const float* q = q_.data() + (n_ - 1) * config_.q_dim() + head * head_dim;
    double max = -std::numeric_limits<double>::infinity(), sum = 0;
    std::vector<double> scores;
    for (const KvRow& row : rows) {
      const float* k = KeyOf(row, cache.PlaceOf(layer, head / group), head_dim);
      double score = 0;
      for (size_t i = 0; i < head_dim; ++i) score += static_cast<double>(q[i]) * static_cast<double>(k[i * kKeys]);
      score *= static_cast<double>(config_.attention_scale);
      if (const auto cap = static_cast<double>(config_.attention_soft_cap); cap > 0)
        score = cap * std::tanh(score / cap);
      scores.push_back(score);
      max = std::max(max, score);
    }
    for (double& score : scores) sum += score = std::exp(score - max);
    for (size_t i = 0; i < scores.size(); ++i) weights[i] = static_cast<float>(scores[i] / sum);
    taps.attention(layer, head, weights);
  }
}

bool ForwardPass::Run(std::span<const TokenId> tokens, KvCache& cache, size_t n_logits, float* logits, const Taps* taps,
                      const std::function<bool(size_t layers)>& go_on) {
  const size_t position = cache.size();
  n_ = tokens.size();
  const size_t n = n_ * config_.n_embd;
  LP_CHECK(n <= x_.size() && position + n_ <= cache.capacity() && n_logits <= n_);
  cache.Extend(tokens);
  const std::span<const KvRow> rows = cache.Rows();
  Embed(tokens, position);
  for (size_t i = 0; i < weights_.layers.size(); ++i) {
    const LayerWeights& layer = weights_.layers[i];
    Normalize(layer.attn_norm, x_.data(), h_.data());
    Attention(i, rows, cache);
    if (taps != nullptr && taps->attention) {
      const size_t seen = config_.IsWindowed(i) ? std::min<size_t>(config_.window, rows.size()) : rows.size();
      TellAttention(i, rows.last(seen), cache, *taps);
    }
    if (config_.parallel_residual) {  // both read x as it was
      Normalize(layer.ffn_norm, x_.data(), h_.data());
      Add(x_.data(), added_.data(), n);
    } else {
      Add(x_.data(), added_.data(), n);
      Normalize(layer.ffn_norm, x_.data(), h_.data());
    }
    FeedForward(layer);
    Add(x_.data(), added_.data(), n);
    if (taps != nullptr && taps->residual) taps->residual(i, {x_.data() + n - config_.n_embd, config_.n_embd});
    if (go_on && i + 1 < weights_.layers.size() && !go_on(i + 1)) {
      cache.TakeBack(n_);
      return false;
    }
  }
  if (n_logits != 0) Logits(n_logits, logits);
  return true;
}

}  // namespace lp
