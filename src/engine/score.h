// Scoring an existing text: how surprised the model is by each of its tokens.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace lp {

struct ScoredToken {
  TokenId id = 0;
  double logprob = 0;  // nats
  size_t rank = 1;     // 1-based, among all tokens at this position
  double entropy = 0;  // nats, of the distribution the token was drawn from
};

struct TextScore {
  std::vector<TokenId> unscored;  // leading tokens of the text that have no context to be scored in: none, or the first
  std::vector<ScoredToken> tokens;  // every other token of the text, in order
  double nll = 0;                   // nats, total
  size_t n_bytes = 0;               // bytes of the text that the scored tokens stand for
  size_t context = 0, stride = 0;   // of the windows
  bool after_bos = false;           // the first token is scored after BOS
  double perplexity() const;        // [D15] exp(nll / n_tokens)
  double bits_per_byte() const;     // [D16]
};

// [D15] A text longer than the context C is scored in windows of C tokens, each S = C / 2 further on (BOS counts as the
// first token where the model has one); a window scores the tokens that no earlier one did, so each token is scored
// once and, past the first window, with at least C - S tokens before it. Errors: an empty text; a text of which no
// token has a context.
Result<TextScore> ScoreText(Engine& engine, std::string_view text, const EvalProgress& progress = nullptr);

}  // namespace lp
