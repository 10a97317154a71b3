// One function a command. Each returns an Error instead of printing it; RunCli prints.
#pragma once

#include <memory>
#include <string>

#include "cli/terminal.h"
#include "dialect/dialect.h"
#include "engine/engine.h"

namespace lp {

inline constexpr const char* kVersion = LP_VERSION;

// Options that several commands share, as parsed.
struct CommonOptions {
  std::string model;   // -m
  std::string prompt;  // -p
  bool chat = false;   // --chat: the prompt is a user's message, said through the model's chat template
  std::string system;  // --system: the system's message before it
  bool special = false;  // --special: control tokens spelled out in the prompt are those tokens
  bool json = false;   // --json
  size_t threads = 0;  // -t
  size_t context = 0;  // -c
  bool verbose = false;                          // --verbose
  size_t cache_mib = EngineOptions{}.cache_mib;  // --cache-mib
  WeightPlace weights = WeightPlace::kAuto;      // --weights
  DialectSettings sampler;
};

// How a token list and a file of logits are given, for commands that look at one distribution.
struct SourceOptions {
  std::string logits;             // --logits FILE instead of -p
  std::string history;            // --history ID,ID,...: the tokens before, for penalties
  int64_t prompt_length = -1;     // --prompt-length: how many of them are the prompt; -1 = all
};

struct NextOptions {
  SourceOptions source;
  size_t top = 20;
  bool trace = false;
};
// `next` with a prompt, `shape` with a file of logits.
Status RunNext(const CommonOptions& common, const NextOptions& options);

struct CompareOptions {
  SourceOptions source;
  std::string a, b;  // 'dialect=...,temperature=...'
  size_t top = 20;
};
Status RunCompare(const CommonOptions& common, const CompareOptions& options);

struct TranslateOptions {
  SourceOptions source;
  std::string from, to;
};
Status RunTranslate(const CommonOptions& common, const TranslateOptions& options);

struct CodeOptions {
  SourceOptions source;
  std::string to;  // one engine; empty: all
};
// The settings as something to paste.
Status RunCode(const CommonOptions& common, const CodeOptions& options);
Status RunDialects(const CommonOptions& common);

Status RunGenerate(const CommonOptions& common, size_t n_tokens);
Status RunScore(const CommonOptions& common, const std::string& path);
// A file that is a vocabulary without a model will do for both.
Status RunTokenize(const CommonOptions& common, const std::string& text);
Status RunDetokenize(const CommonOptions& common, const std::string& ids);  // "1,2,3" -> text
Status RunInspect(const CommonOptions& common, const std::string& path, bool list_tensors);
Status RunModels(const CommonOptions& common);

struct ServeOptions {
  std::string host = "127.0.0.1";
  int port = 8017;
  bool open_browser = true;
};
Status RunServe(const CommonOptions& common, const ServeOptions& options);

// Where --verbose is given, to stderr: the hash of the logits, and of a model what its cache holds.
void TellVerbose(const CommonOptions& common, std::span<const float> logits, Engine* engine);
EngineOptions EngineOptionsOf(const CommonOptions& common);
// The model that -m names, loaded.
Result<std::unique_ptr<Engine>> OpenEngine(const CommonOptions& common);
// Whole text of a file or, for "-", of standard input.
Result<std::string> ReadText(const std::string& path);
// The tokens of -p, checked to fit the model's context.
Result<std::vector<TokenId>> PromptTokens(const Engine& engine, const CommonOptions& common);

}  // namespace lp
