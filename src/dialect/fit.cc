#include "dialect/fit.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lp {
namespace {

// The shortest decimal in (low, high].
double ShortestWithin(double low, double high) {
  double scale = 1;
  for (int digits = 1; digits <= 15; ++digits) {
    scale *= 10;
    const double x = std::floor(high * scale) / scale;
    if (x > low && x <= high) {
      const double middle = std::round((low + high) / 2 * scale) / scale;  // as short, and further from both ends
      return middle > low && middle < high ? middle : x;
    }
  }
  return high;
}

}  // namespace

Result<Fit::Candidate> Fit::Try(const Settings& settings) const {
  LP_ASSIGN_OR_RETURN(const Resolved resolved, Resolve(to_, settings, facts_));
  LP_ASSIGN_OR_RETURN(const Trace trace, Trace::Run(logits_, step_, resolved.chain));
  return Candidate{settings, Compare(source_, trace)};
}

Result<Fit::Candidate> Fit::WithNucleus(const Settings& given) const {
  Settings settings = given;
  settings.top_p = 1.0;
  LP_ASSIGN_OR_RETURN(const Resolved resolved, Resolve(to_, settings, facts_));
  LP_ASSIGN_OR_RETURN(const Trace open, Trace::Run(logits_, step_, resolved.chain));
  size_t at = 0;
  while (at < resolved.chain.stages.size() && !std::holds_alternative<TopP>(resolved.chain.stages[at])) ++at;
  if (at == resolved.chain.stages.size()) return Try(given);
  const State& before = open.Before(at);
  const size_t n = RankOfLast(before);
  if (n == 0 || n >= before.n()) return Try(settings);
  const auto mass = [&](size_t k) {
    return k == 0 ? 0.0 : std::exp(before.KeepTop(k).sums().LogSumExp() - before.sums().LogSumExp());
  };
  settings.top_p = ShortestWithin(mass(n - 1), std::min(mass(n), 1.0));
  return Try(settings);
}

Result<Fit::Candidate> Fit::WithTemperature(const Settings& settings) const {
  const double start = settings.temperature.value_or(1);
  LP_ASSIGN_OR_RETURN(Candidate best, WithNucleus(settings));
  if (!(start > 0)) return best;
  const auto at = [&](double log_t) {
    Settings tried = settings;
    tried.temperature = std::exp(log_t);
    return WithNucleus(tried);
  };
  // Golden section between half and twice the source's temperature; divergence has one minimum in T there.
  constexpr double kGolden = 0.6180339887498949;
  double low = std::log(start / 2), high = std::log(std::min(start * 2, 2.0));
  for (int i = 0; i < 24 && high > low; ++i) {
    const double a = high - kGolden * (high - low), b = low + kGolden * (high - low);
    LP_ASSIGN_OR_RETURN(const Candidate first, at(a));
    LP_ASSIGN_OR_RETURN(const Candidate second, at(b));
    if (Worse(best, first)) best = first;
    if (Worse(best, second)) best = second;
    (Worse(second, first) ? high : low) = Worse(second, first) ? b : a;
  }
  return best;
}

bool Fit::Worse(const Candidate& a, const Candidate& b) {
  if (a.comparison.kl_a_b != b.comparison.kl_a_b) return a.comparison.kl_a_b > b.comparison.kl_a_b;
  return a.comparison.total_variation > b.comparison.total_variation;
}

size_t Fit::RankOfLast(const State& order) const {
  const State& kept = source_.final();
  lp::Candidate last{-1, std::numeric_limits<float>::infinity()};
  const auto see = [&](TokenId id) {
    const lp::Candidate c{id, order.Value(id)};
    if (last.id < 0 || RanksBefore(last, c)) last = c;
  };
  if (kept.narrow()) {
    for (const lp::Candidate& c : kept.list()) see(c.id);
  } else {
    for (size_t i = 0; i < kept.n_vocab(); ++i) {
      if (kept.values()[i] > kMasked) see(static_cast<TokenId>(i));
    }
  }
  if (last.value == kMasked) return 0;
  if (order.narrow()) {
    const auto list = order.list();
    return static_cast<size_t>(std::lower_bound(list.begin(), list.end(), last, RanksBefore) - list.begin()) + 1;
  }
  return RanksOf(order.values(), std::span(&last.id, 1))[0];
}

}  // namespace lp
