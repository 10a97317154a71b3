// The HTTP API without the HTTP: a request as method, path and body, the answer as status and JSON. docs/http-api.md is
// its contract.
#pragma once

#include <string>
#include <string_view>

#include "engine/engine.h"
#include "server/request.h"
#include "wire/wire.h"

namespace lp {

struct ApiReply {
  int status = 200;
  Json body;
};

// Safe to call from several threads at once: all state is the engine's.
class Api {
 public:
  explicit Api(Engine& engine, std::string version) : engine_(engine), version_(std::move(version)) {}
  // `path` starts with /api/.
  ApiReply Handle(std::string_view method, std::string_view path, std::string_view body) const;

 private:
  Result<Json> Status() const;
  Result<Json> Tokenize(const Json& request) const;
  Result<Json> Next(const Json& request) const;
  Result<Json> Draw(const Json& request) const;
  Result<Json> Compare(const Json& request) const;
  Result<Json> Translate(const Json& request) const;
  Result<Trace> Shape(const Evaluation& evaluation, const TokenPath& path, const Sampler& sampler,
                      const std::string& field) const;

  Engine& engine_;
  std::string version_;
};

int HttpStatus(ErrorCode code);

// How the engine's tokens look, for wire; `engine` must outlive it.
PieceOf PiecesOf(const Engine& engine);

}  // namespace lp
