// The yardsticks: the least that any softmax does, and the least that anything does.
#pragma once

#include <span>

namespace lp::bench {

// sum exp(x - max), the maximum known, lanes in float: one exp-sum pass. x: whole blocks of 256 count, the rest not.
double ExpSum(std::span<const float> x, float max);
// The highest of x: one read pass.
float ReadPass(std::span<const float> x);

}  // namespace lp::bench
