// The middle of some measurements.
#pragma once

#include <algorithm>
#include <vector>

#include "base/check.h"

namespace lp {

// Of an even number, halfway between the two in the middle. `values` must not be empty.
inline double Median(std::vector<double> values) {
  LP_CHECK(!values.empty());
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

}  // namespace lp
