// What our dialects make of cases that come as JSON lines on standard input, for tests/peers/run:
//   {"logits": [...] (null = -inf), "history": [...], "prompt_length": n, "sampler": {...}}
//   -> {"kept": [ids], "probs": [final probabilities], "boundary": [stages with a decision on its edge, D37]}
//   or {"error": "..."}
#include <iostream>
#include <limits>
#include <string>

#include "wire/wire.h"

namespace lp {
namespace {

Result<Json> RunCase(const Json& given) {
  std::vector<float> logits;
  for (const Json& x : given["logits"]) logits.push_back(x.is_null() ? -std::numeric_limits<float>::infinity() : x.get<float>());
  const auto history = given["history"].get<std::vector<TokenId>>();
  LP_ASSIGN_OR_RETURN(const DialectSettings wanted, ParseSampler(given["sampler"], "/sampler"));
  LP_ASSIGN_OR_RETURN(const Resolved resolved, Resolve(wanted, {.n_vocab = logits.size()}));
  const Step step{history, given["prompt_length"].get<size_t>(), history.size()};
  LP_ASSIGN_OR_RETURN(const Trace trace, Trace::Run(logits, step, resolved.chain));
  Json kept = Json::array(), probs = Json::array();
  Json boundary = Json::array();
  for (size_t i = 0; i < trace.stages().size(); ++i) {
    if (trace.stages()[i].boundary) boundary.push_back(StageName(resolved.chain.stages[i]));
  }
  for (size_t i = 0; i < logits.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    if (!trace.final().Has(id)) continue;
    kept.push_back(id);
    probs.push_back(trace.final().Probability(id));
  }
  return Json{{"kept", std::move(kept)}, {"probs", std::move(probs)}, {"boundary", std::move(boundary)}};
}

}  // namespace
}  // namespace lp

int main() {
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    const auto answer = lp::RunCase(lp::Json::parse(line));
    std::cout << lp::Dump(answer.ok() ? *answer : lp::Json{{"error", answer.error().ToString()}}) << '\n';
  }
}
