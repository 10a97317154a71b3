#include "engine/generate.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/utf8.h"
#include "cli/commands.h"
#include "metrics/metrics.h"
#include "server/api.h"
#include "wire/wire.h"

namespace lp {
namespace {

std::string_view StopName(StopReason reason) {
  switch (reason) {
    case StopReason::kLength:
      return "length";
    case StopReason::kEndOfText:
      return "end_of_text";
    case StopReason::kContextFull:
      return "context_full";
    case StopReason::kCancelled:
      return "cancelled";
  }
  LP_CHECK(false);
}

Json TokenJsonOf(const Engine& engine, const GeneratedToken& token) {
  Json json = TokenJson(engine.tokenizer().Piece(token.row.id));
  json["position"] = token.position;
  json["rank"] = token.row.rank;
  json["rank_raw"] = token.rank_raw;
  json["prob_raw"] = token.row.prob_raw;
  json["prob"] = token.row.prob;
  json["u"] = NumberOrNull(token.u);
  return json;
}

// Of the logits the last token was drawn from; they are still remembered.
Status TellLast(const CommonOptions& common, Engine& engine, std::span<const TokenId> context) {
  if (!common.verbose || context.size() < 2) return Ok();
  LP_ASSIGN_OR_RETURN(const Evaluation last, engine.Evaluate(context.first(context.size() - 1)));
  TellVerbose(common, *last.logits, &engine);
  return Ok();
}

Status GenerateJson(const CommonOptions& common, const Resolved& resolved, Engine& engine, std::vector<TokenId> context, size_t n_tokens) {
  const std::vector<TokenId> prompt = context;
  Json tokens = Json::array();
  std::string text;
  const auto on_token = [&](const GeneratedToken& token) {
    tokens.push_back(TokenJsonOf(engine, token));
    text += engine.tokenizer().Piece(token.row.id).bytes;
    return true;
  };
  LP_ASSIGN_OR_RETURN(const StopReason stop, Generate(engine, context, resolved.chain, n_tokens, on_token));
  Json json = {{"model", engine.info().name},
               {"prompt_tokens", TokensJson(prompt, PiecesOf(engine))}};
  AddResolved(json, resolved);
  json["text"] = ToValidUtf8(text);
  json["stop"] = StopName(stop);
  json["tokens"] = std::move(tokens);
  fmt::print("{}\n", Dump(json, 1));
  return TellLast(common, engine, context);
}

}  // namespace

Status RunGenerate(const CommonOptions& common, size_t n_tokens) {
  LP_ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine, OpenEngine(common));
  LP_ASSIGN_OR_RETURN(std::vector<TokenId> context, PromptTokens(*engine, common));
  LP_ASSIGN_OR_RETURN(const Resolved resolved, Resolve(common.sampler, engine->facts()));
  if (n_tokens > 0) {  // remembered: the loop finds it done
    const Progress progress("reading", "tokens");
    progress.Show(0, context.size());
    LP_ASSIGN_OR_RETURN(const Evaluation prompt, engine->Evaluate(context, progress.Observer()));
  }
  if (common.json) return GenerateJson(common, resolved, *engine, std::move(context), n_tokens);

  const Terminal terminal;
  if (!common.chat) fmt::print("{}", common.prompt);  // a conversation's answer stands alone
  std::fflush(stdout);
  std::string open;  // bytes of a character that is not complete yet
  double surprisal = 0;
  const auto print = [&](std::string_view bytes) {
    fmt::print("{}", terminal.colour() ? terminal.Surprised(bytes, surprisal) : std::string(bytes));
    std::fflush(stdout);
  };
  const auto on_token = [&](const GeneratedToken& token) {
    open += engine->tokenizer().Piece(token.row.id).bytes;
    surprisal = SurprisalBits(token.row.prob_raw);
    const size_t ready = CompleteUtf8Prefix(open);
    print(std::string_view(open).substr(0, ready));
    open.erase(0, ready);
    return std::ferror(stdout) == 0;  // a closed pipe ends the loop
  };
  LP_ASSIGN_OR_RETURN(const StopReason stop, Generate(*engine, context, resolved.chain, n_tokens, on_token));
  fmt::print("{}\n", ToValidUtf8(open));
  if (stop == StopReason::kContextFull) {
    std::fflush(stdout);
    fmt::print(stderr, "logitpeek: stopped because the context of {} tokens is full\n", engine->info().context_length);
  }
  return TellLast(common, *engine, context);
}

}  // namespace lp
