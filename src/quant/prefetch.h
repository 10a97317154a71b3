// Weights fetched before they are needed. Only for quant/.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "hwy/base.h"
#include "hwy/cache_control.h"

namespace lp::internal {

// Fetches the rows of the next panel while this one is multiplied. Decoding reads a few hundred bytes of each row in turn,
// which the processor does not foresee: waiting for them was a fifth of a prompt's time.
class RowsAhead {
 public:
  // In `n` calls of Fetch.
  RowsAhead(std::span<const uint8_t> rows, size_t n) : at_(rows.data()), left_(rows.size() / kLine), per_call_(left_ / n + 1) {}

  HWY_INLINE void Fetch() {
    const size_t count = std::min(left_, per_call_);
    for (size_t i = 0; i < count; ++i) hwy::Prefetch(at_ + i * kLine);
    at_ += count * kLine, left_ -= count;
  }

 private:
  static constexpr size_t kLine = 64;
  const uint8_t* at_;
  size_t left_, per_call_;  // lines
};

}  // namespace lp::internal
