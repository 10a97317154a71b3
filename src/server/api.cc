#include "server/api.h"

#include <algorithm>
#include <filesystem>
#include <span>

#include "base/str_cat.h"
#include "server/models_json.h"

namespace lp {
namespace {

using Fields = std::vector<std::string_view>;

struct Route {
  std::string_view path;
  Fields fields;  // of the body
  Result<Json> (*answer)(Engine&, const Json&);
};

const Fields kGenerateFields = {"tokens", "prompt_length", "sampler", "mode", "n", "delay_ms"};

std::span<const Route> Routes() {
  static const std::vector<Route> routes = {
      {"/api/v1/tokenize", {"text"}, TokenizeAnswer},
      {"/api/v1/chat", {"messages", "add_generation_prompt"}, ChatAnswer},
      {"/api/v1/next", {"tokens", "prompt_length", "sampler", "top", "trace", "ids", "curve"}, NextAnswer},
      {"/api/v1/draw", {"tokens", "prompt_length", "sampler", "mode"}, DrawAnswer},
      {"/api/v1/sample", {"tokens", "prompt_length", "sampler", "n", "top"}, SampleAnswer},
      {"/api/v1/search", {"tokens", "prompt_length", "sampler", "query", "limit"}, SearchAnswer},
      {"/api/v1/sweep", {"tokens", "prompt_length", "sampler", "setting", "values"}, SweepAnswer},
      {"/api/v1/path", {"tokens", "prompt_length", "sampler"}, PathAnswer},
      {"/api/v1/compare", {"tokens", "prompt_length", "a", "b", "top"}, CompareAnswer},
      {"/api/v1/translate", {"tokens", "prompt_length", "from", "to"}, TranslateAnswer},
      {"/api/v1/code", {"tokens", "prompt_length", "sampler"}, CodeAnswer},
  };
  return routes;
}

template <typename T>
Json OrNull(std::optional<T> value) {
  return value ? Json(*value) : Json(nullptr);
}

ApiReply Reply(const Result<Json>& result) {
  return result.ok() ? ApiReply{200, *result} : ApiReply{HttpStatus(result.error().code), ErrorJson(result.error())};
}

}  // namespace

PieceOf PiecesOf(const Engine& engine) {
  return [&engine](TokenId id) -> const TokenPiece& { return engine.tokenizer().Piece(id); };
}

ApiReply OurFault() {
  return {500, {{"error", {{"code", "internal"}, {"message", "logitpeek failed to answer this request; please report it"}}}}};
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

Result<Json> Api::StatusAnswer() const {
  const std::shared_ptr<Engine> engine = host_.Current();
  const ModelInfo& info = engine->info();
  const double speed = engine->tokens_per_second();
  const auto loading = host_.loading();
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
                {"bos_id", OrNull(engine->tokenizer().bos())},
                {"eos_id", OrNull(engine->tokenizer().eos())},
                {"chat", !engine->chat_template().empty()}}},
              {"model_file", std::filesystem::path(info.file).filename().string()},
              {"threads", engine->n_threads()},
              {"tokens_per_second", speed > 0 ? Json(speed) : Json(nullptr)},
              {"loading", loading ? Json{{"name", *loading}} : Json(nullptr)},
              {"socket_port", OrNull(socket_port_)}};
}

Result<Json> Api::LoadAnswer(const Json& request) {
  const auto name = request.find("name");
  if (name == request.end() || !name->is_string()) return BadRequest("name must be the name of a model", "/name");
  LP_RETURN_IF_ERROR(host_.Load(name->get<std::string>()));
  return StatusAnswer();
}

std::variant<std::unique_ptr<Generation>, ApiReply> Api::Stream(std::string_view body) const {
  const auto request = ParseRequest(body, kGenerateFields);
  if (!request.ok()) return Reply(request.error());
  auto generation = Generation::Make(host_.Current(), *request);
  if (!generation.ok()) return Reply(generation.error());
  return std::move(generation).value();
}

ApiReply Api::Handle(std::string_view method, std::string_view path, std::string_view body) {
  const auto wrong_method = [&](std::string_view right) {
    return ApiReply{405, ErrorJson(BadRequest(StrCat(path, " answers ", right, " only")))};
  };
  if (path == "/api/v1/status") return method == "GET" ? Reply(StatusAnswer()) : wrong_method("GET");
  if (path == "/api/v1/dialects") return method == "GET" ? Reply(DialectsJson(host_.Current()->facts())) : wrong_method("GET");
  if (path == "/api/v1/models") return method == "GET" ? Reply(ModelsJson()) : wrong_method("GET");
  if (path == "/api/v1/generate") return wrong_method("POST");  // a POST is a stream
  if (path == "/api/v1/model") {
    if (method != "POST") return wrong_method("POST");
    const auto request = ParseRequest(body, Fields{"name"});
    return request.ok() ? Reply(LoadAnswer(*request)) : Reply(request.error());
  }
  for (const Route& route : Routes()) {
    if (path != route.path) continue;
    if (method != "POST") return wrong_method("POST");
    const auto request = ParseRequest(body, route.fields);
    if (!request.ok()) return Reply(request.error());
    const std::shared_ptr<Engine> engine = host_.Current();  // stays until the answer is made, whatever is loaded meanwhile
    return Reply(route.answer(*engine, *request));
  }
  return {404, ErrorJson(Error{ErrorCode::kNotFound,
                               StrCat("there is nothing at ", path, "; the API is described in docs/http-api.md")})};
}

}  // namespace lp
