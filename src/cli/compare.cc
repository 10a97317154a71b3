#include "metrics/compare.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/source.h"
#include "cli/trace_view.h"
#include "dialect/translate.h"

namespace lp {
namespace {

struct Side {
  DialectSettings wanted;
  Resolved resolved;
};

Result<Side> ReadSide(const std::string& text, const ModelFacts& facts, const std::string& flag) {
  auto wanted = ParseDialectSettings(text);
  if (!wanted.ok()) return Error{wanted.error().code, wanted.error().message, flag};
  auto resolved = Resolve(*wanted, facts);
  if (!resolved.ok()) return Error{resolved.error().code, resolved.error().message, flag};
  return Side{std::move(*wanted), std::move(*resolved)};
}

Result<Trace> Shape(const Source& source, const Side& side, const std::string& flag) {
  auto trace = Trace::Run(source.logits(), source.step(), side.resolved.chain);
  if (!trace.ok()) return trace.error().Within(flag);
  return trace;
}

void PrintCompared(const Terminal& terminal, const Trace& a, const Trace& b, size_t top, const PieceOf& pieces) {
  const std::vector<TokenRow> rows = a.Rows(top == 0 ? a.n_vocab() : top);
  size_t columns = 5;
  for (const TokenRow& row : rows) columns = std::max(columns, std::min<size_t>(28, Columns(Quoted(pieces(row.id)))));
  fmt::print("{}\n", terminal.Dim(fmt::format("{:>6}  {}  {:>10}  {:>10}  {:>10}  {:>10}", "rank", PadRight("token", columns),
                                              "raw", "A", "B", "B - A")));
  for (const TokenRow& row : rows) {
    const TokenRow other = b.RowOf(row.id);
    const auto prob = [](const TokenRow& r) { return r.cut_by ? std::string("-") : Percent(r.prob); };
    std::string cut;
    if (row.cut_by && other.cut_by) cut = fmt::format("A cuts by {}, B by {}", CutName(a, *row.cut_by), CutName(b, *other.cut_by));
    else if (row.cut_by) cut = fmt::format("A cuts by {}", CutName(a, *row.cut_by));
    else if (other.cut_by) cut = fmt::format("B cuts by {}", CutName(b, *other.cut_by));
    const std::string line = fmt::format("{:>6}  {}  {:>10}  {:>10}  {:>10}  {:>+10.4f}  {}", row.rank, PadRight(Quoted(pieces(row.id)), columns),
                                         Percent(row.prob_raw), prob(row), prob(other), other.prob - row.prob, cut);
    fmt::print("{}\n", row.cut_by && other.cut_by ? terminal.Dim(line) : line);
  }
}

void PrintOnly(std::string_view name, size_t n, const std::vector<TokenId>& ids, double mass, const PieceOf& pieces) {
  if (n == 0) return;
  constexpr size_t kShown = 8;
  std::string list;
  for (size_t i = 0; i < std::min(ids.size(), kShown); ++i) list += (i == 0 ? "" : " ") + Quoted(pieces(ids[i]));
  fmt::print("only {} keeps {} tokens with {} of its mass: {}{}\n", name, n, Percent(mass), list,
             n > kShown ? " ..." : "");
}

}  // namespace

Status RunCompare(const CommonOptions& common, const CompareOptions& options) {
  LP_ASSIGN_OR_RETURN(const std::unique_ptr<Source> source, Source::Open(common, options.source));
  LP_ASSIGN_OR_RETURN(const Side a, ReadSide(options.a, source->facts(), "--a"));
  LP_ASSIGN_OR_RETURN(const Side b, ReadSide(options.b, source->facts(), "--b"));
  LP_ASSIGN_OR_RETURN(const Trace trace_a, Shape(*source, a, "--a"));
  LP_ASSIGN_OR_RETURN(const Trace trace_b, Shape(*source, b, "--b"));
  if (common.json) {
    Json json = CompareJson(trace_a, a.resolved, trace_b, b.resolved, {.top = options.top}, source->pieces());
    fmt::print("{}\n", Dump(json, 1));
    return Ok();
  }
  const Terminal terminal;
  const Comparison c = Compare(trace_a, trace_b);
  fmt::print("A: {}  [{}]\nB: {}  [{}]\n\n", options.a, DialectName(a.resolved.dialect), options.b, DialectName(b.resolved.dialect));
  PrintCompared(terminal, trace_a, trace_b, options.top, source->pieces());
  fmt::print("\nA keeps {}, B keeps {}, both {}\n", c.n_kept_a, c.n_kept_b, c.n_common);
  PrintOnly("A", c.n_only_a, c.only_a, c.mass_a_only, source->pieces());
  PrintOnly("B", c.n_only_b, c.only_b, c.mass_b_only, source->pieces());
  fmt::print("total variation {:.6f} | Jensen-Shannon {}\nKL(A||B) {} | KL(B||A) {}\n", c.total_variation,
             Bits(c.jensen_shannon, 0), Bits(c.kl_a_b, c.mass_a_only), Bits(c.kl_b_a, c.mass_b_only));
  fmt::print("\n{}\n", terminal.Bold("A"));
  PrintStages(trace_a);
  PrintRemarks(terminal, trace_a, a.resolved);
  fmt::print("\n{}\n", terminal.Bold("B"));
  PrintStages(trace_b);
  PrintRemarks(terminal, trace_b, b.resolved);
  return Ok();
}

Status RunTranslate(const CommonOptions& common, const TranslateOptions& options) {
  LP_ASSIGN_OR_RETURN(const Dialect to, ParseDialect(options.to));
  LP_ASSIGN_OR_RETURN(const std::unique_ptr<Source> source, Source::Open(common, options.source));
  LP_ASSIGN_OR_RETURN(const Side from, ReadSide(options.from, source->facts(), "--from"));
  auto translation = Translate(from.wanted, to, source->logits(), source->step(), source->facts());
  if (!translation.ok()) return translation.error().Within("--from");
  if (common.json) {
    fmt::print("{}\n", Dump(TranslationJson(from.wanted, to, *translation), 1));
    return Ok();
  }
  std::string line = fmt::format("dialect={}", DialectName(to));
  for (const SettingSpec& spec : AllSettings()) {
    if (IsSet(translation->settings, spec)) line += fmt::format(",{}={}", spec.name, SettingText(translation->settings, spec));
  }
  fmt::print("{}\n\n{}: {}\n", line, translation->exact ? "exact" : "closest", translation->how);
  fmt::print("total variation {:.6f} | KL(source||translated) {} | KL(translated||source) {}\n", translation->total_variation,
             Bits(translation->kl_forward, 0), Bits(translation->kl_backward, 0));
  for (const std::string& note : translation->notes) fmt::print("note: {}\n", note);
  return Ok();
}

Status RunDialects(const CommonOptions& common) {
  if (common.json) {
    fmt::print("{}\n", Dump(DialectsJson({}), 1));
    return Ok();
  }
  const Terminal terminal;
  for (const Dialect dialect : kAllDialects) {
    LP_ASSIGN_OR_RETURN(const Resolved resolved, Resolve(dialect, Settings{}, {}));
    fmt::print("{}\n  ", terminal.Bold(DialectName(dialect)));
    for (size_t i = 0; i < resolved.chain.stages.size(); ++i) {
      fmt::print("{}{}", i == 0 ? "" : " > ", StageName(resolved.chain.stages[i]));
    }
    std::string defaults;
    for (const SettingSpec& spec : AllSettings()) {
      if (IsSet(resolved.effective, spec)) defaults += fmt::format("{}{} {}", defaults.empty() ? "" : ", ", spec.name, SettingText(resolved.effective, spec));
    }
    fmt::print("\n  defaults: {}\n", defaults);
    for (const std::string& note : resolved.notes) fmt::print("  {}\n", terminal.Dim("note: " + note));
  }
  fmt::print("\nWhat each ignores, refuses and does differently: docs/dialects.md\n");
  return Ok();
}

}  // namespace lp
