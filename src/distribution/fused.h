// a b + c rounded once, for processors that cannot: what the others do in one instruction, so that sums have the same
// bits on both. Not for speed: it takes twenty times as long.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace lp {

// The product is exact in double. The sum is rounded to odd there, after which rounding to float32 is as if it had been
// the only one (Boldo & Melquiond, "Emulation of a FMA and correctly rounded sums", 2008).
inline float FusedMulAdd(float a, float b, float c) {
  const double product = static_cast<double>(a) * static_cast<double>(b), addend = static_cast<double>(c);
  double sum = product + addend;
  const double rounded = sum - product, error = (product - (sum - rounded)) + (addend - rounded);  // Knuth's TwoSum
  uint64_t bits;
  std::memcpy(&bits, &sum, sizeof(bits));
  const uint64_t to_odd = std::abs(error) > 0 ? ~bits & 1 : 0;  // no branches: they would be toss-ups
  bits += (error > 0) == (sum > 0) ? to_odd : 0 - to_odd;
  std::memcpy(&sum, &bits, sizeof(bits));
  return static_cast<float>(sum);
}

}  // namespace lp
