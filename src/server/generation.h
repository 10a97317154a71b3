// Tokens as a stream: the generate loop, one event a step, so that whoever listens can stop it between any two tokens.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "server/answers.h"

namespace lp {

// Whether anybody still listens; asked often while waiting.
using Listening = std::function<bool()>;

class Generation {
 public:
  // What is wrong with a request is said before the stream begins.
  static Result<std::unique_ptr<Generation>> Make(std::shared_ptr<Engine> engine, const Json& request);

  // The next Server-Sent Event ("token", at last "done" or "error"), as text to send; nullopt after the last one, or when nobody
  // listens any more.
  std::optional<std::string> Next(const Listening& listening);

 private:
  explicit Generation(std::shared_ptr<Engine> engine) : engine_(std::move(engine)) {}
  Result<Json> Token(const Listening& listening);
  std::string Done(const char* reason);

  std::shared_ptr<Engine> engine_;
  TokenPath path_;
  Chain chain_;
  bool greedy_ = false;
  size_t n_ = 0, made_ = 0, delay_ms_ = 0;
  bool ended_ = false;  // by an end-of-text token
  bool done_ = false;
};

}  // namespace lp
