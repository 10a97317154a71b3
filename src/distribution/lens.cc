#include "distribution/lens.h"

#include <cmath>
#include <cstdint>

#include "base/check.h"
#include "distribution/select.h"
#include "distribution/sums.h"

namespace lp {

float Lens::BeforeDivision(float v) const {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (divisor == 1 || !(v > kLowest && v < kInfinity)) return v;
  // What is rounded to v begins half way from the float below; neither the middle nor the product is rounded.
  const double middle = (static_cast<double>(v) + static_cast<double>(std::nextafter(v, -kInfinity))) / 2;
  const double from = middle * static_cast<double>(divisor);
  auto x = static_cast<float>(from);
  if (static_cast<double>(x) < from) x = std::nextafter(x, kInfinity);
  return x / divisor < v ? std::nextafter(x, kInfinity) : x;  // a tie, among subnormals, may go to the float below
}

// Brisebarre, Muller & Raina, "Accelerating correctly rounded floating-point division when the divisor is known in
// advance" (2004), found here by trying what can go wrong.
//
// Let x = L and t = D, integers in [2^23, 2^24). 1 - t high is exact and at most 2^-24 in size, so that the roundings
// of `low` and of x low are within 2^-47 of x / t, relatively, together. The quotient is rounded wrongly only if the
// middle between two floats lies that near: N / 2^s with N odd in (2^24, 2^25), s = 24 where L >= D and 25 else. Then
// |L 2^s - N D| = |L / D - N / 2^s| D 2^s <= 2^-47 L 2^s <= 4. For each of these few remainders r, r = L 2^s - N D
// leaves few N (none where D has more than two factors of 2), and each N one L: at most a dozen divisions.
Reciprocal::Reciprocal(float t) : high(1 / t), low(std::fma(-high, t, 1.0f) / t) {
  exact = t >= 0x1p-20f && t <= 0x1p20f;
  if (!exact) return;
  int exponent;
  const auto d = static_cast<uint64_t>(std::ldexp(std::frexp(t, &exponent), 24));
  const int twos = __builtin_ctzll(d);
  const uint64_t odd = d >> twos;
  uint64_t inverse = odd;  // modulo 8, and with every step modulo the square
  for (int i = 0; i < 4; ++i) inverse *= 2 - odd * inverse;
  for (int64_t r = -4; r <= 4; ++r) {
    if (r == 0 || __builtin_ctzll(static_cast<uint64_t>(r)) != twos) continue;  // N would not be odd
    for (const int s : {24, 25}) {
      const uint64_t modulus = uint64_t{1} << (s - twos);
      uint64_t n = static_cast<uint64_t>(-(r >> twos)) * inverse % modulus;
      for (; n < uint64_t{1} << 25; n += modulus) {
        if (n < uint64_t{1} << 24) continue;
        const auto x = static_cast<float>((n * d + static_cast<uint64_t>(r)) >> s);
        exact = exact && Quotient(x) == x / t;
      }
    }
  }
}

std::vector<float> BlockMaxima(const LogitVector& x, std::span<const float> block_max, const Lens& lens) {
  LP_CHECK(block_max.size() == x.n_blocks());
  std::vector<float> maxima(block_max.begin(), block_max.end());
  for (size_t b = 0; b < maxima.size(); ++b) {
    // The maximum goes last. Where it is the end of the cut, its lowest id decides.
    size_t i = b * LogitVector::kBlock;
    while (maxima[b] == lens.low && x[i] != maxima[b]) ++i;
    maxima[b] = lens.Of(maxima[b], i) + 0.0f;
  }
  return maxima;
}

LogitVector Make(const LogitVector& x, const Lens& lens) {
  LogitVector y = x;
  if (lens.low > Lens::kLowest) {
    const size_t last = std::min(lens.ties_end, x.size());
    y = KeepRange(x, lens.low, static_cast<TokenId>(last) - 1, std::numeric_limits<float>::infinity());
  }
  return lens.divisor == 1 ? y : Divide(y, lens.divisor);
}

}  // namespace lp
