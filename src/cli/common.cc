#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <iterator>

#include "cli/commands.h"
#include "engine/models.h"

namespace lp {

EngineOptions EngineOptionsOf(const CommonOptions& common) {
  return {.n_threads = common.threads, .context = common.context, .cache_mib = common.cache_mib, .weights = common.weights};
}

void TellVerbose(const CommonOptions& common, std::span<const float> logits, Engine* engine) {
  if (!common.verbose) return;
  std::fflush(stdout);
  fmt::print(stderr, "logits {}", LogitsHash(logits));
  if (engine != nullptr) {
    const CacheUse use = engine->cache_use();
    fmt::print(stderr, " | {} threads | weights {} | cache: {} of {} tokens, {:.1f} MiB", engine->n_threads(),
               engine->weights_are_copied() ? "copied" : "mapped", use.tokens, use.max_tokens, static_cast<double>(use.bytes) / (1 << 20));
  }
  fmt::print(stderr, "\n");
}

Result<std::unique_ptr<Engine>> OpenEngine(const CommonOptions& common) {
  LP_ASSIGN_OR_RETURN(const std::string path, ResolveModel(common.model));
  const Progress progress("loading " + Escaped(std::filesystem::path(path).filename().string()));
  progress.Show();
  return Engine::Open(path, EngineOptionsOf(common));
}

Result<std::vector<TokenId>> PromptTokens(const Engine& engine, const CommonOptions& common) {
  std::vector<ChatMessage> messages;
  if (!common.system.empty()) messages.push_back({"system", common.system});
  messages.push_back({"user", common.prompt});
  auto tokens = common.chat ? engine.Chat(messages) : engine.Prompt(common.prompt, common.special);
  if (!tokens.ok() && common.chat) return Error{tokens.error().code, tokens.error().message, "--chat"};
  if (!tokens.ok()) return Error{tokens.error().code, tokens.error().message, "-p"};
  const size_t limit = engine.info().context_length;
  if (tokens->size() > limit) {
    return Error{
        ErrorCode::kOutOfRange,
        fmt::format("the prompt is {} tokens long, but this model reads at most {}; shorten it", tokens->size(), limit),
        "-p"};
  }
  return tokens;
}

Result<std::string> ReadText(const std::string& path) {
  if (path == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  LP_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  return std::string(file.bytes().begin(), file.bytes().end());
}

}  // namespace lp
