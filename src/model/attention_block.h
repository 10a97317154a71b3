// A block of positions as attention goes through it. Only for attention.cc.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "hwy/base.h"
#include "model/kv_layout.h"
#include "quant/prefetch.h"

namespace lp::internal {

// Positions whose scores are computed before their values are added. Keys and values of a head as wide as 64 then stay in the first cache
// (16 KiB) while one query after the other meets them.
inline constexpr size_t kBlock = 32;

// Slots side by side, or those of them that are positions of the path: lanes [lane, lane + count) are positions at, at + 1, ... of a block.
struct Piece {
  const float* keys;  // [head_dim, kKeys]
  size_t lane, count, at;
};

// Positions whose values follow each other: at, at + 1, ... of a block.
struct Run {
  const float* values;  // [count, head_dim]
  size_t at, count;
};

// The positions of a block, wherever they lie.
struct Block {
  Block(const KvRow* rows, size_t count, HeadPlace place, size_t head_dim) {
    for (size_t i = 0; i < count; i += runs[n_runs++].count) {
      const size_t n = std::min<size_t>(count - i, rows[i].run);
      runs[n_runs] = {ValueOf(rows[i], place, head_dim), i, n};
      for (size_t k = 0; k < n; k += pieces[n_pieces++].count) {
        const size_t lane = (rows[i].slot + k) % kKeys;
        pieces[n_pieces] = {KeyOf(rows[i + k], place, head_dim) - lane, lane, std::min(kKeys - lane, n - k), i + k};
      }
    }
  }
  size_t n_pieces = 0, n_runs = 0;
  Piece pieces[kBlock];
  Run runs[kBlock];
};

inline constexpr size_t kStep = 8;  // elements or positions between two calls of BlockAhead::Fetch

// Fetches the next block while a few queries meet this one: to the processor, keys and values of a head are too short to foresee. Only
// where they follow each other.
class BlockAhead {
 public:
  // In about `n` calls of Fetch.
  BlockAhead(const KvRow& first, size_t count, HeadPlace place, size_t head_dim, size_t n)
      : keys_(Floats(KeyOf(first, place, head_dim) - first.slot % kKeys, std::min<size_t>(count, first.run) * head_dim), n),
        values_(Floats(ValueOf(first, place, head_dim), std::min<size_t>(count, first.run) * head_dim), n) {}

  HWY_INLINE void Fetch() { keys_.Fetch(), values_.Fetch(); }

 private:
  static std::span<const uint8_t> Floats(const float* at, size_t n) { return {reinterpret_cast<const uint8_t*>(at), n * sizeof(float)}; }

  RowsAhead keys_, values_;
};

// Of many queries, each finds the block where the one before left it.
struct NothingAhead {
  void Fetch() {}
};

}  // namespace lp::internal
