#include "engine/generate.h"

namespace lp {

Result<StopReason> Generate(Engine& engine, std::vector<TokenId>& context, Chain chain, size_t n,
                            const OnToken& on_token) {
  const size_t prompt_length = context.size();
  for (size_t i = 0; i < n; ++i) {
    if (context.size() > engine.info().context_length) return StopReason::kContextFull;
    LP_ASSIGN_OR_RETURN(const Evaluation evaluation, engine.Evaluate(context));
    LP_ASSIGN_OR_RETURN(const Trace trace, Trace::Run(*evaluation.logits, {context, prompt_length, context.size()}, chain, Sums::kMass));
    const DrawnToken drawn = Draw(trace);
    const TokenId id = drawn.row.id;
    const GeneratedToken token{.position = context.size(),
                               .rank_raw = RanksOf(trace.raw().values(), std::span(&id, 1))[0],
                               .row = drawn.row,
                               .u = drawn.u};
    chain = Advance(trace, id);
    context.push_back(id);
    if (!on_token(token)) return StopReason::kCancelled;
    if (engine.tokenizer().IsEnd(id)) return StopReason::kEndOfText;
  }
  return StopReason::kLength;
}

}  // namespace lp
