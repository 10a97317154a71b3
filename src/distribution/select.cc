#include "distribution/select.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace lp {
namespace {

std::vector<Candidate> Finite(const LogitVector& x) {
  std::vector<Candidate> all;
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] > kMasked) all.push_back({static_cast<TokenId>(i), x[i]});
  }
  return all;
}

double WeightOf(const VectorSums& sums, Weight weight, float x) {
  const double y = static_cast<double>(x) - static_cast<double>(sums.total.max);
  const double p = std::exp(y) / sums.total.sum_exp;
  return weight == Weight::kProbability ? p : p * (std::log(sums.total.sum_exp) - y);
}

MassEdge Walk(const std::vector<Candidate>& order, const VectorSums& sums, Weight weight, double target) {
  MassEdge edge;
  for (const Candidate& c : order) {
    edge.last = c;
    edge.n += 1;
    edge.before = edge.through;
    edge.through += WeightOf(sums, weight, c.value);
    if (edge.through >= target) return edge;
  }
  edge.reached = false;
  return edge;
}

}  // namespace

std::vector<Candidate> TopRanked(const LogitVector& x, std::span<const float> block_max, size_t k) {
  LP_CHECK(block_max.size() == x.n_blocks());
  std::vector<Candidate> all = Finite(x);
  std::sort(all.begin(), all.end(), RanksBefore);
  if (all.size() > k) all.resize(k);
  return all;
}

std::vector<Candidate> Between(const LogitVector& x, std::span<const float> block_max, float low, float high) {
  LP_CHECK(block_max.size() == x.n_blocks());
  std::vector<Candidate> all = Finite(x);
  std::erase_if(all, [&](const Candidate& c) { return c.value < low || c.value > high; });
  std::sort(all.begin(), all.end(), RanksBefore);
  return all;
}

Counts CountAbove(const LogitVector& x, float v) {
  Counts counts;
  for (size_t i = 0; i < x.size(); ++i) counts.above += x[i] > v, counts.equal += x[i] == v;
  return counts;
}

MassEdge FindMass(const LogitVector& x, const VectorSums& sums, Weight weight, double target) {
  std::vector<Candidate> all = Finite(x);
  std::sort(all.begin(), all.end(), RanksBefore);
  return Walk(all, sums, weight, target);
}

MassEdge FindMassAround(const LogitVector& x, const VectorSums& sums, double centre, double target) {
  std::vector<Candidate> all = Finite(x);
  const auto distance = [&](const Candidate& c) { return std::abs(static_cast<double>(c.value) - centre); };
  std::sort(all.begin(), all.end(), [&](const Candidate& a, const Candidate& b) {
    const double da = distance(a), db = distance(b);
    return da < db || (da == db && a.id < b.id);
  });
  return Walk(all, sums, Weight::kProbability, target);
}

LogitVector KeepRange(const LogitVector& x, float low, TokenId low_last_id, float high) {
  LogitVector y = x;
  for (size_t b = 0; b < x.n_blocks(); ++b) {
    const float* from = x.block(b);
    const auto keeps = [&](size_t i) {
      const auto id = static_cast<TokenId>(b * LogitVector::kBlock + i);
      return from[i] <= high && (from[i] > low || (from[i] == low && id <= low_last_id));
    };
    size_t kept = 0, finite = 0;
    for (size_t i = 0; i < LogitVector::kBlock; ++i) kept += keeps(i), finite += from[i] > kMasked;
    if (kept == finite) continue;
    if (kept == 0) {
      y.MaskBlock(b);
      continue;
    }
    float* to = y.Replace(b);
    for (size_t i = 0; i < LogitVector::kBlock; ++i) to[i] = keeps(i) ? from[i] : kMasked;
  }
  return y;
}

std::vector<size_t> RanksOf(const LogitVector& x, std::span<const TokenId> ids) {
  std::vector<size_t> ranks;
  for (const TokenId id : ids) {
    size_t rank = 1;
    for (size_t i = 0; i < x.size(); ++i) {
      rank += RanksBefore({static_cast<TokenId>(i), x[i]}, {id, x.at(id)});
    }
    ranks.push_back(rank);
  }
  return ranks;
}

}  // namespace lp
