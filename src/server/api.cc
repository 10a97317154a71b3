#include "server/api.h"

#include <algorithm>
#include <array>

#include "base/str_cat.h"
#include "sampling/draw.h"

namespace lp {
namespace {

Error BadRequest(std::string message, std::string field = "") {
  return Error{ErrorCode::kInvalidArgument, std::move(message), std::move(field)};
}

// The body as an object that has no other fields than `fields`.
Result<Json> ParseObject(std::string_view body, std::span<const std::string_view> fields) {
  Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return BadRequest("the body is not valid JSON");
  if (!json.is_object()) return BadRequest("the body must be a JSON object");
  for (const auto& [key, value] : json.items()) {
    if (std::find(fields.begin(), fields.end(), key) == fields.end()) {
      std::string known;
      for (const std::string_view field : fields) known += StrCat(known.empty() ? "" : ", ", field);
      return BadRequest(StrCat("there is no field \"", key, "\" here; there are ", known), "/" + key);
    }
  }
  return json;
}

Result<std::vector<TokenId>> TakeTokens(const Json& request) {
  const auto found = request.find("tokens");
  if (found == request.end() || !found->is_array())
    return BadRequest("tokens must be an array of token ids", "/tokens");
  std::vector<TokenId> tokens;
  tokens.reserve(found->size());
  for (size_t i = 0; i < found->size(); ++i) {
    const Json& id = (*found)[i];
    if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() > INT32_MAX) {
      return BadRequest(StrCat("a token id must be a whole number, not ", Dump(id)), StrCat("/tokens/", i));
    }
    tokens.push_back(id.get<TokenId>());
  }
  return tokens;
}

Result<SamplerSettings> TakeSettings(const Json& request) {
  const auto found = request.find("sampler");
  if (found == request.end()) return SamplerSettings{};
  return ParseSettings(*found, "/sampler");
}

Result<RowOptions> TakeRows(const Json& request) {
  RowOptions rows;
  if (const auto top = request.find("top"); top != request.end()) {
    if (!top->is_number_unsigned()) return BadRequest("top must be a whole number of rows, 0 for all", "/top");
    rows.top = top->get<size_t>();
  }
  if (const auto trace = request.find("trace"); trace != request.end()) {
    if (!trace->is_boolean()) return BadRequest("trace must be true or false", "/trace");
    rows.journey = trace->get<bool>();
  }
  return rows;
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

Result<Json> Api::Next(const Json& request) const {
  LP_ASSIGN_OR_RETURN(const std::vector<TokenId> context, TakeTokens(request));
  LP_ASSIGN_OR_RETURN(const SamplerSettings settings, TakeSettings(request));
  LP_ASSIGN_OR_RETURN(const RowOptions rows, TakeRows(request));
  LP_ASSIGN_OR_RETURN(const Evaluation evaluation, engine_.Evaluate(context));
  LP_ASSIGN_OR_RETURN(const Trace trace, Trace::Run(*evaluation.logits, context, settings));
  Json json = NextJson(engine_.info().name, context, trace, rows, PiecesOf(engine_));
  json["eval_ms"] = evaluation.milliseconds;
  json["logits_cached"] = evaluation.remembered;
  return json;
}

Result<Json> Api::Draw(const Json& request) const {
  LP_ASSIGN_OR_RETURN(const std::vector<TokenId> context, TakeTokens(request));
  LP_ASSIGN_OR_RETURN(const SamplerSettings settings, TakeSettings(request));
  const auto mode = request.find("mode");
  const bool greedy = mode != request.end() && *mode == "greedy";
  if (mode != request.end() && !greedy && *mode != "sample")
    return BadRequest("mode must be \"sample\" or \"greedy\"", "/mode");
  LP_ASSIGN_OR_RETURN(const Evaluation evaluation, engine_.Evaluate(context));
  LP_ASSIGN_OR_RETURN(const Trace trace, Trace::Run(*evaluation.logits, context, settings));
  const DrawnToken drawn = greedy ? DrawnToken{.row = trace.Row(1)} : lp::Draw(trace, context.size());
  Json token = ChosenJson(trace, drawn.row, engine_.tokenizer().Piece(drawn.row.id));
  token["end"] = engine_.tokenizer().IsEnd(drawn.row.id);
  return Json{{"token", std::move(token)},
              {"mode", greedy ? "greedy" : "sample"},
              {"seed", settings.seed},
              {"position", context.size()},
              {"u", greedy ? Json(nullptr) : Json(drawn.u)}};
}

ApiReply Api::Handle(std::string_view method, std::string_view path, std::string_view body) const {
  struct Route {
    std::string_view method, path;
    std::vector<std::string_view> fields;
    Result<Json> (Api::*handler)(const Json&) const;
  };
  static const std::array<Route, 3> kRoutes = {
      {{"POST", "/api/v1/tokenize", {"text"}, &Api::Tokenize},
       {"POST", "/api/v1/next", {"tokens", "sampler", "top", "trace"}, &Api::Next},
       {"POST", "/api/v1/draw", {"tokens", "sampler", "mode"}, &Api::Draw}}};
  const auto reply = [](const Result<Json>& result) {
    return result.ok() ? ApiReply{200, *result} : ApiReply{HttpStatus(result.error().code), ErrorJson(result.error())};
  };
  const auto wrong_method = [&](std::string_view right) {
    return ApiReply{405, ErrorJson(BadRequest(StrCat(path, " answers ", right, " only")))};
  };
  if (path == "/api/v1/status") return method == "GET" ? reply(Status()) : wrong_method("GET");
  for (const Route& route : kRoutes) {
    if (path != route.path) continue;
    if (method != route.method) return wrong_method(route.method);
    auto request = ParseObject(body, route.fields);
    return request.ok() ? reply((this->*route.handler)(*request)) : reply(request.error());
  }
  return {404, ErrorJson(Error{ErrorCode::kNotFound,
                               StrCat("there is nothing at ", path, "; the API is described in docs/http-api.md")})};
}

}  // namespace lp
