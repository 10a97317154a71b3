// Where in a short list of tokens an id stands: a hash table that is built once and asked by every state of a trace.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "base/token.h"

namespace lp {

class IdIndex {
 public:
  // `ids` must outlive the index, and may hold an id more than once.
  explicit IdIndex(std::span<const TokenId> ids)
      : ids_(ids), slots_(std::bit_ceil(2 * ids.size() + 1), kNone), same_(ids.size(), kNone) {
    for (uint32_t i = 0; i < ids.size(); ++i) {
      uint32_t& slot = slots_[SlotOf(ids[i])];
      same_[i] = slot;
      slot = i;
    }
  }

  std::span<const TokenId> ids() const { return ids_; }

  // Calls body(i) for every i with ids()[i] == id.
  template <class Body>
  void ForEach(TokenId id, const Body& body) const {
    for (uint32_t i = slots_[SlotOf(id)]; i != kNone; i = same_[i]) body(size_t{i});
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  // The slot that holds `id`, or the free one that it would take.
  size_t SlotOf(TokenId id) const {
    const size_t mask = slots_.size() - 1;
    size_t slot = static_cast<uint32_t>(id) * size_t{0x9E3779B1} >> 7 & mask;  // Knuth's multiplicative hash
    while (slots_[slot] != kNone && ids_[slots_[slot]] != id) slot = (slot + 1) & mask;
    return slot;
  }

  std::span<const TokenId> ids_;
  std::vector<uint32_t> slots_;  // at least half of them free
  std::vector<uint32_t> same_;   // [ids] the next place with the same id
};

}  // namespace lp
