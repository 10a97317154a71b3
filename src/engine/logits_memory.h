// Logits of token paths that were asked for, so that turning a knob never waits for the model.
#pragma once

#include <algorithm>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/token.h"

namespace lp {

// What tells two vectors of logits apart by eye: FNV-1a of their bits, 16 hex digits. The same path gives the same digits whatever the
// batch, the cache or the number of threads.
std::string LogitsHash(std::span<const float> logits);

// [n_vocab], with their hash, which is found once: over a large vocabulary it takes longer than a whole trace.
class Logits : public std::vector<float> {
 public:
  using vector::vector;
  const std::string& hash() const {
    std::call_once(hashed_, [this] { hash_ = LogitsHash(*this); });
    return hash_;
  }

 private:
  mutable std::once_flag hashed_;
  mutable std::string hash_;
};
// Shared, because the caller may still look at them when the engine has long forgotten them.
using LogitsHandle = std::shared_ptr<const Logits>;

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
