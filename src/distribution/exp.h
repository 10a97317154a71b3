// exp for few arguments, in double, as plain arithmetic: std::exp gives other last bits with another C library, and
// takes three times as long.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

namespace lp {

inline constexpr double kExpLowest = -700;                // below, the result is 0
inline constexpr double kExpRound = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to an integer
inline constexpr double kLn2High = 0x1.62e42fefp-1;       // ln 2 in two parts: an exponent times the first is exact
inline constexpr double kLn2Low = 0x1.473de6af278edp-34;

// exp(x) for x <= 0, relative error below 1e-12; 0 below -700. The same bits everywhere (-ffp-contract=off).
inline double ExpNonPositiveDouble(double x) {
  if (!(x > kExpLowest)) return 0;
  const double biased = x * 1.4426950408889634 + kExpRound, n = biased - kExpRound;
  const double r = (x - n * kLn2High) - n * kLn2Low;
  // Taylor to degree 10: the first term left out is below 3e-13 for |r| <= ln 2 / 2.
  const double r2 = r * r, r4 = r2 * r2;
  const double p0 = 1 + r, p2 = 0.5 + r * (1.0 / 6), p4 = 1.0 / 24 + r * (1.0 / 120), p6 = 1.0 / 720 + r * (1.0 / 5040);
  const double p8 = 1.0 / 40320 + r * (1.0 / 362880) + r2 * (1.0 / 3628800);
  const double p = (p0 + r2 * p2) + r4 * ((p4 + r2 * p6) + r4 * p8);
  const uint64_t bits = static_cast<uint64_t>(static_cast<int64_t>(n) + 1023) << 52;
  double power;
  std::memcpy(&power, &bits, sizeof(power));
  return p * power;
}

// The same of each, in place, bit for bit; SIMD.
void ExpNonPositiveDoubles(std::span<double> x);

}  // namespace lp
