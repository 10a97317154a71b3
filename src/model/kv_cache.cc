#include "model/kv_cache.h"

#include <algorithm>
#include <new>

namespace lp {

uint64_t KvCache::BytesFor(const ModelConfig& config, size_t n_tokens) {
  // At most 2^12 layers, 2^22 numbers a token and layer, 2^26 tokens: fits.
  return uint64_t{2} * sizeof(float) * config.n_layer * config.kv_dim() * n_tokens;
}

size_t KvCache::SlabSlots(uint64_t slot_bytes) {
  constexpr uint64_t kSlabBytes = 8 << 20;  // a few huge pages
  return std::clamp<uint64_t>(kSlabBytes / slot_bytes / kMinSlabSlots * kMinSlabSlots, kMinSlabSlots, kMaxSlabSlots);
}

KvCache::KvCache(const ModelConfig& config, size_t capacity, size_t budget)
    : capacity_(capacity),
      budget_(std::max(capacity, budget)),
      n_layer_(config.n_layer),
      n_kv_head_(config.n_kv_head),
      head_dim_(config.head_dim),
      slab_slots_(std::min(SlabSlots(BytesFor(config, 1)), (budget_ + kKeys - 1) / kKeys * kKeys)) {
  LP_CHECK(capacity >= 1 && capacity <= config.n_ctx);
  LP_CHECK(budget_ < kRoot);
}

void KvCache::Unpin() {
  if (path_.empty()) return;
  Node& end = nodes_[path_.back()];
  end.last_used = ++clock_;
  if (end.n_children == 0) leaves_.emplace(end.last_used, path_.back());
}

void KvCache::Pin() {
  if (!path_.empty()) leaves_.erase({nodes_[path_.back()].last_used, path_.back()});
}

void KvCache::Truncate(size_t size) {
  LP_CHECK(size <= path_.size());
  Unpin();
  path_.resize(size);
  Pin();
}

size_t KvCache::Follow(std::span<const TokenId> path) {
  Unpin();
  size_t n = 0;  // what the current path shares, then what the tree knows beyond it
  while (n < path_.size() && n < path.size() && nodes_[path_[n]].token == path[n]) ++n;
  path_.resize(n);
  for (; n < path.size() && n < capacity_; ++n) {
    const auto child = children_.find(Edge(End(), path[n]));
    if (child == children_.end()) break;
    path_.push_back(child->second);
  }
  Pin();
  return path_.size();
}

KvCache::Slot KvCache::EvictOldestLeaf() {
  LP_CHECK(!leaves_.empty());  // budget_ >= capacity_: some node is not on the path, and so some leaf
  const Slot slot = leaves_.begin()->second;
  const Node gone = nodes_[slot];
  leaves_.erase(leaves_.begin());
  children_.erase(Edge(gone.parent, gone.token));
  if (gone.parent == kRoot) return slot;
  // The parent keeps its own time: older than every leaf's, unless a path ended in it since. So a branch goes from its tip to
  // its fork before a younger one is touched.
  Node& parent = nodes_[gone.parent];
  if (--parent.n_children == 0 && gone.parent != End()) leaves_.emplace(parent.last_used, gone.parent);
  return slot;
}

KvCache::Slot KvCache::Take() {
  if (free_.empty() && nodes_.size() == budget_) {
    // One leaf would do. But a branch is freed from its tip up, and slots are handed out last in first out: a few at
    // once come back as a run.
    const size_t some = std::clamp<size_t>(budget_ / 16, 1, kMinSlabSlots);
    for (size_t n = 0; n < some && !leaves_.empty(); ++n) free_.push_back(EvictOldestLeaf());
    LP_CHECK(!free_.empty());
  }
  if (!free_.empty()) {
    const Slot slot = free_.back();
    free_.pop_back();
    return slot;
  }
  const auto slot = static_cast<Slot>(nodes_.size());
  if (slot % slab_slots_ == 0) {
    Result<HugeMemory> slab = HugeMemory::Allocate(sizeof(float) * 2 * n_layer_ * n_kv_head_ * slab_slots_ * head_dim_);
    if (!slab.ok()) throw std::bad_alloc();
    slabs_.push_back(std::move(slab).value());
  }
  nodes_.push_back({});
  return slot;
}

void KvCache::Extend(std::span<const TokenId> tokens) {
  LP_CHECK(tokens.size() <= capacity_ - path_.size());
  first_new_ = path_.size();
  for (const TokenId token : tokens) {
    const Slot end = End();
    if (const auto known = children_.find(Edge(end, token)); known != children_.end()) {
      path_.push_back(known->second);  // will be filled with the bits that are there
      Pin();
      first_new_ = path_.size();
      continue;
    }
    const Slot slot = Take();
    nodes_[slot] = {.parent = end, .token = token, .n_children = 0, .last_used = 0};
    if (end != kRoot) ++nodes_[end].n_children;
    children_.emplace(Edge(end, token), slot);
    path_.push_back(slot);
  }
}

void KvCache::TakeBack(size_t n_tokens) {
  const size_t before = path_.size() - n_tokens;
  for (; path_.size() > first_new_; path_.pop_back()) {  // from the tip up: none has children
    const Node& node = nodes_[path_.back()];
    children_.erase(Edge(node.parent, node.token));
    if (node.parent != kRoot) --nodes_[node.parent].n_children;
    free_.push_back(path_.back());
  }
  Truncate(before);
}

std::span<const KvRow> KvCache::Rows() {
  rows_.resize(path_.size());
  for (size_t i = path_.size(); i-- > 0;) {
    const Slot slot = path_[i];
    const bool goes_on = i + 1 < path_.size() && path_[i + 1] == slot + 1 && (slot + 1) % slab_slots_ != 0;
    float* const slab = reinterpret_cast<float*>(slabs_[slot / slab_slots_].bytes().data());
    rows_[i] = {slab, static_cast<uint32_t>(slot % slab_slots_), goes_on ? rows_[i + 1].run + 1 : 1};
  }
  return rows_;
}

}  // namespace lp
