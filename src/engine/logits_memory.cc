#include "engine/logits_memory.h"

#include <bit>
#include <cstdint>
#include <utility>

namespace lp {

std::string LogitsHash(std::span<const float> logits) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const float x : logits) {
    const uint32_t bits = std::bit_cast<uint32_t>(x);
    for (int byte = 0; byte < 4; ++byte) hash = (hash ^ (bits >> 8 * byte & 255)) * 0x100000001b3u;
  }
  std::string text;
  for (int digit = 15; digit >= 0; --digit) text += "0123456789abcdef"[hash >> 4 * digit & 15];
  return text;
}

LogitsHandle LogitsMemory::Recall(std::span<const TokenId> path) {
  const std::lock_guard lock(mutex_);
  const auto found = by_path_.find(path);
  if (found == by_path_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->logits;
}

void LogitsMemory::Remember(std::span<const TokenId> path, LogitsHandle logits) {
  const std::lock_guard lock(mutex_);
  if (const auto found = by_path_.find(path); found != by_path_.end()) {
    found->second->logits = std::move(logits);
    return;
  }
  entries_.push_front({{path.begin(), path.end()}, std::move(logits)});
  by_path_.emplace(entries_.front().path, entries_.begin());
  if (entries_.size() <= capacity_) return;
  by_path_.erase(entries_.back().path);
  entries_.pop_back();
}

}  // namespace lp
