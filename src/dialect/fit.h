// The settings of a dialect that come closest to a trace, by search on its logits. Inside dialect/ only: Translate() asks
// algebra first.
#pragma once

#include <span>

#include "dialect/dialect.h"
#include "metrics/compare.h"
#include "sampling/step.h"

namespace lp {

// `source` and `logits` must outlive it.
class Fit {
 public:
  Fit(const Trace& source, Dialect to, std::span<const float> logits, const Step& step, const ModelFacts& facts)
      : source_(source), to_(to), logits_(logits), step_(step), facts_(facts) {}

  struct Candidate {
    Settings settings;
    Comparison comparison;  // with the source
  };

  Result<Candidate> Try(const Settings& settings) const;

  // With top_p chosen so that the target keeps the shortest prefix of its own order that holds all the source keeps; the
  // settings as they are where that cannot be done.
  Result<Candidate> WithNucleus(const Settings& settings) const;

  // The temperature of least divergence, each with its own nucleus.
  Result<Candidate> WithTemperature(const Settings& settings) const;

  // By KL(source || translated); where both are infinite, by total variation.
  static bool Worse(const Candidate& a, const Candidate& b);

 private:
  // How far down `order` the source's kept tokens reach; 0 where one of them is not there.
  size_t RankOfLast(const State& order) const;

  const Trace& source_;
  Dialect to_;
  std::span<const float> logits_;
  Step step_;
  ModelFacts facts_;
};

}  // namespace lp
