#include "server/web_socket.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <array>
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

// Pages are dealt out among them: a slow answer keeps those of one thread waiting.
constexpr size_t kThreads = 4;
constexpr auto kHandshake = std::chrono::seconds(10);

// One page. Lives as long as something is awaited for it.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Tcp::socket socket, Api& api, const Address& address, size_t max_message_bytes)
      : stream_(std::move(socket)), api_(api), address_(address) {
    stream_.set_option(websocket::stream_base::timeout::suggested(beast::role_type::server));
    stream_.read_message_max(max_message_bytes);
    stream_.text(true);
    stream_.auto_fragment(false);  // an answer is one write, and wakes who reads it once
  }

  auto executor() { return stream_.get_executor(); }

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

// The body is written down where it lies: to put it into another object would copy all of it.
std::string Answered(const Json& id, const ApiReply& reply) {
  return StrCat(R"({"id":)", Dump(id), R"(,"status":)", reply.status, R"(,"body":)", Dump(reply.body), "}");
}

ApiReply Refused(std::string message) { return {400, ErrorJson(Error{ErrorCode::kInvalidArgument, std::move(message)})}; }

}  // namespace

std::string AnswerMessage(Api& api, std::string_view message) {
  const Json question = Json::parse(message, nullptr, false);
  if (!question.is_object()) return Answered(nullptr, Refused("a message is a JSON object with id, path and body"));
  const Json id = question.value("id", Json(nullptr));
  const auto path = question.find("path");
  if (path == question.end() || !path->is_string()) return Answered(id, Refused("path must be one of the HTTP API without /api/v1, such as /next"));
  try {
    return Answered(id, api.Handle("POST", StrCat("/api/v1", path->get<std::string>()), Dump(question.value("body", Json::object()))));
  } catch (const std::exception&) {
    return Answered(id, OurFault());
  }
}

struct WebSocketServer::Impl {
  // What one thread awaits. A page belongs to one of them for good: were it anybody's, a message would wake one thread
  // after the other.
  struct Loop {
    asio::io_context io{1};
    asio::executor_work_guard<asio::io_context::executor_type> open{io.get_executor()};
  };
  // Whoever is awaited is gone with them, and so are the connections. The last one, which goes first, also awaits the next
  // page: the socket for it may be of any.
  struct Loops {
    std::array<Loop, kThreads> each;
    Tcp::acceptor acceptor{each.back().io};
    size_t next = 0;
  };

  Impl(Api& the_api, const Address& the_address, size_t bytes) : api(the_api), address(the_address), max_message_bytes(bytes) {}

  void Accept() {
    asio::io_context& io = loops->each[loops->next++ % kThreads].io;
    loops->acceptor.async_accept(io, [this](Failure failure, Tcp::socket socket) {
      if (!failure) {
        const auto session = std::make_shared<Session>(std::move(socket), api, address, max_message_bytes);
        asio::post(session->executor(), [session] { session->Begin(); });
      }
      if (failure != asio::error::operation_aborted) Accept();
    });
  }

  Api& api;
  const Address& address;
  size_t max_message_bytes;
  int port = 0;
  std::optional<Loops> loops{std::in_place};
  std::vector<std::thread> threads;
};

WebSocketServer::WebSocketServer(Api& api, const Address& address, size_t max_message_bytes)
    : impl_(std::make_unique<Impl>(api, address, max_message_bytes)) {}

WebSocketServer::~WebSocketServer() { Stop(); }

Status WebSocketServer::Bind(const std::string& host) {
  Failure failure;
  Tcp::acceptor& acceptor = impl_->loops->acceptor;
  const auto found = Tcp::resolver(acceptor.get_executor()).resolve(host, "0", Tcp::resolver::passive, failure);
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
  for (Impl::Loop& loop : impl_->loops->each) impl_->threads.emplace_back([&io = loop.io] { io.run(); });
}

void WebSocketServer::Stop() {
  if (!impl_->loops) return;
  for (Impl::Loop& loop : impl_->loops->each) loop.io.stop();
  for (std::thread& thread : impl_->threads) thread.join();
  impl_->threads.clear();
  impl_->loops.reset();
}

}  // namespace lp
