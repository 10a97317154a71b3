// The library as its users meet it: settings of an engine, a trace, its numbers.
#include <cstdio>
#include <vector>

#include "dialect/dialect.h"
#include "metrics/metrics.h"
#include "sampling/draw.h"

int main() {
  const std::vector<float> logits = {3, 2, 1};
  const auto wanted = lp::ParseDialectSettings("dialect=llama.cpp,temp=0.5,top_p=0.8,seed=7");
  if (!wanted.ok()) return 1;
  const auto resolved = lp::Resolve(*wanted, lp::ModelFacts{.n_vocab = logits.size()});
  if (!resolved.ok()) return 1;
  const auto trace = lp::Trace::Run(logits, lp::Step{}, resolved->chain);
  if (!trace.ok()) return 1;
  for (const lp::TokenRow& row : trace->Rows(3)) {
    std::printf("%d %.4f %.4f\n", row.id, row.prob_raw, row.prob);
  }
  std::printf("kept %zu, entropy %.4f bits, drawn %d\n", trace->n_kept(), lp::NatsToBits(lp::ComputeMetrics(*trace).entropy), lp::DrawId(*trace));
  return trace->n_kept() == 2 ? 0 : 1;
}
