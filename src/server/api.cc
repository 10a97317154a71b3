#include "server/api.h"

#include <array>
#include <limits>

#include "base/str_cat.h"
#include "sampling/draw.h"

namespace lp {
namespace {

// The end of a chain: draws a token, or takes the likeliest one left.
DrawnToken Choose(const Trace& trace, bool greedy) {
  if (!greedy) return lp::Draw(trace);
  return {.row = trace.RowOf(trace.final().Top(1)[0].id), .u = std::numeric_limits<double>::quiet_NaN()};
}

// mirostat's state after this draw, to be sent back with the next one; null where there is no mirostat.
Json NextMu(const Trace& trace, TokenId drawn) {
  const Chain next = Advance(trace, drawn);
  for (const Stage& stage : next.stages) {
    if (const auto* s = std::get_if<Mirostat1>(&stage)) return NumberOrNull(s->mu);
    if (const auto* s = std::get_if<Mirostat2>(&stage)) return NumberOrNull(s->mu);
  }
  return nullptr;
}

Json OptionalId(std::optional<TokenId> id) { return id ? Json(*id) : Json(nullptr); }

}  // namespace

PieceOf PiecesOf(const Engine& engine) {
  return [&engine](TokenId id) -> const TokenPiece& { return engine.tokenizer().Piece(id); };
}

int HttpStatus(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return 400;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kOutOfRange:
      return 422;
    case ErrorCode::kCorrupt:
    case ErrorCode::kUnsupported:
    case ErrorCode::kIo:
    case ErrorCode::kCancelled:
      return 500;
  }
  LP_CHECK(false);
}

Result<Json> Api::Status() const {
  const ModelInfo& info = engine_.info();
  return Json{{"version", version_},
              {"model",
               {{"name", info.name},
                {"file", info.file},
                {"architecture", info.architecture},
                {"parameters", info.n_parameters},
                {"quantization", info.quantization},
                {"vocab_size", info.n_vocab},
                {"context_length", info.context_length},
                {"file_bytes", info.file_bytes},
                {"bos_id", OptionalId(engine_.tokenizer().bos())},
                {"eos_id", OptionalId(engine_.tokenizer().eos())}}},
              {"threads", engine_.n_threads()}};
}

Result<Json> Api::Tokenize(const Json& request) const {
  const auto text = request.find("text");
  if (text == request.end() || !text->is_string()) return BadRequest("text must be a string", "/text");
  auto ids = engine_.Prompt(text->get_ref<const std::string&>());
  if (!ids.ok()) return Error{ids.error().code, ids.error().message, "/text"};
  return TokenizeJson(engine_.info().name, *ids, PiecesOf(engine_));
}

// A refusal of Trace::Run is about the settings: everything else was checked before.
Result<Trace> Api::Shape(const Evaluation& evaluation, const TokenPath& path, const Sampler& sampler,
                         const std::string& field) const {
  auto trace = Trace::Run(*evaluation.logits, path.step(), sampler.resolved.chain);
  if (!trace.ok()) return Under(trace.error(), "/" + field);
  return trace;
}

Result<Json> Api::Next(const Json& request) const {
  LP_ASSIGN_OR_RETURN(const TokenPath path, TakePath(request));
  LP_ASSIGN_OR_RETURN(const Sampler sampler, TakeSampler(request, "sampler", engine_.facts()));
  LP_ASSIGN_OR_RETURN(const RowOptions rows, TakeRows(request));
  LP_ASSIGN_OR_RETURN(const Evaluation evaluation, engine_.Evaluate(path.tokens));
  LP_ASSIGN_OR_RETURN(const Trace trace, Shape(evaluation, path, sampler, "sampler"));
  Json json = NextJson(engine_.info().name, path.tokens, trace, sampler.resolved, rows, PiecesOf(engine_));
  json["eval_ms"] = evaluation.milliseconds;
  json["logits_cached"] = evaluation.remembered;
  json["logits_hash"] = LogitsHash(*evaluation.logits);
  return json;
}

Result<Json> Api::Draw(const Json& request) const {
  LP_ASSIGN_OR_RETURN(const TokenPath path, TakePath(request));
  LP_ASSIGN_OR_RETURN(const Sampler sampler, TakeSampler(request, "sampler", engine_.facts()));
  const auto mode = request.find("mode");
  const bool greedy = mode != request.end() && *mode == "greedy";
  if (mode != request.end() && !greedy && *mode != "sample")
    return BadRequest("mode must be \"sample\" or \"greedy\"", "/mode");
  LP_ASSIGN_OR_RETURN(const Evaluation evaluation, engine_.Evaluate(path.tokens));
  LP_ASSIGN_OR_RETURN(const Trace trace, Shape(evaluation, path, sampler, "sampler"));
  const DrawnToken drawn = Choose(trace, greedy);
  Json token = ChosenJson(trace, drawn.row, engine_.tokenizer().Piece(drawn.row.id));
  token["end"] = engine_.tokenizer().IsEnd(drawn.row.id);
  return Json{{"token", std::move(token)},
              {"mode", greedy ? "greedy" : "sample"},
              {"seed", sampler.resolved.chain.seed},
              {"position", path.tokens.size()},
              {"u", NumberOrNull(drawn.u)},
              {"mirostat_mu", NextMu(trace, drawn.row.id)}};
}

Result<Json> Api::Compare(const Json& request) const {
  LP_ASSIGN_OR_RETURN(const TokenPath path, TakePath(request));
  LP_ASSIGN_OR_RETURN(const Sampler a, TakeSampler(request, "a", engine_.facts()));
  LP_ASSIGN_OR_RETURN(const Sampler b, TakeSampler(request, "b", engine_.facts()));
  LP_ASSIGN_OR_RETURN(const RowOptions rows, TakeRows(request));
  LP_ASSIGN_OR_RETURN(const Evaluation evaluation, engine_.Evaluate(path.tokens));
  LP_ASSIGN_OR_RETURN(const Trace trace_a, Shape(evaluation, path, a, "a"));
  LP_ASSIGN_OR_RETURN(const Trace trace_b, Shape(evaluation, path, b, "b"));
  Json json = CompareJson(trace_a, a.resolved, trace_b, b.resolved, rows, PiecesOf(engine_));
  json["model"] = engine_.info().name;
  return json;
}

Result<Json> Api::Translate(const Json& request) const {
  LP_ASSIGN_OR_RETURN(const TokenPath path, TakePath(request));
  LP_ASSIGN_OR_RETURN(const Sampler from, TakeSampler(request, "from", engine_.facts()));
  const auto to = request.find("to");
  if (to == request.end() || !to->is_string()) return BadRequest("to must be the name of a dialect", "/to");
  const auto dialect = ParseDialect(to->get<std::string>());
  if (!dialect.ok()) return BadRequest(dialect.error().message, "/to");
  LP_ASSIGN_OR_RETURN(const Evaluation evaluation, engine_.Evaluate(path.tokens));
  const auto translation = lp::Translate(from.wanted, *dialect, *evaluation.logits, path.step(), engine_.facts());
  if (!translation.ok()) return Under(translation.error(), "/from");
  return TranslationJson(from.wanted, *dialect, *translation);
}

ApiReply Api::Handle(std::string_view method, std::string_view path, std::string_view body) const {
  struct Route {
    std::string_view method, path;
    std::vector<std::string_view> fields;
    Result<Json> (Api::*handler)(const Json&) const;
  };
  static const std::array<Route, 5> kRoutes = {
      {{"POST", "/api/v1/tokenize", {"text"}, &Api::Tokenize},
       {"POST", "/api/v1/next", {"tokens", "prompt_length", "sampler", "top", "trace"}, &Api::Next},
       {"POST", "/api/v1/draw", {"tokens", "prompt_length", "sampler", "mode"}, &Api::Draw},
       {"POST", "/api/v1/compare", {"tokens", "prompt_length", "a", "b", "top"}, &Api::Compare},
       {"POST", "/api/v1/translate", {"tokens", "prompt_length", "from", "to"}, &Api::Translate}}};
  const auto reply = [](const Result<Json>& result) {
    return result.ok() ? ApiReply{200, *result} : ApiReply{HttpStatus(result.error().code), ErrorJson(result.error())};
  };
  const auto wrong_method = [&](std::string_view right) {
    return ApiReply{405, ErrorJson(BadRequest(StrCat(path, " answers ", right, " only")))};
  };
  if (path == "/api/v1/status") return method == "GET" ? reply(Status()) : wrong_method("GET");
  if (path == "/api/v1/dialects") return method == "GET" ? reply(DialectsJson(engine_.facts())) : wrong_method("GET");
  for (const Route& route : kRoutes) {
    if (path != route.path) continue;
    if (method != route.method) return wrong_method(route.method);
    auto request = ParseRequest(body, route.fields);
    return request.ok() ? reply((this->*route.handler)(*request)) : reply(request.error());
  }
  return {404, ErrorJson(Error{ErrorCode::kNotFound,
                               StrCat("there is nothing at ", path, "; the API is described in docs/http-api.md")})};
}

}  // namespace lp
