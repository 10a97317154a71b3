// What our dialects make of cases that come as JSON lines on standard input, for tests/peers/run:
//   {"logits": [...], "history": [...], "prompt_length": n, "sampler": {...}}
//   -> {"kept": [ids], "probs": [final probabilities], "boundary": true where a decision lay on its edge [D37]}
//   or {"error": "..."}
#include <iostream>
#include <string>

#include "wire/wire.h"

namespace lp {
namespace {

Result<Json> RunCase(const Json& given) {
  const auto logits = given["logits"].get<std::vector<float>>();
  const auto history = given["history"].get<std::vector<TokenId>>();
  LP_ASSIGN_OR_RETURN(const DialectSettings wanted, ParseSampler(given["sampler"], "/sampler"));
  LP_ASSIGN_OR_RETURN(const Resolved resolved, Resolve(wanted, {.n_vocab = logits.size()}));
  const Step step{history, given["prompt_length"].get<size_t>(), history.size()};
  LP_ASSIGN_OR_RETURN(const Trace trace, Trace::Run(logits, step, resolved.chain));
  Json kept = Json::array(), probs = Json::array();
  bool boundary = false;
  for (const StageRecord& stage : trace.stages()) boundary = boundary || stage.boundary;
  for (size_t i = 0; i < logits.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    if (!trace.final().Has(id)) continue;
    kept.push_back(id);
    probs.push_back(trace.final().Probability(id));
  }
  return Json{{"kept", std::move(kept)}, {"probs", std::move(probs)}, {"boundary", boundary}};
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
