// A vector of logits over the vocabulary, in blocks that stages can share: every stage of a sampler chain has its own
// values, and most stages change few of them.
//
// Copy on write by blocks of 256: a copy of a LogitVector is a copy of pointers (V / 256 of them), a penalty over 64
// tokens of history copies at most 64 blocks, a cut rewrites only the blocks it splits. The last block is padded with
// -inf, so kernels never see a remainder. -inf is the only mask; NaN and +inf have been refused before (Scan).
#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "base/check.h"
#include "base/token.h"

namespace lp {

inline constexpr float kMasked = -std::numeric_limits<float>::infinity();

class LogitVector {
 public:
  static constexpr size_t kBlock = 256;  // floats

  LogitVector() = default;
  // A view: `x` must outlive this vector and every copy of it. Only the padded last block is copied.
  explicit LogitVector(std::span<const float> x);

  LogitVector(const LogitVector& other);
  LogitVector& operator=(const LogitVector& other);
  LogitVector(LogitVector&&) noexcept = default;
  LogitVector& operator=(LogitVector&&) noexcept = default;

  size_t size() const { return size_; }  // V, without padding
  size_t n_blocks() const { return blocks_.size(); }

  // 256 floats; of the last block those past size() are -inf. Not aligned.
  const float* block(size_t b) const { return blocks_[b]; }
  std::span<const float* const> blocks() const { return blocks_; }
  float operator[](size_t i) const { return blocks_[i / kBlock][i % kBlock]; }
  float at(TokenId id) const { return (*this)[static_cast<size_t>(id)]; }

  // Writes one value; the first write to a block that is shared copies it.
  void Set(size_t i, float value);

  // 256 writable floats to replace block `b` with; their contents are undefined until written, padding included.
  float* Replace(size_t b);
  // Block `b` becomes -inf throughout, at no cost.
  void MaskBlock(size_t b);
  // True for a block that MaskBlock made; others may hold nothing but -inf too.
  bool MasksBlock(size_t b) const;
  // True when both hold the same memory for block `b`: what is known of one holds for the other.
  bool SharesBlock(const LogitVector& other, size_t b) const { return blocks_[b] == other.blocks_[b]; }

 private:
  class Arena;  // where written blocks live
  class ChunkPool;
  float* NewBlock(size_t b);
  bool Owns(size_t b) const;

  size_t size_ = 0;
  std::vector<const float*> blocks_;  // [n_blocks]
  std::vector<bool> own_;             // [n_blocks], or empty for none: lives in arenas_.back(), written by this vector
  std::vector<std::shared_ptr<Arena>> arenas_;  // all that blocks_ may point into; only the last one grows
};

}  // namespace lp
