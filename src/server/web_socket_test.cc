// The WebSocket side over real sockets on loopback: the same answers as over HTTP, the same guests, and no way to hang it.
#include "server/web_socket.h"

#include <gtest/gtest.h>
#include <httplib.h>

#include <boost/asio/connect.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>

#include "server/origin.h"
#include "support/running_server.h"

namespace lp {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;

// What a browser is to it.
class Guest {
 public:
  explicit Guest(int port) { stream_.next_layer().connect({asio::ip::address_v4::loopback(), static_cast<uint16_t>(port)}); }

  // Whether it was let in.
  bool Shake(const std::string& host, const std::string& origin) {
    stream_.set_option(websocket::stream_base::decorator([origin](websocket::request_type& request) {
      if (!origin.empty()) request.set(beast::http::field::origin, origin);
    }));
    boost::system::error_code failure;
    stream_.handshake(host, "/", failure);
    return !failure;
  }
  void Say(std::string_view message) { stream_.write(asio::buffer(message)); }
  std::string Hear() {
    beast::flat_buffer buffer;
    stream_.read(buffer);
    return beast::buffers_to_string(buffer.cdata());
  }
  Json Ask(std::string_view message) { return Say(message), Json::parse(Hear()); }
  // Why the other side hung up.
  websocket::close_code Farewell() {
    boost::system::error_code failure;
    beast::flat_buffer buffer;
    stream_.read(buffer, failure);
    EXPECT_TRUE(failure);
    return websocket::close_code(stream_.reason().code);
  }

 private:
  asio::io_context io_;
  websocket::stream<asio::ip::tcp::socket> stream_{io_};
};

class WebSocketTest : public testing::RunningServer {
 protected:
  void SetUp() override {
    RunningServer::SetUp();
    port_ = Json::parse(client_->Get("/api/v1/status")->body)["socket_port"];
  }
  std::string Here() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string Page() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }

  int port_ = 0;
};

TEST_F(WebSocketTest, AnswersWhatHttpAnswers) {
  Guest guest(port_);
  ASSERT_TRUE(guest.Shake(Here(), Page()));
  for (const char* sampler : {R"({"temperature":0.5})", R"({"top_p":0.9})", R"({"top_p":7})", R"({"dialect":"nobody"})"}) {
    const std::string body = std::string(R"({"tokens":[260,104],"top":3,"trace":true,"sampler":)") + sampler + "}";
    const auto http = client_->Post("/api/v1/next", body, "application/json");
    Json answer = guest.Ask(R"({"id":7,"path":"/next","body":)" + body + "}");
    EXPECT_EQ(answer["id"], 7);
    EXPECT_EQ(answer["status"], http->status);
    Json expected = Json::parse(http->body);
    for (const char* own : {"eval_ms", "logits_cached"}) {  // how it was made, not what it is
      expected.erase(own);
      answer["body"].erase(own);
    }
    EXPECT_EQ(answer["body"], expected);
  }
}

TEST_F(WebSocketTest, AnswersInOrderWhatWasAskedAtOnce) {
  Guest guest(port_);
  ASSERT_TRUE(guest.Shake(Here(), ""));
  for (int i = 0; i < 5; ++i) guest.Say(R"({"id":)" + std::to_string(i) + R"(,"path":"/tokenize","body":{"text":"a"}})");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Json::parse(guest.Hear())["id"], i);
}

// Mutation: return true early in Address::MayAsk -> red.
TEST_F(WebSocketTest, RefusesOtherOriginsAndHosts) {
  const auto greeted = [&](const std::string& host, const std::string& origin) { return Guest(port_).Shake(host, origin); };
  EXPECT_TRUE(greeted(Here(), ""));
  EXPECT_TRUE(greeted("localhost:" + std::to_string(port_), "http://localhost:" + std::to_string(server_.port())));
  EXPECT_FALSE(greeted(Here(), "http://evil.example"));
  EXPECT_FALSE(greeted(Here(), "http://" + Here()));  // no page comes from there
  EXPECT_FALSE(greeted(Here(), "null"));
  EXPECT_FALSE(greeted("evil.example", Page()));
  EXPECT_FALSE(greeted("127.0.0.1:1", ""));
}

TEST_F(WebSocketTest, SaysWhatIsWrongAndGoesOn) {
  Guest guest(port_);
  ASSERT_TRUE(guest.Shake(Here(), ""));
  for (const auto& [message, status, word] : std::initializer_list<std::tuple<const char*, int, const char*>>{
           {"nothing", 400, "a JSON object"},
           {"[1]", 400, "a JSON object"},
           {R"({"id":1,"path":3})", 400, "path"},
           {R"({"id":1,"path":"/nothing"})", 404, "nothing at"},
           {R"({"id":1,"path":"/generate","body":{"tokens":[260]}})", 405, "POST"},
           {R"({"id":1,"path":"/next"})", 400, "tokens"},
           {R"({"id":1,"path":"/next","body":{"tokens":[]}})", 422, "empty"},
       }) {
    const Json answer = guest.Ask(message);
    EXPECT_EQ(answer["status"], status) << message;
    EXPECT_NE(answer["body"]["error"]["message"].get<std::string>().find(word), std::string::npos) << answer;
  }
  EXPECT_EQ(guest.Ask(R"({"id":null,"path":"/tokenize","body":{"text":"a"}})")["status"], 200);
}

TEST_F(WebSocketTest, HangsUpOnWhoSaysTooMuch) {
  Guest guest(port_);
  ASSERT_TRUE(guest.Shake(Here(), ""));
  guest.Say(std::string((1 << 20) + 1, ' '));
  EXPECT_EQ(guest.Farewell(), websocket::close_code::too_big);
}

TEST_F(WebSocketTest, SaysWhyNobodyIsLetIn) {
  httplib::Client client("127.0.0.1", port_);
  const auto plain = client.Get("/");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->status, 426);
  EXPECT_NE(plain->body.find("speaks WebSocket"), std::string::npos);
  const auto strange = client.Get("/", {{"Connection", "Upgrade"}, {"Upgrade", "websocket"}, {"Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="},
                                        {"Sec-WebSocket-Version", "13"}, {"Origin", "http://evil.example"}});
  ASSERT_TRUE(strange);
  EXPECT_EQ(strange->status, 403);
  EXPECT_NE(strange->body.find("its own page"), std::string::npos);
}

// Mutation: wait for sessions in Stop -> red: it would wait for these two, of whom one has not even said who it is.
TEST_F(WebSocketTest, AStopWaitsForNobody) {
  Guest silent(port_), guest(port_);
  ASSERT_TRUE(guest.Shake(Here(), ""));
  const auto start = std::chrono::steady_clock::now();
  client_.reset();
  server_.Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  EXPECT_NE(guest.Farewell(), websocket::close_code::normal);
}

// Names under which others reach a machine are theirs to choose; then a page has to come from where it asks.
TEST(Address, WhoMayAsk) {
  const Address any{"0.0.0.0", 8017, true}, loopback{"127.0.0.1", 80, false};
  EXPECT_TRUE(any.MayAsk("box.lan:9000", 9000, "http://box.lan:8017"));
  EXPECT_TRUE(any.MayAsk("box.lan:8017", 8017, std::nullopt));
  EXPECT_FALSE(any.MayAsk("box.lan:9000", 9000, "http://evil.example:8017"));
  EXPECT_FALSE(any.MayAsk("box.lan:9000", 9000, "https://box.lan:8017"));
  EXPECT_TRUE(loopback.MayAsk("localhost", 80, "http://localhost"));
  EXPECT_TRUE(loopback.MayAsk("[::1]", 80, "http://[::1]:80"));
  EXPECT_FALSE(loopback.MayAsk("localhost", 9000, std::nullopt));
}

}  // namespace
}  // namespace lp
