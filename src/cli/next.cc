#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/source.h"
#include "cli/trace_view.h"

namespace lp {

Status RunNext(const CommonOptions& common, const NextOptions& options) {
  LP_ASSIGN_OR_RETURN(const std::unique_ptr<Source> source, Source::Open(common, options.source));
  LP_ASSIGN_OR_RETURN(const Resolved resolved, Resolve(common.sampler, source->facts()));
  LP_ASSIGN_OR_RETURN(const Trace trace, Trace::Run(source->logits(), source->step(), resolved.chain));
  TellVerbose(common, source->logits(), nullptr);
  const RowOptions rows{.top = options.top, .journey = options.trace};
  if (common.json) {
    Json json = NextJson(source->model(), source->history(), trace, resolved, rows, source->pieces());
    json["logits_hash"] = LogitsHash(source->logits());
    fmt::print("{}\n", Dump(json, 1));
    return Ok();
  }
  const Terminal terminal;
  const bool live = options.source.logits.empty();
  fmt::print("{}{}\n", Escaped(live ? common.prompt : options.source.logits), live ? terminal.Bold("▁") : "");
  fmt::print("{}\n\n", terminal.Dim(fmt::format("{}{} tokens {} | vocabulary {}{}", source->model().empty() ? "" : source->model() + " | ",
                                                source->history().size(), live ? "of context" : "of history", trace.n_vocab(),
                                                resolved.dialect == Dialect::kLogitpeek
                                                    ? std::string()
                                                    : fmt::format(" | {} dialect", DialectName(resolved.dialect)))));
  PrintRows(terminal, trace, options.top, source->pieces());
  if (options.trace) PrintStages(trace);
  PrintMetrics(ComputeMetrics(trace));
  PrintRemarks(terminal, trace, resolved);
  return Ok();
}

}  // namespace lp
