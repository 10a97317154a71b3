#include <fmt/format.h>

#include "cli/commands.h"
#include "metrics/metrics.h"
#include "sampling/trace.h"
#include "server/api.h"
#include "wire/wire.h"

namespace lp {
namespace {

std::string CutReason(const Trace& trace, const TokenRow& row) {
  if (!row.cut_by) return "";
  return *row.cut_by == TokenRow::kMasked ? "masked by the model"
                                          : fmt::format("cut by {}", StageName(trace.stages()[*row.cut_by].kind));
}

void PrintRows(const Terminal& terminal, const Engine& engine, const Trace& trace, size_t top) {
  const auto ids = trace.Ranked(top == 0 ? trace.n_vocab() : top);
  size_t text_columns = 5;
  for (const TokenId id : ids)
    text_columns = std::max(text_columns, std::min<size_t>(28, Columns(Quoted(engine.tokenizer().Piece(id)))));
  const std::string header =
      fmt::format("{:>6}  {}  {:>9}  {:>10}  {:>10}", "rank", PadRight("token", text_columns), "logit", "raw", "final");
  fmt::print("{}\n", terminal.Dim(header));
  const double top_prob = trace.Row(1).prob;
  for (size_t i = 0; i < ids.size(); ++i) {
    const TokenRow row = trace.Row(i + 1);
    const std::string token = PadRight(Quoted(engine.tokenizer().Piece(row.id)), text_columns);
    std::string line = fmt::format("{:>6}  {}  {:>9.3f}  {:>10}  ", row.rank, token, row.logit, Percent(row.prob_raw));
    if (row.cut_by) {
      fmt::print("{}\n", terminal.Dim(line + fmt::format("{:>10}  {}", "-", CutReason(trace, row))));
    } else {
      const std::string bar = terminal.Bar(row.prob / top_prob, 24);
      fmt::print("{}{:>10}{}{}\n", line, Percent(row.prob), bar.empty() ? "" : "  ", bar);
    }
  }
}

// What the rows leave out, in one line.
void PrintRest(const Terminal& terminal, const Trace& trace, size_t top) {
  if (top == 0 || top >= trace.n_vocab()) return;
  const Json rest = RestJson(trace, {.top = top});
  fmt::print("{}\n",
             terminal.Dim(fmt::format("        {} more tokens hold {} raw, {} final", rest["n"].get<size_t>(),
                                      Percent(rest["prob_raw"].get<double>()), Percent(rest["prob"].get<double>()))));
}

void PrintStages(const Trace& trace) {
  fmt::print("\n");
  for (const StageRecord& stage : trace.stages()) {
    if (!stage.active) {
      fmt::print("{:<19} off\n", StageName(stage.kind));
      continue;
    }
    fmt::print("{:<19} {} -> {} tokens, keeps {} of the mass, entropy {:.3f} bits\n", StageName(stage.kind), stage.n_in,
               stage.n_out, Percent(stage.mass_out), NatsToBits(stage.entropy));
  }
}

std::string Bits(double nats, double mass_cut) {
  if (std::isfinite(nats)) return fmt::format("{:.3f} bits", NatsToBits(nats));
  return mass_cut > 0 ? fmt::format("infinite ({} of the raw mass was cut)", Percent(mass_cut))
                      : std::string("infinite");
}

void PrintMetrics(const Metrics& m) {
  fmt::print(
      "\nentropy {:.3f} bits (raw {:.3f}) | perplexity {:.2f} | effective vocabulary {:.2f} | top-1 {} | kept {}\n",
      NatsToBits(m.entropy), NatsToBits(m.raw_entropy), m.perplexity, m.effective_vocab, Percent(m.top1_prob),
      m.n_kept);
  fmt::print("KL(final||raw) {} | KL(raw||final) {}\n", Bits(m.kl_final_raw, 0), Bits(m.kl_raw_final, m.mass_cut));
  fmt::print("before any cut: KL(shaped||raw) {} | KL(raw||shaped) {}\n", Bits(m.kl_shaped_raw, 0),
             Bits(m.kl_raw_shaped, 0));
}

}  // namespace

Status RunNext(const CommonOptions& common, const NextOptions& options) {
  LP_ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine, OpenEngine(common));
  LP_ASSIGN_OR_RETURN(const std::vector<TokenId> context, PromptTokens(*engine, common));
  LP_ASSIGN_OR_RETURN(const Evaluation evaluation, engine->Evaluate(context));
  LP_ASSIGN_OR_RETURN(const Trace trace, Trace::Run(*evaluation.logits, context, common.sampler));
  if (common.json) {
    fmt::print("{}\n", Dump(NextJson(engine->info().name, context, trace,
                                     {.top = options.top, .journey = options.trace}, PiecesOf(*engine)),
                            1));
    return Ok();
  }
  const Terminal terminal;
  fmt::print("{}{}\n", Escaped(common.prompt), terminal.Bold("▁"));
  fmt::print("{}\n\n", terminal.Dim(fmt::format("{} | {} tokens of context | vocabulary {}", engine->info().name,
                                                context.size(), trace.n_vocab())));
  PrintRows(terminal, *engine, trace, options.top);
  PrintRest(terminal, trace, options.top);
  if (options.trace) PrintStages(trace);
  PrintMetrics(ComputeMetrics(trace));
  return Ok();
}

}  // namespace lp
