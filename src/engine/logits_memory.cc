#include "engine/logits_memory.h"

#include <utility>

namespace lp {

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
