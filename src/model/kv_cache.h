// Keys and values of one token path, float32. Truncating is how a sentence is rewound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/check.h"
#include "model/config.h"

namespace lp {

// Memory is reserved whole but touched as tokens arrive. Move-only: a path is forked by evaluating it again.
class KvCache {
 public:
  // `capacity` in tokens, 1 <= capacity <= config.n_ctx. The caller has checked that BytesFor fits in memory.
  KvCache(const ModelConfig& config, size_t capacity);
  static uint64_t BytesFor(const ModelConfig& config, size_t capacity);

  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  void Truncate(size_t size) {
    LP_CHECK(size <= size_);
    size_ = size;
  }

 private:
  friend class ForwardPass;
  float* Keys(size_t layer) { return keys_.get() + layer * capacity_ * kv_dim_; }      // [capacity, kv_dim]
  float* Values(size_t layer) { return values_.get() + layer * capacity_ * kv_dim_; }  // [capacity, kv_dim]

  size_t size_ = 0, capacity_, n_layer_;
  size_t kv_dim_;                           // n_kv_head * head_dim
  std::unique_ptr<float[]> keys_, values_;  // [n_layer, capacity, kv_dim]; rows >= size_ are undefined
};

}  // namespace lp
