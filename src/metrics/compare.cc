#include "metrics/compare.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lp {
namespace {

// Tokens that can be drawn, by id, with their probabilities.
struct Entry {
  TokenId id;
  double p;
};

std::vector<Entry> Kept(const State& state) {
  std::vector<Entry> entries;
  entries.reserve(state.n());
  if (state.narrow()) {
    for (const Candidate& c : state.list()) entries.push_back({c.id, state.ProbabilityOf(c.value)});
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.id < b.id; });
  } else {
    for (size_t i = 0; i < state.n_vocab(); ++i) {
      if (const float x = state.values()[i]; x > kMasked) entries.push_back({static_cast<TokenId>(i), state.ProbabilityOf(x)});
    }
  }
  return entries;
}

// p log(p / q); 0 for p = 0.
double Term(double p, double q) { return p > 0 ? p * std::log(p / q) : 0; }

// The likeliest; equals by lower id.
std::vector<TokenId> Listed(std::vector<Entry> entries) {
  const size_t n = std::min(entries.size(), Comparison::kListed);
  std::partial_sort(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(n), entries.end(),
                    [](const Entry& a, const Entry& b) { return a.p > b.p || (a.p == b.p && a.id < b.id); });
  std::vector<TokenId> ids;
  for (size_t i = 0; i < n; ++i) ids.push_back(entries[i].id);
  return ids;
}

}  // namespace

Comparison Compare(const Trace& a, const Trace& b) {
  LP_CHECK(a.n_vocab() == b.n_vocab());
  const std::vector<Entry> as = Kept(a.final()), bs = Kept(b.final());
  Comparison c{.n_kept_a = as.size(), .n_kept_b = bs.size()};
  std::vector<Entry> only_a, only_b;
  double difference = 0;
  const auto see = [&](double p, double q) {
    difference += std::abs(p - q);
    c.kl_a_b += Term(p, q);
    c.kl_b_a += Term(q, p);
    const double middle = (p + q) / 2;
    c.jensen_shannon += (Term(p, middle) + Term(q, middle)) / 2;
  };
  for (size_t i = 0, j = 0; i < as.size() || j < bs.size();) {
    const bool has_a = i < as.size() && (j == bs.size() || as[i].id <= bs[j].id);
    const bool has_b = j < bs.size() && (i == as.size() || bs[j].id <= as[i].id);
    if (has_a && has_b) {
      ++c.n_common;
      see(as[i++].p, bs[j++].p);
    } else if (has_a) {
      c.mass_a_only += as[i].p;
      only_a.push_back(as[i]);
      see(as[i++].p, 0);
    } else {
      c.mass_b_only += bs[j].p;
      only_b.push_back(bs[j]);
      see(0, bs[j++].p);
    }
  }
  c.total_variation = std::min(1.0, difference / 2);
  c.kl_a_b = only_a.empty() ? std::max(0.0, c.kl_a_b) : std::numeric_limits<double>::infinity();
  c.kl_b_a = only_b.empty() ? std::max(0.0, c.kl_b_a) : std::numeric_limits<double>::infinity();
  c.jensen_shannon = std::clamp(c.jensen_shannon, 0.0, std::log(2.0));
  c.n_only_a = only_a.size(), c.n_only_b = only_b.size();
  c.only_a = Listed(std::move(only_a));
  c.only_b = Listed(std::move(only_b));
  return c;
}

}  // namespace lp
