// Weights fetched before they are needed. Only for quant/.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "hwy/base.h"
#include "hwy/cache_control.h"

namespace lp::internal {

inline constexpr size_t kCacheLine = 64;

// With one vector, every row is read once from memory and never again, so the only aim is to keep reads in flight: the kBytes at a
// fixed distance from p. One row at a time with prefetch was faster than several rows at once.
template <size_t kBytes>
HWY_INLINE void PrefetchAhead(const uint8_t* p) {
  constexpr size_t kDistance = 2048;
  for (size_t i = 0; i < kBytes; i += kCacheLine) hwy::Prefetch(p + kDistance + i);
}

// With a batch: fetches the rows of the next panel while this one is multiplied. Decoding reads a few hundred bytes of each row in turn,
// which the processor does not foresee: waiting for them was a fifth of a prompt's time.
class RowsAhead {
 public:
  // In `n` calls of Fetch.
  RowsAhead(std::span<const uint8_t> rows, size_t n) : at_(rows.data()), left_(rows.size() / kCacheLine), per_call_(left_ / n + 1) {}

  HWY_INLINE void Fetch() {
    const size_t count = std::min(left_, per_call_);
    for (size_t i = 0; i < count; ++i) hwy::Prefetch(at_ + i * kCacheLine);
    at_ += count * kCacheLine, left_ -= count;
  }

 private:
  const uint8_t* at_;
  size_t left_, per_call_;  // lines
};

}  // namespace lp::internal
