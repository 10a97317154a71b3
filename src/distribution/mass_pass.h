// The passes over logits that FindMass is made of. Internal to mass.cc.
#pragma once

#include <cstdint>
#include <vector>

#include "distribution/lens.h"
#include "distribution/mass_order.h"
#include "distribution/select.h"

namespace lp::mass {

// Where a prefix of some order is known to end: all of `in` belongs to it, nothing outside `out` does. The sums of one
// side are wanted: of what is inside `in`, or of what is outside `out`.
struct Bracket {
  Interval in, out;
  bool outside;
  bool around;  // as Order's; by rank intervals have no upper end
};

// The one pass over the vocabulary: every block's sums, as many as `which` says, and those of the side, as many as
// SideSums(which), both relative to the block's maximum. Copies what lies between, block by block: those of block b end
// at to[ends[b]]. Returns how many. With `known` sums those of blocks that lie beyond as a whole are taken from there.
// all, side, ends: [n_blocks]; to: room for all and a block more.
size_t Split(const View& view, const Bracket& bracket, Sums which, const BlockSums* known, BlockSums* all,
             BlockSums* side, uint32_t* ends, float* to);
// How many sums of a side Split makes: of kAll only the mass, for nobody asks for more.
constexpr Sums SideSums(Sums which) { return which == Sums::kAll ? Sums::kMass : which; }

// The weights of x[0, n), whole blocks, not yet divided by their sum; `log_sum` is the logarithm of sum e^(x - max).
void Weights(Weight weight, const float* x, size_t n, float max, float log_sum, float* w);

// The sum of w where x lies on the side of `interval` asked for. x, w: [n], whole blocks.
double SumSide(const float* x, const float* w, size_t n, Interval interval, bool outside);

// All sums of that: of weights w, with y = x - max, of y w and of y^2 w; n is the number of logits.
SoftmaxSums Terms(const float* x, const float* w, size_t n, float max, Interval interval, bool outside);

// Where in x[0, n), whole blocks, the values between are.
void Find(const float* x, size_t n, const Bracket& bracket, std::vector<size_t>& found);

// Copies of x and w what lies between, padded to whole blocks; to_x may be x, and to_w w. Returns how many; adds the
// weights on the side to `side`.
size_t Narrow(const float* x, const float* w, size_t n, const Bracket& bracket, float* to_x, float* to_w, double& side);

}  // namespace lp::mass
