#include "engine/score.h"

#include <fmt/format.h>

#include "cli/commands.h"
#include "metrics/metrics.h"
#include "server/api.h"
#include "wire/wire.h"

namespace lp {
namespace {

Json ScoreJson(const Engine& engine, const TextScore& score) {
  Json tokens = Json::array();
  for (const ScoredToken& token : score.tokens) {
    Json entry = TokenJson(engine.tokenizer().Piece(token.id));
    entry["logprob"] = NumberOrNull(token.logprob);
    entry["rank"] = token.rank;
    entry["entropy_bits"] = NatsToBits(token.entropy);
    tokens.push_back(std::move(entry));
  }
  return {{"model", engine.info().name},
          {"n_tokens", score.tokens.size()},
          {"n_bytes", score.n_bytes},
          {"nll_nats", NumberOrNull(score.nll)},
          {"perplexity", NumberOrNull(score.perplexity())},
          {"bits_per_byte", NumberOrNull(score.bits_per_byte())},
          {"window",
           {{"context", score.context},
            {"stride", score.stride},
            {"rule",
             "each token is scored once, in the first window that holds it; windows of `context` tokens start every "
             "`stride` tokens"},
            {"first_token", score.after_bos ? "scored after BOS" : "not scored: the model has no BOS"}}},
          {"tokens", std::move(tokens)}};
}

}  // namespace

Status RunScore(const CommonOptions& common, const std::string& path) {
  LP_ASSIGN_OR_RETURN(const std::string text, ReadText(path));
  LP_ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine, OpenEngine(common));
  const Progress progress("scoring", "tokens");
  LP_ASSIGN_OR_RETURN(const TextScore score, ScoreText(*engine, text, progress.Observer()));
  progress.Clear();
  if (common.json) {
    fmt::print("{}\n", Dump(ScoreJson(*engine, score), 1));
    return Ok();
  }
  const Terminal terminal;
  if (terminal.colour()) {  // the text itself, coloured by surprise; into a pipe go the figures alone
    for (const ScoredToken& token : score.tokens) {
      const std::string& bytes = engine->tokenizer().Piece(token.id).bytes;
      fmt::print("{}", bytes == "\n" ? bytes : terminal.Surprised(bytes, -NatsToBits(token.logprob)));
    }
    fmt::print("\n\n");
  }
  fmt::print("{} tokens, {} bytes | {:.4f} bits per byte | perplexity {:.3f} per token | {:.2f} nats in all\n",
             score.tokens.size(), score.n_bytes, score.bits_per_byte(), score.perplexity(), score.nll);
  fmt::print("windows of {} tokens every {}, each token scored once; the first token is {}\n", score.context,
             score.stride, score.after_bos ? "scored after BOS" : "not scored, as the model has no BOS");
  return Ok();
}

}  // namespace lp
