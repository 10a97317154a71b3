#include <limits>

#include "sampling/draw.h"
#include "server/answers.h"

namespace lp {
namespace {

// mirostat's state after this draw, to be sent back with the next one; null where there is no mirostat.
Json NextMu(const Trace& trace, TokenId drawn) {
  const Chain next = Advance(trace, drawn);
  for (const Stage& stage : next.stages) {
    if (const auto* s = std::get_if<Mirostat1>(&stage)) return NumberOrNull(s->mu);
    if (const auto* s = std::get_if<Mirostat2>(&stage)) return NumberOrNull(s->mu);
  }
  return nullptr;
}

}  // namespace

DrawnToken Choose(const Trace& trace, bool greedy) {
  if (!greedy) return lp::Draw(trace);
  return {.row = trace.RowOf(trace.final().Top(1)[0].id), .u = std::numeric_limits<double>::quiet_NaN()};
}

Result<Trace> Shape(const Evaluation& evaluation, const TokenPath& path, const Resolved& resolved, const std::string& field) {
  auto trace = Trace::Run(*evaluation.logits, path.step(), resolved.chain);
  if (!trace.ok()) return Under(trace.error(), "/" + field);
  return trace;
}

Json DrawnJson(const Engine& engine, const Trace& trace, const DrawnToken& drawn, bool greedy) {
  Json token = ChosenJson(trace, drawn.row, engine.tokenizer().Piece(drawn.row.id));
  token["end"] = engine.tokenizer().IsEnd(drawn.row.id);
  return Json{{"token", std::move(token)},
              {"mode", greedy ? "greedy" : "sample"},
              {"seed", trace.chain().seed},
              {"position", trace.step().position},
              {"u", NumberOrNull(drawn.u)},
              {"mirostat_mu", NextMu(trace, drawn.row.id)}};
}

Result<Json> NextAnswer(Engine& engine, const Json& request) {
  LP_ASSIGN_OR_RETURN(const TokenPath path, TakePath(request));
  LP_ASSIGN_OR_RETURN(const Sampler sampler, TakeSampler(request, "sampler", engine.facts()));
  LP_ASSIGN_OR_RETURN(const RowOptions rows, TakeRows(request));
  LP_ASSIGN_OR_RETURN(const std::vector<TokenId> ids, TakeIds(request, "ids", engine.info().n_vocab));
  LP_ASSIGN_OR_RETURN(const bool curve, TakeFlag(request, "curve"));
  LP_ASSIGN_OR_RETURN(const Evaluation evaluation, engine.Evaluate(path.tokens));
  LP_ASSIGN_OR_RETURN(const Trace trace, Shape(evaluation, path, sampler.resolved, "sampler"));
  Json json = NextJson(engine.info().name, path.tokens, trace, sampler.resolved, rows, PiecesOf(engine));
  if (request.contains("ids")) json["asked"] = RowsOfJson(trace, ids, rows.journey, PiecesOf(engine));
  if (curve) json["curve"] = CurveJson(trace);
  json["eval_ms"] = evaluation.milliseconds;
  json["logits_cached"] = evaluation.remembered;
  json["logits_hash"] = evaluation.logits->hash();
  return json;
}

Result<Json> DrawAnswer(Engine& engine, const Json& request) {
  LP_ASSIGN_OR_RETURN(const TokenPath path, TakePath(request));
  LP_ASSIGN_OR_RETURN(const Sampler sampler, TakeSampler(request, "sampler", engine.facts()));
  LP_ASSIGN_OR_RETURN(const bool greedy, TakeGreedy(request));
  LP_ASSIGN_OR_RETURN(const Evaluation evaluation, engine.Evaluate(path.tokens));
  LP_ASSIGN_OR_RETURN(const Trace trace, Shape(evaluation, path, sampler.resolved, "sampler"));
  return DrawnJson(engine, trace, Choose(trace, greedy), greedy);
}

Result<Json> CompareAnswer(Engine& engine, const Json& request) {
  LP_ASSIGN_OR_RETURN(const TokenPath path, TakePath(request));
  LP_ASSIGN_OR_RETURN(const Sampler a, TakeSampler(request, "a", engine.facts()));
  LP_ASSIGN_OR_RETURN(const Sampler b, TakeSampler(request, "b", engine.facts()));
  LP_ASSIGN_OR_RETURN(const RowOptions rows, TakeRows(request));
  LP_ASSIGN_OR_RETURN(const Evaluation evaluation, engine.Evaluate(path.tokens));
  LP_ASSIGN_OR_RETURN(const Trace trace_a, Shape(evaluation, path, a.resolved, "a"));
  LP_ASSIGN_OR_RETURN(const Trace trace_b, Shape(evaluation, path, b.resolved, "b"));
  Json json = CompareJson(trace_a, a.resolved, trace_b, b.resolved, rows, PiecesOf(engine));
  json["model"] = engine.info().name;
  return json;
}

Result<Json> TranslateAnswer(Engine& engine, const Json& request) {
  LP_ASSIGN_OR_RETURN(const TokenPath path, TakePath(request));
  LP_ASSIGN_OR_RETURN(const Sampler from, TakeSampler(request, "from", engine.facts()));
  const auto to = request.find("to");
  if (to == request.end() || !to->is_string()) return BadRequest("to must be the name of a dialect", "/to");
  const auto dialect = ParseDialect(to->get<std::string>());
  if (!dialect.ok()) return BadRequest(dialect.error().message, "/to");
  LP_ASSIGN_OR_RETURN(const Evaluation evaluation, engine.Evaluate(path.tokens));
  const auto translation = lp::Translate(from.wanted, *dialect, *evaluation.logits, path.step(), engine.facts());
  if (!translation.ok()) return Under(translation.error(), "/from");
  return TranslationJson(from.wanted, *dialect, *translation);
}

Result<Json> CodeAnswer(Engine& engine, const Json& request) {
  const bool somewhere = request.contains("tokens");
  TokenPath path;
  if (somewhere) {
    LP_ASSIGN_OR_RETURN(path, TakePath(request));
  }
  LP_ASSIGN_OR_RETURN(const Sampler sampler, TakeSampler(request, "sampler", engine.facts()));
  LogitsHandle logits;
  if (somewhere) {
    LP_ASSIGN_OR_RETURN(const Evaluation evaluation, engine.Evaluate(path.tokens));
    logits = evaluation.logits;
  }
  Json targets = Json::array();
  for (const CodeTarget& target : CodeTargets()) {
    const auto code = somewhere ? SettingsAsCode(sampler.wanted, target, *logits, path.step(), engine.facts())
                                : SettingsAsCodeAnywhere(sampler.wanted, target, engine.facts());
    if (!code.ok()) return Under(code.error(), "/sampler");
    targets.push_back(CodeJson(target, *code));
  }
  return Json{{"targets", std::move(targets)}};
}

}  // namespace lp
