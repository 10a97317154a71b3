// Working memory of the kernels. Only for quant/.
#pragma once

#include <cstddef>

#include "base/check.h"
#include "hwy/aligned_allocator.h"

namespace lp::internal {

// Memory that grows to what is asked for and stays: fresh pages would cost a tenth of a small product.
class Scratch {
 public:
  // n floats, aligned for vectors, with whatever was there before.
  float* Get(size_t n) {
    if (n > size_) {
      data_.reset();  // before the new one is there
      data_ = hwy::AllocateAligned<float>(n);
      LP_CHECK(data_ != nullptr);
      size_ = n;
    }
    return data_.get();
  }

 private:
  hwy::AlignedFreeUniquePtr<float[]> data_;
  size_t size_ = 0;
};

}  // namespace lp::internal
