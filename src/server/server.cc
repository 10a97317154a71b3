#include "server/server.h"

#include <httplib.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>

#include "base/str_cat.h"
#include "server/api.h"
#include "server/assets.h"
#include "server/origin.h"
#include "server/web_socket.h"

namespace lp {
namespace {

constexpr size_t kMaxBody = 1 << 20;

std::string_view ContentType(std::string_view path) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kTypes = {{
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".ico", "image/x-icon"},
      {".json", "application/json"},
      {".woff2", "font/woff2"},
      {".txt", "text/plain; charset=utf-8"},
  }};
  for (const auto& [ending, type] : kTypes) {
    if (path.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

void SendJson(httplib::Response& response, int status, const Json& body) {
  response.status = status;
  // The charset is there to keep httplib from compressing: brotli at its slowest level took 40 times as long as the
  // answer itself, for a network that is none.
  response.set_content(Dump(body) + "\n", "application/json; charset=utf-8");
}

void SendAsset(std::string_view path, httplib::Response& response) {
  const auto& assets = EmbeddedAssets();
  const auto found = std::find_if(assets.begin(), assets.end(), [&](const Asset& a) { return a.path == path; });
  if (found == assets.end()) {
    response.status = 404;
    response.set_content(
        assets.empty() ? "This build has no page (LP_WEB=OFF). The API is under /api/v1.\n" : "Not found.\n",
        "text/plain; charset=utf-8");
    return;
  }
  // Vite puts a hash of the content into the names under /assets/, so those never change.
  response.set_header("Cache-Control",
                      path.starts_with("/assets/") ? "public, max-age=31536000, immutable" : "no-cache");
  // From a provider, because httplib compresses whole bodies (see SendJson) and copies them.
  response.set_content_provider(found->bytes.size(), std::string(ContentType(path)),
                                [bytes = found->bytes](size_t offset, size_t length, httplib::DataSink& sink) {
                                  return sink.write(reinterpret_cast<const char*>(bytes.data()) + offset, length);
                                });
}

}  // namespace

struct Server::Impl {
  Impl(std::shared_ptr<Engine> engine, EngineOptions engine_options, std::string version)
      : api(std::move(engine), engine_options, std::move(version)) {}

  bool MayAsk(const httplib::Request& request) const {
    const std::string origin = request.get_header_value("Origin");
    return address.MayAsk(request.get_header_value("Host"), address.port, request.has_header("Origin") ? std::optional<std::string_view>(origin) : std::nullopt);
  }

  // Server-Sent Events; the model stops when the listener goes away or the server is told to stop.
  void Stream(const httplib::Request& request, httplib::Response& response) {
    auto stream = api.Stream(request.body);
    if (const auto* refusal = std::get_if<ApiReply>(&stream)) return SendJson(response, refusal->status, refusal->body);
    const std::shared_ptr<Generation> generation = std::move(std::get<std::unique_ptr<Generation>>(stream));
    response.set_header("Cache-Control", "no-store");
    response.set_chunked_content_provider("text/event-stream", [this, generation](size_t, httplib::DataSink& sink) {
      const auto event = generation->Next([&] { return !stop_requested && sink.is_writable(); });
      if (!event) {
        sink.done();
        return true;
      }
      return sink.write(event->data(), event->size());
    });
  }

  // The page may ask its own server only: here, and where its WebSockets are.
  void Guard() {
    const std::string at = StrCat(":", sockets.port());
    const std::string there = address.any_host ? StrCat("ws://*", at) : StrCat("ws://127.0.0.1", at, " ws://localhost", at);
    http.set_default_headers(
        {{"X-Content-Type-Options", "nosniff"},
         {"Referrer-Policy", "no-referrer"},
         {"Content-Security-Policy",
          StrCat("default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self' ",
                 there, "; frame-ancestors 'none'")}});
  }

  void Route() {
    http.set_payload_max_length(kMaxBody);
    http.set_tcp_nodelay(true);
    http.set_keep_alive_max_count(1000000);  // a slider drag is one connection
    http.set_keep_alive_timeout(1);          // seconds; a stop waits for idle connections to end
    // httplib's default sets SO_REUSEPORT, with which a second server on the same port would start and share its
    // requests.
    http.set_socket_options([](socket_t socket) {
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
    http.set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      if (MayAsk(request)) return httplib::Server::HandlerResponse::Unhandled;
      SendJson(response, 403, ErrorJson(Error{ErrorCode::kInvalidArgument, kNotForYou}));
      return httplib::Server::HandlerResponse::Handled;
    });
    const auto answer = [this](const httplib::Request& request, httplib::Response& response) {
      const ApiReply reply = api.Handle(request.method, request.path, request.body);
      SendJson(response, reply.status, reply.body);
    };
    http.Post("/api/v1/generate", [this](const httplib::Request& request, httplib::Response& response) { Stream(request, response); });
    http.Post("/api/.*", answer);
    http.Put("/api/.*", answer);
    http.Get("/api/.*", answer);
    http.Delete("/api/.*", answer);
    http.Get("/.*", [](const httplib::Request& request, httplib::Response& response) {
      SendAsset(request.path == "/" ? "/index.html" : request.path, response);
    });
    http.set_error_handler([](const httplib::Request& request, httplib::Response& response) {
      if (!response.body.empty() || !request.path.starts_with("/api/")) return;
      const std::string message = response.status == 413
                                      ? StrCat("the body is larger than ", kMaxBody, " bytes")
                                      : StrCat("the request was refused with HTTP status ", response.status);
      SendJson(response, response.status, ErrorJson(Error{ErrorCode::kInvalidArgument, message}));
    });
    http.set_exception_handler([](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
      const ApiReply reply = OurFault();
      SendJson(response, reply.status, reply.body);
    });
  }

  Api api;
  httplib::Server http;
  Address address;
  WebSocketServer sockets{api, address, kMaxBody};
  enum class State { kIdle, kRunning, kDone };
  std::atomic<State> state = State::kIdle;
  std::atomic<bool> stop_requested = false;
};

Server::Server(std::shared_ptr<Engine> engine, EngineOptions options, std::string version)
    : impl_(std::make_unique<Impl>(std::move(engine), options, std::move(version))) {
  impl_->Route();
}
Server::~Server() = default;

Status Server::Bind(const ServerOptions& options) {
  Address& address = impl_->address;
  address = {options.host, options.port, options.host != "127.0.0.1" && options.host != "localhost" && options.host != "::1"};
  bool bound = false;
  if (options.port == 0) {
    address.port = impl_->http.bind_to_any_port(options.host);
    bound = address.port > 0;
  } else {
    bound = impl_->http.bind_to_port(options.host, options.port);
  }
  if (!bound) {
    return Error{
        ErrorCode::kIo,
        "cannot listen there: the port is in use or the address is not this machine's; choose another with --port",
        StrCat(options.host, ":", options.port)};
  }
  LP_RETURN_IF_ERROR(impl_->sockets.Bind(options.host));
  impl_->api.set_socket_port(impl_->sockets.port());
  impl_->Guard();
  return Ok();
}

int Server::port() const { return impl_->address.port; }

std::string Server::url() const {
  const std::string& host = impl_->address.host;
  return StrCat("http://", host.find(':') != std::string::npos ? StrCat("[", host, "]") : host, ":", port(), "/");
}

void Server::Run() {
  impl_->state = Impl::State::kRunning;
  impl_->sockets.Start();
  if (!impl_->stop_requested) impl_->http.listen_after_bind();
  impl_->sockets.Stop();
  impl_->state = Impl::State::kDone;
}

void Server::Stop() {
  impl_->stop_requested = true;
  // httplib's stop() does nothing until its loop has begun, so a stop that comes right at the start has to be said
  // again.
  while (impl_->state == Impl::State::kRunning) {
    impl_->http.stop();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace lp
