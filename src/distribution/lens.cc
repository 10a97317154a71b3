#include "distribution/lens.h"

#include "base/check.h"
#include "distribution/select.h"
#include "distribution/sums.h"

namespace lp {

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
