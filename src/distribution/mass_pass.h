// The passes over logits that FindMass is made of. Internal to mass.cc.
#pragma once

#include <vector>

#include "distribution/mass_order.h"
#include "distribution/select.h"

namespace lp::mass {

// Copies what lies inside (or, with `outside`, what does not) to `to`, padded with -inf to whole blocks; returns how
// many. Blocks whose maximum is below `skip_below` are left out.
size_t CopySide(const LogitVector& x, const BlockSums* sums, float skip_below, Interval interval, bool outside,
                float* to);

// The weights of x[0, n), whole blocks, not yet divided by their sum; `log_sum` is the logarithm of sum e^(x - max).
void Weights(Weight weight, const float* x, size_t n, float max, float log_sum, float* w);

// Over x[0, n), whole blocks: adds the weights inside `sum_in` (or, with `outside`, of those outside it) to `sum`, and
// copies what lies in `copy_in` but not in `copy_not_in` to `to`; returns how many.
size_t SumSide(Weight weight, const float* x, size_t n, float max, float log_sum, Interval sum_in, bool outside,
               Interval copy_in, Interval copy_not_in, double& sum, float* to);

// The sum of w where x lies inside `interval` (or outside). x, w: [n], whole blocks.
double SumInside(const float* x, const float* w, size_t n, Interval interval, bool outside);

// Counts what lies in `inner`, and collects what lies in `outer` only.
size_t CountAndCollect(const LogitVector& x, const BlockSums* sums, Interval inner, Interval outer,
                       std::vector<Candidate>& found);

}  // namespace lp::mass
