// Logits of token paths that were asked for, so that turning a knob never waits for the model.
#pragma once

#include <algorithm>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/token.h"

namespace lp {

// Shared, because the caller may still look at them when the engine has long forgotten them.
using LogitsHandle = std::shared_ptr<const std::vector<float>>;  // [n_vocab]

// The logits of the paths used last. Safe to call from several threads.
class LogitsMemory {
 public:
  explicit LogitsMemory(size_t capacity) : capacity_(capacity) {}  // paths, at least 1

  // Null where the path is not held.
  LogitsHandle Recall(std::span<const TokenId> path);
  void Remember(std::span<const TokenId> path, LogitsHandle logits);

 private:
  struct Entry {
    std::vector<TokenId> path;
    LogitsHandle logits;
  };
  using Path = std::span<const TokenId>;  // of an entry
  struct Hash {
    size_t operator()(Path path) const {
      return std::hash<std::string_view>()({reinterpret_cast<const char*>(path.data()), path.size_bytes()});
    }
  };
  struct Equal {
    bool operator()(Path a, Path b) const { return std::ranges::equal(a, b); }
  };

  const size_t capacity_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<Path, std::list<Entry>::iterator, Hash, Equal> by_path_;
};

}  // namespace lp
