// The model being served, and how another takes its place: requests under way finish on the old one.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "engine/engine.h"

namespace lp {

class ModelHost {
 public:
  ModelHost(std::shared_ptr<Engine> engine, EngineOptions options) : engine_(std::move(engine)), options_(options) {}

  // Hold on to it for as long as a request takes.
  std::shared_ptr<Engine> Current() const;
  // A model of the names that `models` lists, never any path: whoever reaches the address may not open every file. When it
  // fails, the old one stays. One load at a time; the second waits.
  Status Load(const std::string& name);
  std::optional<std::string> loading() const;  // name of what is being loaded

 private:
  mutable std::mutex mutex_;  // guards engine_ and loading_
  std::mutex load_mutex_;
  std::shared_ptr<Engine> engine_;
  std::optional<std::string> loading_;
  EngineOptions options_;
};

}  // namespace lp
