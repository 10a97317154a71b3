// Weights, keys and values fetched before they are needed. Only for kernels.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "hwy/base.h"
#include "hwy/cache_control.h"

namespace lp::internal {

inline constexpr size_t kCacheLine = 64;

// With one vector, every row is read once from memory and never again, so the only aim is to keep reads in flight.
//
// Rows are therefore read in two places at once: one of the first half of a range and one of the second. The processor fetches ahead of
// each of them: with F16, 24 GB/s instead of 18, where one sum over the same memory came to 22. (Two rows that follow each other are one
// place to it.)
//
// The first row of the second half of [row_begin, row_end), in whole steps. The second half is no longer than the first.
inline size_t Halfway(size_t row_begin, size_t row_end, size_t step = 1) {
  return row_begin + ((row_end - row_begin + step - 1) / step + 1) / 2 * step;
}

// Fetches the kBytes at a distance from p: 1 KiB where little is computed, 2 KiB where more is, which were fastest.
template <size_t kBytes, size_t kDistance>
HWY_INLINE void PrefetchAhead(const uint8_t* p) {
  for (size_t i = 0; i < kBytes; i += kCacheLine) hwy::Prefetch(p + kDistance + i);
}

// With a batch: fetches the rows of the next panel while this one is multiplied. Decoding reads a few hundred bytes of each row in turn,
// which the processor does not foresee: waiting for them was a fifth of a prompt's time.
class RowsAhead {
 public:
  // In `n` calls of Fetch, n >= 1.
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
