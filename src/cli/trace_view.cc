#include "cli/trace_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace lp {

std::string CutName(const Trace& trace, size_t cut_by) {
  return cut_by == TokenRow::kMasked ? "the model's own mask" : std::string(StageName(trace.chain().stages[cut_by]));
}

std::string Short(double value) { return std::isnan(value) ? "-" : fmt::format("{:.6g}", value); }

std::string Bits(double nats, double mass_cut) {
  if (std::isfinite(nats)) return fmt::format("{:.3f} bits", NatsToBits(nats));
  return mass_cut > 0 ? fmt::format("infinite ({} of the mass was cut)", Percent(mass_cut)) : std::string("infinite");
}

void PrintRows(const Terminal& terminal, const Trace& trace, size_t top, const PieceOf& pieces) {
  const std::vector<TokenRow> rows = trace.Rows(top == 0 ? trace.n_vocab() : top);
  size_t columns = 5;
  for (const TokenRow& row : rows) columns = std::max(columns, std::min<size_t>(28, Columns(Quoted(pieces(row.id)))));
  fmt::print("{}\n", terminal.Dim(fmt::format("{:>6}  {}  {:>9}  {:>10}  {:>10}", "rank", PadRight("token", columns), "logit",
                                              "raw", "final")));
  const double best = trace.final().Probability(trace.final().Top(1)[0].id);
  for (const TokenRow& row : rows) {
    const std::string line = fmt::format("{:>6}  {}  {:>9.3f}  {:>10}  ", row.rank, PadRight(Quoted(pieces(row.id)), columns),
                                         row.logit, Percent(row.prob_raw));
    if (row.cut_by) {
      const std::string missed = std::isnan(row.margin) ? "" : fmt::format(", missed by {:.2f} nats", row.margin);
      fmt::print("{}\n", terminal.Dim(line + fmt::format("{:>10}  cut by {}{}", "-", CutName(trace, *row.cut_by), missed)));
    } else {
      const std::string bar = terminal.Bar(row.prob / best, 24);
      fmt::print("{}{:>10}{}{}\n", line, Percent(row.prob), bar.empty() ? "" : "  ", bar);
    }
  }
  if (rows.size() == trace.n_vocab()) return;
  const Json rest = RestJson(trace, {.top = top});
  fmt::print("{}\n",
             terminal.Dim(fmt::format("        {} more tokens hold {} raw, {} final", rest["n"].get<size_t>(),
                                      Percent(rest["prob_raw"].get<double>()), Percent(rest["prob"].get<double>()))));
}

void PrintStages(const Trace& trace) {
  fmt::print("\n");
  for (size_t i = 0; i < trace.stages().size(); ++i) {
    const StageRecord& stage = trace.stages()[i];
    std::string what;
    for (const StageParam& param : StageParams(trace.chain().stages[i])) {
      what += fmt::format("{}{} {}", what.empty() ? "" : ", ", param.name, Short(param.value));
    }
    const std::string_view name = StageName(trace.chain().stages[i]);
    if (!stage.active) {
      fmt::print("{:<20} off\n", name);
      continue;
    }
    if (!std::isnan(stage.threshold) && stage.n_out < stage.n_in) what += fmt::format("{}threshold {}", what.empty() ? "" : "; ", Short(stage.threshold));
    fmt::print("{:<20} {} -> {} tokens, keeps {} of the mass, entropy {:.3f} -> {:.3f} bits{}\n", name, stage.n_in, stage.n_out,
               Percent(trace.MassOut(i)), NatsToBits(trace.Before(i).sums().Entropy()),
               NatsToBits(trace.After(i).sums().Entropy()), what.empty() ? "" : fmt::format(" ({})", what));
  }
}

void PrintMetrics(const Metrics& m) {
  fmt::print("\nentropy {:.3f} bits (raw {:.3f}) | perplexity {:.2f} | effective vocabulary {:.2f} | top-1 {} | kept {}\n",
             NatsToBits(m.entropy), NatsToBits(m.raw_entropy), m.perplexity, m.effective_vocab, Percent(m.top1_prob),
             m.n_kept);
  fmt::print("KL(final||raw) {} | KL(raw||final) {}\n", Bits(m.kl_final_raw, 0), Bits(m.kl_raw_final, m.mass_cut));
  fmt::print("before any cut: KL(shaped||raw) {} | KL(raw||shaped) {}\n", Bits(m.kl_shaped_raw, 0),
             Bits(m.kl_raw_shaped, 0));
}

void PrintRemarks(const Terminal& terminal, const Trace& trace, const Resolved& resolved) {
  for (const Ignored& i : resolved.ignored) fmt::print("ignored: {}: {}\n", i.setting, i.reason);
  for (size_t i = 0; i < trace.stages().size(); ++i) {
    if (!trace.stages()[i].boundary) continue;
    fmt::print("boundary: {} decided within float32 rounding; another engine may keep one token more or less\n",
               StageName(trace.chain().stages[i]));
  }
  for (const std::string& note : resolved.notes) fmt::print("{}\n", terminal.Dim("note: " + note));
}

}  // namespace lp
