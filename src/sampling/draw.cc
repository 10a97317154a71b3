#include "sampling/draw.h"

#include <cmath>
#include <random>

#include "base/random.h"

namespace lp {
namespace {

struct Pick {
  TokenId id = 0;
  double u = 0;
  bool boundary = false;
};

// [D8] In rank order, so that a small u is a likely token. Probabilities sum to 1 up to rounding; the sliver above their
// sum belongs to the last token.
Pick PickInRankOrder(const State& state, double u) {
  LP_CHECK(u >= 0 && u < 1);
  // The token at which the cumulative probability *exceeds* u: the next double up is the first that does.
  const MassEdge edge = state.FindMass(Weight::kProbability, std::nextafter(u, 2.0));
  return {edge.last.id, u, std::abs(edge.before - u) < 1e-6 || std::abs(edge.through - u) < 1e-6};
}

// [D42] llama.cpp walks its array as the chain left it: in rank order if a stage sorted it, else by id.
Pick PickLlamaCpp(const Trace& trace, double u) {
  const State& state = trace.final();
  if (state.narrow()) return PickInRankOrder(state, u);
  double cumulative = 0;
  Pick pick{.u = u};
  for (size_t i = 0; i < state.n_vocab(); ++i) {
    const float x = state.values()[i];
    if (x == kMasked) continue;
    pick.id = static_cast<TokenId>(i);
    cumulative += state.ProbabilityOf(x);
    if (cumulative > u) break;
  }
  pick.boundary = std::abs(cumulative - u) < 1e-6;
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
    const auto r = Philox4x32({static_cast<uint32_t>(position), static_cast<uint32_t>(position >> 32), static_cast<uint32_t>(id), 1},
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
  // The surprise of the token among those that could be drawn, bits.
  const double surprise = -std::log2(trace.final().Probability(drawn));
  const auto next_mu = [&](double mu, double tau, double eta) { return (mu < 0 ? 2 * tau : mu) - eta * (surprise - tau); };
  for (size_t i = 0; i < chain.stages.size(); ++i) {
    if (auto* s = std::get_if<Mirostat1>(&chain.stages[i])) s->mu = next_mu(s->mu, s->tau, s->eta);
    if (auto* s = std::get_if<Mirostat2>(&chain.stages[i])) s->mu = next_mu(s->mu, s->tau, s->eta);
    if (auto* s = std::get_if<AdaptiveP>(&chain.stages[i])) {
      s->weighted_sum = trace.Before(i).Probability(drawn) + s->decay * s->weighted_sum;
      s->total_weight = 1 + s->decay * s->total_weight;
    }
  }
  return chain;
}

TokenRow TokenAt(const Trace& trace, double u) { return trace.RowOf(PickInRankOrder(trace.final(), u).id); }

}  // namespace lp
