// The HTTP server: the page and the API on one address; and the API over WebSockets on another port (web_socket.h).
//
// Binds to loopback unless told otherwise. Refuses requests whose Host is not the address it serves and requests from
// pages of other origins, so that no web site the user visits can talk to it (DNS rebinding, cross-site requests).
#pragma once

#include <memory>
#include <string>

#include "engine/engine.h"

namespace lp {

struct ServerOptions {
  std::string host = "127.0.0.1";
  int port = 8017;  // 0: any free one
};

class Server {
 public:
  // `options`: what a model loaded later is opened with.
  Server(std::shared_ptr<Engine> engine, EngineOptions options, std::string version);
  ~Server();

  // Errors: kIo when the address is taken or not ours. After success port() and url() are final and connections queue.
  Status Bind(const ServerOptions& options);
  int port() const;
  std::string url() const;
  // Answers until Stop() is called from another thread.
  void Run();
  void Stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lp
