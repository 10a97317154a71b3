// A server with a tiny model, answering on loopback for as long as a test runs, and a client that keeps its connection.
#pragma once

#include <gtest/gtest.h>
#include <httplib.h>

#include <memory>
#include <string>
#include <thread>

#include "server/server.h"
#include "support/tiny_model.h"

namespace lp::testing {

class RunningServer : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(server_.Bind({.port = 0}).ok());
    runner_ = std::thread([this] { server_.Run(); });
    client_ = std::make_unique<httplib::Client>("127.0.0.1", server_.port());
    client_->set_keep_alive(true);
  }
  void TearDown() override {
    client_.reset();
    server_.Stop();
    runner_.join();
  }

  TinyModelFile file_;
  std::shared_ptr<Engine> engine_ = std::move(Engine::Open(file_.path(), {.n_threads = 1})).value();
  Server server_{engine_, {.n_threads = 1}, "1.2.3"};
  std::thread runner_;
  std::unique_ptr<httplib::Client> client_;
};

}  // namespace lp::testing
