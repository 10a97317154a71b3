#include <fmt/format.h>

#include "cli/commands.h"
#include "engine/models.h"

namespace lp {

EngineOptions EngineOptionsOf(const CommonOptions& common) { return {.n_threads = common.threads, .context = common.context}; }

Result<std::unique_ptr<Engine>> OpenEngine(const CommonOptions& common) {
  LP_ASSIGN_OR_RETURN(const std::string path, ResolveModel(common.model));
  return Engine::Open(path, EngineOptionsOf(common));
}

Result<std::vector<TokenId>> PromptTokens(const Engine& engine, const CommonOptions& common) {
  auto tokens = engine.Prompt(common.prompt);
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

}  // namespace lp
