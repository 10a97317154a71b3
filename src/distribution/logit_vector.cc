#include "distribution/logit_vector.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <utility>

namespace lp {
namespace {

struct alignas(64) Chunk {
  static constexpr size_t kBlocks = 32;  // 32 KiB: 19 of them hold a vocabulary of 150,000, one a step of penalties
  float values[kBlocks * LogitVector::kBlock];
};

struct alignas(64) MaskedBlock {
  std::array<float, LogitVector::kBlock> values;
};
constexpr MaskedBlock MakeMaskedBlock() {
  MaskedBlock block{};
  for (float& v : block.values) v = kMasked;
  return block;
}
constexpr MaskedBlock kMaskedBlock = MakeMaskedBlock();

}  // namespace

// Chunks between two uses: a sampler step in its steady state asks the system for no memory, and finds its chunks in
// the cache. Shared by all threads; what exceeds kMaxFree goes back to the system.
class LogitVector::ChunkPool {
 public:
  static ChunkPool& Get() {
    static ChunkPool& pool = *new ChunkPool;  // never destroyed: vectors may outlive every static object
    return pool;
  }
  std::unique_ptr<Chunk> Take() {
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        std::unique_ptr<Chunk> chunk = std::move(free_.back());
        free_.pop_back();
        return chunk;
      }
    }
    return std::unique_ptr<Chunk>(new Chunk);  // not make_unique: it would write zeros
  }
  void GiveBack(std::vector<std::unique_ptr<Chunk>> chunks) {
    const std::lock_guard lock(mutex_);
    while (!chunks.empty() && free_.size() < kMaxFree) {
      free_.push_back(std::move(chunks.back()));
      chunks.pop_back();
    }
  }

 private:
  static constexpr size_t kMaxFree = 1024;  // 32 MiB
  std::mutex mutex_;
  std::vector<std::unique_ptr<Chunk>> free_;
};

// Blocks that one vector wrote, kept alive by it and its copies.
class LogitVector::Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() { ChunkPool::Get().GiveBack(std::move(chunks_)); }

  float* NewBlock() {
    if (used_ == Chunk::kBlocks || chunks_.empty()) {
      chunks_.push_back(ChunkPool::Get().Take());
      used_ = 0;
    }
    return chunks_.back()->values + kBlock * used_++;
  }

  // Set once there was a copy that sees these blocks: from then on nobody writes here. Copying takes a const vector, so
  // two threads may do it at once.
  void MarkShared() { shared_.store(true, std::memory_order_relaxed); }
  bool shared() const { return shared_.load(std::memory_order_relaxed); }

 private:
  std::vector<std::unique_ptr<Chunk>> chunks_;
  size_t used_ = 0;  // blocks of the last chunk
  std::atomic<bool> shared_ = false;
};

LogitVector::LogitVector(std::span<const float> x) : size_(x.size()) {
  const size_t n_whole = x.size() / kBlock, tail = x.size() % kBlock;
  blocks_.reserve(n_whole + 1);
  for (size_t b = 0; b < n_whole; ++b) blocks_.push_back(x.data() + kBlock * b);
  if (tail == 0) return;
  blocks_.push_back(nullptr);
  float* last = NewBlock(n_whole);
  std::copy_n(x.data() + kBlock * n_whole, tail, last);
  std::fill_n(last + tail, kBlock - tail, kMasked);
}

LogitVector::LogitVector(const LogitVector& other)
    : size_(other.size_), blocks_(other.blocks_), arenas_(other.arenas_) {
  if (!arenas_.empty()) arenas_.back()->MarkShared();
}

LogitVector& LogitVector::operator=(const LogitVector& other) {
  LogitVector copy(other);
  *this = std::move(copy);
  return *this;
}

bool LogitVector::Owns(size_t b) const { return !own_.empty() && own_[b] && !arenas_.back()->shared(); }

float* LogitVector::NewBlock(size_t b) {
  if (arenas_.empty() || arenas_.back()->shared()) {
    arenas_.push_back(std::make_shared<Arena>());
    own_.assign(blocks_.size(), false);
  }
  float* block = arenas_.back()->NewBlock();
  own_[b] = true;
  blocks_[b] = block;
  return block;
}

void LogitVector::Set(size_t i, float value) {
  LP_DCHECK(i < size_);
  const size_t b = i / kBlock;
  const float* old = blocks_[b];
  float* block = Replace(b);
  if (block != old) std::copy_n(old, kBlock, block);
  block[i % kBlock] = value;
}

float* LogitVector::Replace(size_t b) {
  if (Owns(b)) return const_cast<float*>(blocks_[b]);  // written by NewBlock's caller: not const underneath
  return NewBlock(b);
}

bool LogitVector::MasksBlock(size_t b) const { return blocks_[b] == kMaskedBlock.values.data(); }

void LogitVector::MaskBlock(size_t b) {
  blocks_[b] = kMaskedBlock.values.data();
  if (!own_.empty()) own_[b] = false;
}

}  // namespace lp
