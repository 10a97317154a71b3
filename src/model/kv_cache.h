// Keys and values of every token path evaluated, float32, as a tree: paths that begin alike share what they share.
//
// A node of the tree is one token after everything above it, and owns one slot: the keys and values of that token in
// every layer. So a fork copies nothing, rewinding or returning to any path held computes nothing, and memory grows
// with distinct tokens only. Blocks of 16 tokens, as in servers of many users, would cost up to 15 slots or a copy at
// each fork, and forks are what a sentence is made of here; what blocks buy, long runs for attention to read, slots
// have as well: they are handed out in order, and attention is told the runs.
//
// A node lives as long as it has children or is on the current path. Where slots run out, the least recently used leaf
// goes; as there are never fewer slots than the longest path, one is always to be had. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/huge_memory.h"
#include "base/token.h"
#include "model/config.h"
#include "model/kv_layout.h"

namespace lp {

class KvCache {
 public:
  // `capacity`: tokens of the longest path, 1 <= capacity <= config.n_ctx. `budget`: distinct tokens held, less than
  // capacity means capacity. Memory is taken as tokens arrive; the caller has checked that BytesFor(capacity) fits.
  KvCache(const ModelConfig& config, size_t capacity, size_t budget = 0);
  static uint64_t BytesFor(const ModelConfig& config, size_t n_tokens);

  size_t size() const { return path_.size(); }  // tokens of the current path
  size_t capacity() const { return capacity_; }
  size_t n_held() const { return nodes_.size() - free_.size(); }  // distinct tokens
  size_t budget() const { return budget_; }

  // The current path becomes its own first `size` tokens. What followed them is kept.
  void Truncate(size_t size);
  // The current path becomes the longest prefix of `path` that is held; returns its length.
  size_t Follow(std::span<const TokenId> path);

 private:
  friend class ForwardPass;
  using Slot = uint32_t;
  static constexpr Slot kRoot = UINT32_MAX;
  static constexpr size_t kMinSlabSlots = 64, kMaxSlabSlots = 512;

  struct Node {
    Slot parent;
    TokenId token;
    uint32_t n_children;
    uint64_t last_used;  // when a path last ended in it; 0: never
  };

  // Appends tokens, which fit, to the current path; their slots are to be filled in every layer before anything else is
  // asked.
  void Extend(std::span<const TokenId> tokens);
  // Takes the last Extend back: its tokens leave the path, and those that were not held before it are forgotten, filled or not.
  void TakeBack(size_t n_tokens);
  // The slots of the current path. Valid until the next Extend, Follow or Truncate.
  std::span<const KvRow> Rows();
  // Where a head's keys and values lie in every slab: each by themselves, as attention reads them through.
  HeadPlace PlaceOf(size_t layer, size_t kv_head) const {
    const size_t head = slab_slots_ * head_dim_, keys = (2 * layer * n_kv_head_ + kv_head) * head;
    return {keys, keys + n_kv_head_ * head};
  }

  static size_t SlabSlots(uint64_t slot_bytes);
  Slot End() const { return path_.empty() ? kRoot : path_.back(); }
  static uint64_t Edge(Slot parent, TokenId token) { return uint64_t{parent} << 32 | static_cast<uint32_t>(token); }
  void Unpin();  // the path's end may be evicted again
  void Pin();    // it may not
  Slot Take();
  Slot EvictOldestLeaf();

  size_t capacity_, budget_, n_layer_;
  size_t n_kv_head_, head_dim_;
  size_t slab_slots_;              // slots allocated at once; a run of rows is at most this long
  std::vector<HugeMemory> slabs_;  // each float [n_layer, 2, n_kv_head, slab_slots * head_dim]
  std::vector<Node> nodes_;        // by slot; those in free_ are void
  std::vector<Slot> free_;
  std::unordered_map<uint64_t, Slot> children_;  // Edge -> slot
  std::set<std::pair<uint64_t, Slot>> leaves_;   // (last_used, slot) of every leaf but the path's end
  std::vector<Slot> path_;
  size_t first_new_ = 0;  // in path_: where tokens begin that were not held before the last Extend
  std::vector<KvRow> rows_;
  uint64_t clock_ = 0;
};

}  // namespace lp
