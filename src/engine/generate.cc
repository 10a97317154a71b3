#include "engine/generate.h"

namespace lp {

Result<StopReason> Generate(Engine& engine, std::vector<TokenId>& context, const SamplerSettings& settings, size_t n,
                            const OnToken& on_token) {
  for (size_t i = 0; i < n; ++i) {
    if (context.size() > engine.info().context_length) return StopReason::kContextFull;
    LP_ASSIGN_OR_RETURN(const Evaluation evaluation, engine.Evaluate(context));
    LP_ASSIGN_OR_RETURN(const Trace trace, Trace::Run(*evaluation.logits, context, settings));
    const DrawnToken drawn = Draw(trace, context.size());
    const TokenId id = drawn.row.id;
    const GeneratedToken token{.position = context.size(),
                               .rank_raw = RanksOf(trace.raw_logits(), std::span(&id, 1))[0],
                               .row = drawn.row,
                               .u = drawn.u};
    context.push_back(id);
    if (!on_token(token)) return StopReason::kCancelled;
    if (engine.tokenizer().IsEnd(id)) return StopReason::kEndOfText;
  }
  return StopReason::kLength;
}

}  // namespace lp
