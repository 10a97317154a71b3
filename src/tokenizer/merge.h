// The loop that byte-level BPE and SentencePiece share: of all neighbouring pairs that may merge, merge the best (the
// leftmost of equals), until none is left. O(n log n) by a heap whose outdated entries are skipped when they surface.
#pragma once

#include <cstdint>
#include <optional>
#include <queue>
#include <string_view>
#include <vector>

#include "base/token.h"

namespace lp {

// A stretch of the text that is, or may become, one token.
struct Symbol {
  std::string_view text;  // neighbours are contiguous in memory
  TokenId id = -1;        // -1: no token as it stands
  bool frozen = false;    // takes part in no merge
};

struct Merge {
  double priority = 0;  // the lower, the earlier
  TokenId id = 0;       // what the pair becomes
};

// `find(left, right)` -> std::optional<Merge>. Symbols that were merged away are removed; the order is kept.
template <class Find>
void MergeSymbols(std::vector<Symbol>& symbols, const Find& find) {
  constexpr int32_t kNone = -1;
  struct Candidate {
    double priority;
    int32_t left, right;
    size_t size;  // of both texts together: differs once either has changed
    TokenId id;
    bool operator<(const Candidate& other) const {  // std::priority_queue has the largest on top
      return priority != other.priority ? priority > other.priority : left > other.left;
    }
  };
  const auto n = static_cast<int32_t>(symbols.size());
  std::vector<int32_t> previous(symbols.size()), next(symbols.size());
  for (int32_t i = 0; i < n; ++i) {
    previous[static_cast<size_t>(i)] = i - 1;
    next[static_cast<size_t>(i)] = i + 1 < n ? i + 1 : kNone;
  }
  const auto at = [&symbols](int32_t i) -> Symbol& { return symbols[static_cast<size_t>(i)]; };

  std::vector<Candidate> storage;
  storage.reserve(symbols.size());
  std::priority_queue<Candidate> queue(std::less<Candidate>(), std::move(storage));
  const auto push = [&](int32_t left, int32_t right) {
    if (left == kNone || right == kNone) return;
    const Symbol &l = at(left), &r = at(right);
    if (l.frozen || r.frozen) return;
    if (const std::optional<Merge> merge = find(l, r)) {
      queue.push({merge->priority, left, right, l.text.size() + r.text.size(), merge->id});
    }
  };
  for (int32_t i = 0; i + 1 < n; ++i) push(i, i + 1);

  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    Symbol &left = at(best.left), &right = at(best.right);
    // A symbol that was merged away is empty; one that has grown makes the sum differ.
    if (left.text.empty() || right.text.empty() || left.text.size() + right.text.size() != best.size) continue;
    left.text = {left.text.data(), best.size};
    left.id = best.id;
    right.text = {};
    const int32_t after = next[static_cast<size_t>(best.right)];
    next[static_cast<size_t>(best.left)] = after;
    if (after != kNone) previous[static_cast<size_t>(after)] = best.left;
    push(previous[static_cast<size_t>(best.left)], best.left);
    push(best.left, after);
  }
  std::erase_if(symbols, [](const Symbol& symbol) { return symbol.text.empty(); });
}

}  // namespace lp
