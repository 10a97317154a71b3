#include "sampling/draw.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>
#include <vector>

#include "base/random.h"

namespace lp {
namespace {

struct Pick {
  TokenId id = 0;
  double u = 0;
  bool boundary = false;
};

// [D8] In rank order, so that a small u is a likely token. Probabilities sum to 1 up to rounding; the sliver above
// their sum belongs to the last token.
Pick PickInRankOrder(const State& state, double u) {
  LP_CHECK(u >= 0 && u < 1);
  // The token at which the cumulative probability *exceeds* u: the next double up is the first that does.
  const MassEdge edge = state.FindMass(Weight::kProbability, std::nextafter(u, 2.0));
  return {edge.last.id, u, std::abs(edge.before - u) < 1e-6 || std::abs(edge.through - u) < 1e-6};
}

// A stage after which no token has overtaken another.
bool KeepsOrder(const Stage& stage) {
  return std::holds_alternative<Temperature>(stage) || std::holds_alternative<DynamicTemperature>(stage) ||
         std::holds_alternative<LogSoftmax>(stage) || std::holds_alternative<MinP>(stage) ||
         std::holds_alternative<TopNSigma>(stage) || std::holds_alternative<BannedTokens>(stage);
}

// The stage that last put llama.cpp's array in an order of its own; nullopt: it lies by id still. Tried on llama.cpp:
// its min-p, top-n-sigma and temperature leave the order alone.
std::optional<size_t> LastSort(const Trace& trace) {
  for (size_t i = trace.stages().size(); i-- > 0;) {
    const Stage& stage = trace.chain().stages[i];
    if (!trace.stages()[i].active || trace.stages()[i].skipped) continue;
    if (std::holds_alternative<TopK>(stage) || std::holds_alternative<TopP>(stage) ||
        std::holds_alternative<TypicalP>(stage) || std::holds_alternative<Xtc>(stage) ||
        std::holds_alternative<DynamicTemperature>(stage) || std::holds_alternative<Mirostat1>(stage) ||
        std::holds_alternative<Mirostat2>(stage)) {
      return i;
    }
    // min-p sorts where its threshold leaves fewer than min_keep.
    if (const auto* s = std::get_if<MinP>(&stage); s != nullptr && s->min_keep > 1) {
      const State& before = trace.Before(i);
      const double low = static_cast<double>(before.Max()) + std::log(s->p);
      if (before.CountFrom(static_cast<float>(low)) < static_cast<size_t>(s->min_keep)) return i;
    }
  }
  return std::nullopt;
}

// The tokens left, as llama.cpp's array holds them.
std::vector<TokenId> LlamaCppOrder(const Trace& trace, std::optional<size_t> sorted) {
  struct Place {
    double key;  // ascending
    TokenId id;
  };
  std::vector<Place> places;
  places.reserve(trace.final().n());
  const State* by = sorted ? &trace.Before(*sorted) : nullptr;
  const bool typical = sorted && std::holds_alternative<TypicalP>(trace.chain().stages[*sorted]);
  const double centre = typical ? by->mass().LogSumExp() - by->sums().Entropy() : 0;
  const auto add = [&](TokenId id) {
    const double x = by != nullptr ? static_cast<double>(by->Value(id)) : 0;
    places.push_back({typical ? std::abs(x - centre) : -x, id});
  };
  const State& final = trace.final();
  if (final.narrow()) {
    for (const Candidate& c : final.list()) add(c.id);
  } else {
    for (size_t i = 0; i < final.n_vocab(); ++i) {
      if (final.values()[i] > kMasked) add(static_cast<TokenId>(i));
    }
  }
  std::sort(places.begin(), places.end(),
            [](const Place& a, const Place& b) { return a.key < b.key || (a.key == b.key && a.id < b.id); });
  std::vector<TokenId> ids;
  ids.reserve(places.size());
  for (const Place& place : places) ids.push_back(place.id);
  return ids;
}

// [D42]
Pick PickLlamaCpp(const Trace& trace, double u) {
  const std::optional<size_t> sorted = LastSort(trace);
  const State& state = trace.final();
  // After a cut by rank, nothing but temperatures and cuts in nearly every chain: its order is the rank order.
  if (sorted && !std::holds_alternative<TypicalP>(trace.chain().stages[*sorted])) {
    bool same = true;
    for (size_t i = *sorted + 1; i < trace.stages().size(); ++i)
      same = same && (!trace.stages()[i].active || KeepsOrder(trace.chain().stages[i]));
    if (same) return PickInRankOrder(state, u);
  }
  double before = 0, through = 0;
  Pick pick{.u = u};
  for (const TokenId id : LlamaCppOrder(trace, sorted)) {
    pick.id = id;
    before = through;
    through += state.Probability(id);
    if (through > u) break;
  }
  pick.boundary = std::abs(before - u) < 1e-6 || std::abs(through - u) < 1e-6;
  return pick;
}

// The position-th double that std::uniform_real_distribution makes of mt19937(seed) in libstdc++: 53 bits of two draws.
double LlamaCppUniform(uint64_t seed, uint64_t position) {
  std::mt19937 random(static_cast<uint32_t>(seed));
  random.discard(2 * position);
  const double low = static_cast<double>(random()), high = static_cast<double>(random());
  return std::min((low + high * 0x1p32) * 0x1p-64, std::nextafter(1.0, 0.0));
}

// [D41] Each kept token waits an exponential time of rate p; the first to arrive is drawn. The same distribution as an
// inverse CDF, but no order of tokens is needed, which is why GPUs do it.
Pick PickByRace(const State& state, uint64_t seed, uint64_t position) {
  Pick pick{.u = std::numeric_limits<double>::quiet_NaN()};
  double best = std::numeric_limits<double>::infinity();
  const auto run = [&](TokenId id, float x) {
    const auto r = Philox4x32(
        {static_cast<uint32_t>(position), static_cast<uint32_t>(position >> 32), static_cast<uint32_t>(id), 1},
        {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
    const uint64_t bits = (uint64_t{r[0]} << 32 | r[1]) >> 11;
    const double time = -std::log((static_cast<double>(bits) + 0.5) * 0x1p-53) / state.ProbabilityOf(x);
    if (time < best) best = time, pick.id = id;
  };
  if (state.narrow()) {
    for (const Candidate& c : state.list()) run(c.id, c.value);
  } else {
    for (size_t i = 0; i < state.n_vocab(); ++i) {
      if (state.values()[i] > kMasked) run(static_cast<TokenId>(i), state.values()[i]);
    }
  }
  return pick;
}

Pick PickAt(const Trace& trace, uint64_t position) {
  const uint64_t seed = trace.chain().seed;
  switch (trace.chain().draw) {
    case DrawRule::kInverseCdf:
      return PickInRankOrder(trace.final(), UniformAt(seed, position));
    case DrawRule::kExponentialRace:
      return PickByRace(trace.final(), seed, position);
    case DrawRule::kLlamaCpp:
      return PickLlamaCpp(trace, LlamaCppUniform(seed, position));
  }
  LP_CHECK(false);
}

}  // namespace

TokenId DrawId(const Trace& trace) { return PickAt(trace, trace.step().position).id; }

DrawnToken Draw(const Trace& trace) { return DrawAt(trace, trace.step().position); }

DrawnToken DrawAt(const Trace& trace, uint64_t position) {
  const Pick pick = PickAt(trace, position);
  return {trace.RowOf(pick.id), pick.u, pick.boundary};
}

Chain Advance(const Trace& trace, TokenId drawn) {
  Chain chain = trace.chain();
  // The surprise of the token among those that could be drawn, bits. A token that could not says nothing.
  const double p = trace.final().Probability(drawn), surprise = -std::log2(p);
  const auto next_mu = [&](double mu, double tau, double eta) {
    if (mu < 0) mu = 2 * tau;
    return p > 0 ? std::max(0.0, mu - eta * (surprise - tau)) : mu;
  };
  for (size_t i = 0; i < chain.stages.size(); ++i) {
    if (auto* s = std::get_if<Mirostat1>(&chain.stages[i])) s->mu = next_mu(s->mu, s->tau, s->eta);
    if (auto* s = std::get_if<Mirostat2>(&chain.stages[i])) s->mu = next_mu(s->mu, s->tau, s->eta);
    if (auto* s = std::get_if<AdaptiveP>(&chain.stages[i]); s != nullptr && s->target >= 0) {
      if (s->total_weight == 0) {  // it begins as if it had hit its target for ever
        s->total_weight = 1 / (1 - s->decay);
        s->weighted_sum = std::min(s->target, 1.0) * s->total_weight;
      }
      s->weighted_sum = trace.Before(i).Probability(drawn) + s->decay * s->weighted_sum;
      s->total_weight = 1 + s->decay * s->total_weight;
    }
  }
  return chain;
}

TokenRow TokenAt(const Trace& trace, double u) { return trace.RowOf(PickInRankOrder(trace.final(), u).id); }

std::vector<DrawCount> DrawMany(const Trace& trace, size_t n) {
  const State& final = trace.final();
  const std::span<const Candidate> left = final.Top(final.n());
  std::vector<double> through;  // [left] probability of a token and all before it
  double sum = 0;
  for (const Candidate& c : left) through.push_back(sum += final.ProbabilityOf(c.value));
  std::vector<size_t> counts(left.size());
  for (size_t draw = 0; draw < n; ++draw) {
    const double u = UniformAt(trace.chain().seed, trace.step().position, draw + 1);
    const auto at = std::upper_bound(through.begin(), through.end(), u) - through.begin();
    ++counts[std::min(static_cast<size_t>(at), left.size() - 1)];  // the sliver above the sum is the last token's
  }
  std::vector<DrawCount> drawn;
  for (size_t i = 0; i < left.size(); ++i) {
    if (counts[i] > 0) drawn.push_back({left[i].id, counts[i]});
  }
  return drawn;
}

}  // namespace lp
