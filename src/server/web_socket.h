// The API over a WebSocket (RFC 6455), for whoever asks many times a second: a page whose slider is dragged. An HTTP request costs
// a browser several times what the answer costs the core; a message costs it a sixth of that (docs/performance.md).
//
// It listens at a port of its own, because the HTTP library keeps its connections to itself. One question a message, answered in
// order: {"id", "path", "body"} by {"id", "status", "body"}, with the paths, bodies and status codes of HTTP.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/api.h"
#include "server/origin.h"

namespace lp {

class WebSocketServer {
 public:
  // `api` and `address`, which says who may ask and is final before Start(), outlive this.
  WebSocketServer(Api& api, const Address& address, size_t max_message_bytes);
  ~WebSocketServer();

  // At any free port of `host`. Errors: kIo.
  Status Bind(const std::string& host);
  int port() const;
  // Answers from threads of its own.
  void Start();
  // Hangs up on everybody; an answer that is being made is waited for.
  void Stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What is answered to `message`, whatever it is.
std::string AnswerMessage(Api& api, std::string_view message);

}  // namespace lp
