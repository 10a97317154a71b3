// The HTTP API without the HTTP: a request as method, path and body, the answer as status and JSON. docs/http-api.md is
// its contract.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "server/answers.h"
#include "server/generation.h"
#include "server/host.h"

namespace lp {

struct ApiReply {
  int status = 200;
  Json body;
};

// Safe to call from several threads at once: all state is the engine's and the host's.
class Api {
 public:
  // Serves one engine that somebody else keeps, or whatever the host holds.
  Api(Engine& engine, std::string version) : Api(std::shared_ptr<Engine>(std::shared_ptr<void>(), &engine), {}, std::move(version)) {}
  Api(std::shared_ptr<Engine> engine, EngineOptions options, std::string version)
      : host_(std::move(engine), options), version_(std::move(version)) {}

  // Where the same is answered over WebSockets, for `status` to tell; before anything is asked.
  void set_socket_port(int port) { socket_port_ = port; }

  // `path` starts with /api/.
  ApiReply Handle(std::string_view method, std::string_view path, std::string_view body);
  // POST /api/v1/generate, the one answer that is a stream: it, or why there is none.
  std::variant<std::unique_ptr<Generation>, ApiReply> Stream(std::string_view body) const;

 private:
  Result<Json> StatusAnswer() const;
  Result<Json> LoadAnswer(const Json& request);

  ModelHost host_;
  std::string version_;
  std::optional<int> socket_port_;
};

int HttpStatus(ErrorCode code);

// What is left to say of a request on which an exception was thrown.
ApiReply OurFault();

}  // namespace lp
