#include "server/web_socket.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/strand.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "base/str_cat.h"

namespace lp {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using Tcp = asio::ip::tcp;
using Failure = boost::system::error_code;

// A slow answer keeps one of them.
constexpr int kThreads = 4;
constexpr auto kHandshake = std::chrono::seconds(10);

// One page. Lives as long as something is awaited for it.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Tcp::socket socket, Api& api, const Address& address, size_t max_message_bytes)
      : stream_(std::move(socket)), api_(api), address_(address) {
    stream_.set_option(websocket::stream_base::timeout::suggested(beast::role_type::server));
    stream_.read_message_max(max_message_bytes);
    stream_.text(true);
  }

  void Begin() {
    Failure ignored;
    Transport().socket().set_option(Tcp::no_delay(true), ignored);
    Transport().expires_after(kHandshake);
    http::async_read(Transport(), buffer_, upgrade_, [self = shared_from_this()](Failure failure, size_t) {
      if (!failure) self->Greet();
    });
  }

 private:
  beast::tcp_stream& Transport() { return stream_.next_layer(); }

  void Greet() {
    if (!websocket::is_upgrade(upgrade_)) return Refuse(http::status::upgrade_required, "this port speaks WebSocket; the page and the HTTP API are at another");
    const auto origin = upgrade_.find(http::field::origin);
    Failure gone;  // then it has no port, and nobody asks there
    const int port = Transport().socket().local_endpoint(gone).port();
    if (!address_.MayAsk(View(upgrade_[http::field::host]), port, origin == upgrade_.end() ? std::nullopt : std::optional(View(origin->value())))) {
      return Refuse(http::status::forbidden, kNotForYou);
    }
    Transport().expires_never();  // from here on the stream has a clock of its own
    stream_.async_accept(upgrade_, [self = shared_from_this()](Failure failure) {
      if (!failure) self->Listen();
    });
  }

  void Refuse(http::status status, const char* why) {
    refusal_ = {status, upgrade_.version(), Dump(ErrorJson(Error{ErrorCode::kInvalidArgument, why})) + "\n"};
    refusal_.set(http::field::content_type, "application/json");
    refusal_.keep_alive(false);
    refusal_.prepare_payload();
    http::async_write(Transport(), refusal_, [self = shared_from_this()](Failure, size_t) {
      Failure ignored;
      self->Transport().socket().shutdown(Tcp::socket::shutdown_both, ignored);
    });
  }

  void Listen() {
    buffer_.clear();
    stream_.async_read(buffer_, [self = shared_from_this()](Failure failure, size_t) {
      if (!failure) self->Answer();  // else it has hung up, or said more than it may
    });
  }

  void Answer() {
    const auto said = buffer_.cdata();
    answer_ = AnswerMessage(api_, {static_cast<const char*>(said.data()), said.size()});
    stream_.async_write(asio::buffer(answer_), [self = shared_from_this()](Failure failure, size_t) {
      if (!failure) self->Listen();
    });
  }

  static std::string_view View(beast::string_view text) { return {text.data(), text.size()}; }

  websocket::stream<beast::tcp_stream> stream_;
  Api& api_;
  const Address& address_;
  beast::flat_buffer buffer_;
  http::request<http::empty_body> upgrade_;
  http::response<http::string_body> refusal_;
  std::string answer_;
};

Json Answered(Json id, const ApiReply& reply) { return {{"id", std::move(id)}, {"status", reply.status}, {"body", reply.body}}; }

ApiReply Refused(std::string message) { return {400, ErrorJson(Error{ErrorCode::kInvalidArgument, std::move(message)})}; }

}  // namespace

std::string AnswerMessage(Api& api, std::string_view message) {
  const Json question = Json::parse(message, nullptr, false);
  if (!question.is_object()) return Dump(Answered(nullptr, Refused("a message is a JSON object with id, path and body")));
  const Json id = question.value("id", Json(nullptr));
  const auto path = question.find("path");
  if (path == question.end() || !path->is_string()) return Dump(Answered(id, Refused("path must be one of the HTTP API without /api/v1, such as /next")));
  try {
    return Dump(Answered(id, api.Handle("POST", StrCat("/api/v1", path->get<std::string>()), Dump(question.value("body", Json::object())))));
  } catch (const std::exception&) {
    return Dump(Answered(id, OurFault()));
  }
}

struct WebSocketServer::Impl {
  // What awaits, and who is awaited: gone with it are all sessions, and their connections.
  struct Loop {
    asio::io_context io{kThreads};
    Tcp::acceptor acceptor{io};
  };

  Impl(Api& the_api, const Address& the_address, size_t bytes) : api(the_api), address(the_address), max_message_bytes(bytes) {}

  void Accept() {
    // A strand each: what is awaited for one page never runs on two threads at a time.
    loop->acceptor.async_accept(asio::make_strand(loop->io), [this](Failure failure, Tcp::socket socket) {
      if (!failure) std::make_shared<Session>(std::move(socket), api, address, max_message_bytes)->Begin();
      if (failure != asio::error::operation_aborted) Accept();
    });
  }

  Api& api;
  const Address& address;
  size_t max_message_bytes;
  int port = 0;
  std::optional<Loop> loop{std::in_place};
  std::vector<std::thread> threads;
};

WebSocketServer::WebSocketServer(Api& api, const Address& address, size_t max_message_bytes)
    : impl_(std::make_unique<Impl>(api, address, max_message_bytes)) {}

WebSocketServer::~WebSocketServer() { Stop(); }

Status WebSocketServer::Bind(const std::string& host) {
  Failure failure;
  auto& [io, acceptor] = *impl_->loop;
  const auto found = Tcp::resolver(io).resolve(host, "0", Tcp::resolver::passive, failure);
  if (!failure) {
    const Tcp::endpoint here = found.begin()->endpoint();
    acceptor.open(here.protocol(), failure);
    if (!failure) acceptor.bind(here, failure);
    if (!failure) acceptor.listen(asio::socket_base::max_listen_connections, failure);
  }
  if (failure) return Error{ErrorCode::kIo, StrCat("cannot listen there for WebSockets: ", failure.message()), host};
  impl_->port = acceptor.local_endpoint().port();
  return Ok();
}

int WebSocketServer::port() const { return impl_->port; }

void WebSocketServer::Start() {
  impl_->Accept();
  for (int i = 0; i < kThreads; ++i) impl_->threads.emplace_back([this] { impl_->loop->io.run(); });
}

void WebSocketServer::Stop() {
  if (!impl_->loop) return;
  impl_->loop->io.stop();
  for (std::thread& thread : impl_->threads) thread.join();
  impl_->threads.clear();
  impl_->loop.reset();
}

}  // namespace lp
