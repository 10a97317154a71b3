// A transformer read from GGUF and its forward pass: token ids -> logits, the whole vocabulary, every time.
//
// Weights stay in the mapped file in the type they are stored in; activations, the KV cache and every accumulation are float32.
// The logits of a token path are bit-identical whatever the batch split, cache reuse or number of threads: each output number is
// summed by one thread in an order that depends on the row's length only.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"
#include "base/token.h"
#include "gguf/gguf.h"

namespace lp {

// The numbers of the architecture, from `<arch>.*` metadata; checked against the tensors by Load.
struct ModelConfig {
  std::string architecture;  // general.architecture
  uint32_t n_layer = 0;
  uint32_t n_embd = 0;     // width of the residual stream
  uint32_t n_head = 0;
  uint32_t n_kv_head = 0;  // < n_head: grouped-query attention
  uint32_t head_dim = 0;
  uint32_t n_ff = 0;       // inner width of SwiGLU
  uint32_t n_vocab = 0;
  uint32_t n_ctx = 0;      // context_length the model was trained for
  uint32_t rope_dim = 0;   // leading dimensions of a head that are rotated
  float rope_base = 10000.0f;
  float norm_epsilon = 1e-5f;
};

class KvCache;

// Tells how far a long evaluation is (tokens done, tokens in all); returning false cancels it.
using EvalProgress = std::function<bool(size_t done, size_t total)>;

class Model {
 public:
  // Views into `file`'s bytes, which must outlive the model. Errors: kUnsupported (an architecture or tensor type that is not there,
  // by name, with the list of those that are), kCorrupt (a missing tensor, a shape that contradicts the metadata).
  static Result<std::unique_ptr<Model>> Load(const GgufFile& file);
  ~Model();

  const ModelConfig& config() const;
  uint64_t n_parameters() const;        // elements of all weight tensors
  std::string_view quantization() const;  // the type that holds most weights: "Q8_0"

  // Evaluates `tokens` at positions [cache.size(), cache.size() + n) and appends them to the cache. Each id must be in
  // [0, n_vocab). `logits` receives the last `n_logits` positions' logits, row-major [n_logits, n_vocab]; n_logits <= n.
  // Errors: kOutOfRange when the cache is full, kCancelled (the cache then holds the tokens evaluated so far in whole batches).
  Status Evaluate(std::span<const TokenId> tokens, KvCache& cache, size_t n_logits, std::span<float> logits,
                  ThreadPool& pool, const EvalProgress& progress = nullptr) const;

 private:
  struct Impl;
  explicit Model(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Keys and values of one token path, float32. Truncating is how a sentence is rewound.
class KvCache {
 public:
  KvCache(const ModelConfig& config, size_t capacity);  // capacity in tokens, <= config.n_ctx

  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  void Truncate(size_t size) {
    LP_CHECK(size <= size_);
    size_ = size;
  }

 private:
  friend class Model;
  size_t size_ = 0, capacity_;
  size_t kv_dim_;                   // n_kv_head * head_dim
  std::vector<float> keys_, values_;  // [n_layer, capacity, kv_dim]
};

}  // namespace lp
