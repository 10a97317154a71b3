#include "model/kv_cache.h"

namespace lp {

uint64_t KvCache::BytesFor(const ModelConfig& config, size_t capacity) {
  // At most 2^12 layers, 2^22 numbers a token and layer, 2^26 tokens: fits.
  return uint64_t{2} * sizeof(float) * config.n_layer * config.kv_dim() * capacity;
}

KvCache::KvCache(const ModelConfig& config, size_t capacity)
    : capacity_(capacity), n_layer_(config.n_layer), kv_dim_(config.kv_dim()) {
  LP_CHECK(capacity >= 1 && capacity <= config.n_ctx);
  LP_CHECK(BytesFor(config, capacity) / 2 <= static_cast<size_t>(PTRDIFF_MAX));
  const size_t n = n_layer_ * capacity_ * kv_dim_;
  // Not value-initialised: zeroing would touch every page of a cache that may never fill.
  keys_.reset(new float[n]);
  values_.reset(new float[n]);
}

}  // namespace lp
