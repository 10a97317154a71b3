#include <fmt/format.h>

#include "cli/model_commands.h"
#include "metrics/metrics.h"
#include "sampling/trace.h"
#include "server/api.h"
#include "wire/wire.h"

namespace lp {

Status RunLens(const CommonOptions& common, size_t top) {
  LP_ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine, OpenEngine(common));
  LP_ASSIGN_OR_RETURN(const std::vector<TokenId> context, PromptTokens(*engine, common));
  const Progress progress("reading", "tokens");
  LP_ASSIGN_OR_RETURN(const auto layers, engine->Lens(context, {}, progress.Observer()));
  progress.Clear();
  const auto own = Trace::Run(layers.back(), {}, {});
  if (!own.ok()) return own.error();
  const TokenId answer = own->Row(1).id;
  const Terminal terminal;
  Json list = Json::array();
  if (!common.json) {
    fmt::print("{}{}\n", Escaped(common.prompt), terminal.Bold("▁"));
    fmt::print("{}\n\n", terminal.Dim(fmt::format("{} | each layer's residual stream through the final norm and head", engine->info().name)));
    fmt::print("{}\n", terminal.Dim("layer  entropy    the model's token here   the likeliest"));
  }
  for (size_t layer = 0; layer < layers.size(); ++layer) {
    const auto trace = Trace::Run(layers[layer], {}, {});
    if (!trace.ok()) return trace.error();
    const double bits = NatsToBits(trace->raw().sums().Entropy());
    const TokenRow of_answer = trace->RowOf(answer);
    if (common.json) {
      Json best = Json::array();
      for (const TokenRow& row : trace->Rows(top)) {
        Json token = TokenJson(engine->tokenizer().Piece(row.id));
        token["prob"] = row.prob_raw;
        best.push_back(std::move(token));
      }
      list.push_back({{"layer", layer + 1}, {"entropy_bits", bits}, {"final_token_rank", of_answer.rank}, {"final_token_prob", of_answer.prob_raw}, {"top", std::move(best)}});
      continue;
    }
    std::string best;
    for (const TokenRow& row : trace->Rows(top)) best += fmt::format("{} {}  ", Quoted(engine->tokenizer().Piece(row.id)), Percent(row.prob_raw));
    fmt::print("{:>5}  {:>6.2f} b  {:>9}  rank {:>6}   {}\n", layer + 1, bits, Percent(of_answer.prob_raw), of_answer.rank, best);
  }
  if (common.json) {
    fmt::print("{}\n", Dump({{"model", engine->info().name},
                             {"prompt_tokens", TokensJson(context, PiecesOf(*engine))},
                             {"final_token", TokenJson(engine->tokenizer().Piece(answer))},
                             {"layers", std::move(list)}},
                            1));
  }
  return Ok();
}

}  // namespace lp
