// The server over real sockets on loopback: who may ask, what happens to what is not JSON, and when a port is taken.
#include "server/server.h"

#include <gtest/gtest.h>
#include <httplib.h>

#include <chrono>
#include <functional>

#include "support/running_server.h"

namespace lp {
namespace {

class ServerTest : public testing::RunningServer {
 protected:
  int StatusWith(const httplib::Headers& headers) { return client_->Get("/api/v1/status", headers)->status; }
  std::string Here(const std::string& host) const { return host + ":" + std::to_string(server_.port()); }

  // Reads a stream of tokens for as long as `more` says so.
  static httplib::Result Listen(httplib::Client& client, const std::string& body, const std::function<bool(std::string_view)>& more) {
    httplib::Request request;
    request.method = "POST";
    request.path = "/api/v1/generate";
    request.body = body;
    request.set_header("Content-Type", "application/json");
    request.content_receiver = [&](const char* data, size_t length, uint64_t, uint64_t) { return more({data, length}); };
    return client.send(request);
  }
};

TEST_F(ServerTest, AnswersTheApi) {
  EXPECT_EQ(server_.url(), "http://127.0.0.1:" + std::to_string(server_.port()) + "/");
  const auto reply = client_->Post("/api/v1/next", R"({"tokens":[260]})", "application/json");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
  EXPECT_NE(reply->get_header_value("Content-Type").find("application/json"), std::string::npos);
  EXPECT_NE(reply->get_header_value("Content-Security-Policy").find("default-src 'self'"), std::string::npos);
  EXPECT_EQ(client_->Put("/api/v1/next", "{}", "application/json")->status, 405);
  EXPECT_EQ(client_->Get("/api/v1/nothing")->status, 404);
}

TEST_F(ServerTest, StreamsTokensAsEvents) {
  std::string body;
  const auto reply = Listen(*client_, R"({"tokens":[260,104],"n":3})",
                            [&](std::string_view event) { return body.append(event), true; });
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->get_header_value("Content-Type"), "text/event-stream");
  EXPECT_TRUE(body.starts_with("event: token\ndata: {")) << body;
  EXPECT_NE(body.find("event: done\ndata: {\"reason\":"), std::string::npos) << body;
  EXPECT_EQ(client_->Post("/api/v1/generate", R"({"tokens":[260],"n":-1})", "application/json")->status, 400);
}

// A listener that hangs up frees the server: the stop in TearDown would otherwise wait for 1,000 tokens at one a second.
// Mutation: do not ask is_writable -> red, by running for minutes.
TEST_F(ServerTest, AListenerMayHangUp) {
  httplib::Client other("127.0.0.1", server_.port());
  size_t events = 0;
  const auto start = std::chrono::steady_clock::now();
  const auto reply = Listen(other, R"({"tokens":[260,104],"n":1000,"delay_ms":1000})", [&](std::string_view) { return ++events < 2; });
  EXPECT_FALSE(reply);
  EXPECT_EQ(client_->Get("/api/v1/status")->status, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

// A page on another site must not be able to use it, neither directly (Origin) nor by DNS rebinding (Host). Mutation:
// return true early in MayAsk -> red.
TEST_F(ServerTest, RefusesOtherOriginsAndHosts) {
  EXPECT_EQ(StatusWith({{"Host", Here("127.0.0.1")}}), 200);
  EXPECT_EQ(StatusWith({{"Host", Here("localhost")}}), 200);
  EXPECT_EQ(StatusWith({{"Host", Here("localhost")}, {"Origin", "http://" + Here("localhost")}}), 200);
  EXPECT_EQ(StatusWith({{"Host", Here("evil.example")}}), 403);
  EXPECT_EQ(StatusWith({{"Host", "127.0.0.1:1"}}), 403);
  EXPECT_EQ(StatusWith({{"Host", Here("127.0.0.1")}, {"Origin", "http://evil.example"}}), 403);
  EXPECT_EQ(StatusWith({{"Host", Here("127.0.0.1")}, {"Origin", "null"}}), 403);
}

TEST_F(ServerTest, TooLargeABodyIsSaidSo) {
  const auto reply = client_->Post("/api/v1/tokenize", std::string((1 << 20) + 1, ' '), "application/json");
  if (!reply) return;  // the server may close the connection before all of it is sent, which is as good an answer
  EXPECT_EQ(reply->status, 413);
  EXPECT_NE(reply->body.find("larger than"), std::string::npos);
}

// Mutation: leave httplib's SO_REUSEPORT on -> red.
TEST_F(ServerTest, APortInUseIsAnError) {
  Server second(engine_, {}, "1.2.3");
  const Status status = second.Bind({.port = server_.port()});
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("in use"), std::string::npos);
  EXPECT_EQ(status.error().where, Here("127.0.0.1"));
}

}  // namespace
}  // namespace lp
