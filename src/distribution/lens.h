// What a cut from below and a temperature make of a vector, value by value: it can be summed and searched without being
// written, which for a nucleus of most of the vocabulary takes longer than all the rest.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "distribution/logit_vector.h"

namespace lp {

struct Lens {
  static constexpr float kLowest = std::numeric_limits<float>::lowest();

  float low = kLowest;                                     // values below it are masked,
  size_t ties_end = std::numeric_limits<size_t>::max();    // and of those equal to it the ones from this id on;
  float divisor = 1;                                       // what is left is divided, as Divide() does it

  bool Changes() const { return low > kLowest || divisor != 1; }
  // What becomes of logit i.
  float Of(float x, size_t i) const {
    if (!(x > low) && (x < low || i >= ties_end)) return kMasked;
    return divisor == 1 ? x : std::max(x / divisor, kLowest);
  }
  // The lowest value that is `v` or more once it is divided; cuts aside.
  float BeforeDivision(float v) const;
};

// 1 / t in two parts, for a quotient without a division: x / t = x high + x low, where the product with `low` is
// rounded, and then the sum with the exact product with `high`, once.
struct Reciprocal {
  explicit Reciprocal(float t);
  float Quotient(float x) const { return std::fma(x, high, x * low); }

  float high, low;
  bool exact;  // Quotient(x) is x / t correctly rounded, for all x of which x / t is 2^-98 or more, or 0
};

// A vector through a lens, with what is known of it.
struct View {
  const LogitVector& x;
  Lens lens;
  std::span<const float> block_max;  // [n_blocks], as the lens shows them
  bool no_masks = false;             // no logit is -inf, through the lens

  float operator[](size_t i) const { return lens.Of(x[i], i); }
};

// The maxima of blocks as a lens shows them, where those of `x` are known.
std::vector<float> BlockMaxima(const LogitVector& x, std::span<const float> block_max, const Lens& lens);
// The vector written down.
LogitVector Make(const LogitVector& x, const Lens& lens);

}  // namespace lp
