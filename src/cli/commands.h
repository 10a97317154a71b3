// One function a command. Each returns an Error instead of printing it; RunCli prints.
#pragma once

#include <memory>
#include <string>

#include "cli/terminal.h"
#include "engine/engine.h"
#include "sampling/settings.h"

namespace lp {

inline constexpr const char* kVersion = LP_VERSION;

// Options that several commands share, as parsed.
struct CommonOptions {
  std::string model;   // -m
  std::string prompt;  // -p
  bool json = false;   // --json
  size_t threads = 0;  // -t
  size_t context = 0;  // -c
  SamplerSettings sampler;
};

struct NextOptions {
  size_t top = 20;
  bool trace = false;
};

Status RunNext(const CommonOptions& common, const NextOptions& options);
Status RunGenerate(const CommonOptions& common, size_t n_tokens);
Status RunScore(const CommonOptions& common, const std::string& path);
Status RunTokenize(const CommonOptions& common, const std::string& text);
Status RunInspect(const CommonOptions& common, const std::string& path);
Status RunModels(const CommonOptions& common);

struct ServeOptions {
  std::string host = "127.0.0.1";
  int port = 8017;
  bool open_browser = true;
};
Status RunServe(const CommonOptions& common, const ServeOptions& options);

// The model that -m names, loaded.
Result<std::unique_ptr<Engine>> OpenEngine(const CommonOptions& common);
// The tokens of -p, checked to fit the model's context.
Result<std::vector<TokenId>> PromptTokens(const Engine& engine, const CommonOptions& common);

}  // namespace lp
