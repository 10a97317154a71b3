#include "engine/score.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "distribution/select.h"
#include "distribution/sums.h"

namespace lp {
namespace {

constexpr size_t kMaxLogits = 16u << 20;  // floats held at once: 64 MiB

// Rank and log-probability of `id` in a row of logits, and the entropy of the distribution.
Result<ScoredToken> ScoreRow(std::span<const float> logits, TokenId id) {
  const LogitVector x(logits);
  if (ScanLogits(x).invalid) {
    return Error{ErrorCode::kCorrupt, "the model gave a logit that is not a number; its file is damaged", "logits"};
  }
  const SoftmaxSums sums = ComputeSums(x).total;
  return ScoredToken{id, static_cast<double>(x.at(id)) - sums.LogSumExp(), RanksOf(x, std::span(&id, 1))[0], sums.Entropy()};
}

}  // namespace

double TextScore::perplexity() const { return std::exp(nll / static_cast<double>(tokens.size())); }
double TextScore::bits_per_byte() const { return nll / std::numbers::ln2 / static_cast<double>(n_bytes); }

Result<TextScore> ScoreText(Engine& engine, std::string_view text, const EvalProgress& progress) {
  const Tokenizer& tokenizer = engine.tokenizer();
  if (text.empty()) return Error{ErrorCode::kInvalidArgument, "the text is empty; there is nothing to score", "text"};
  LP_ASSIGN_OR_RETURN(std::vector<TokenId> stream, tokenizer.Encode(text));  // [BOS] + the text's tokens

  TextScore score;
  score.after_bos = tokenizer.adds_bos() && tokenizer.bos().has_value();
  score.context = engine.info().context_length;
  score.stride = std::max<size_t>(1, score.context / 2);
  score.n_bytes = text.size();
  if (score.after_bos) {
    stream.insert(stream.begin(), *tokenizer.bos());
  } else {
    score.unscored = {stream[0]};
    score.n_bytes -= tokenizer.Decode(score.unscored).size();
  }
  if (stream.size() < 2 || score.context < 2) {
    return Error{ErrorCode::kInvalidArgument,
                 "the text is a single token and the model has no BOS to score it after; give a longer text", "text"};
  }

  const size_t n_vocab = engine.info().n_vocab;
  const size_t chunk = std::max<size_t>(1, kMaxLogits / n_vocab);  // targets whose logits are held at once
  for (size_t start = 0, next = 1; next < stream.size(); start += score.stride) {  // next: first target not scored yet
    const size_t window_end = std::min(stream.size(), start + score.context);
    while (next < window_end) {
      const size_t end = std::min(window_end, next + chunk);
      const std::span<const TokenId> path =
          std::span(stream).subspan(start, end - 1 - start);  // target i follows token i - 1
      LP_ASSIGN_OR_RETURN(const std::vector<float> logits, engine.EvaluateAll(path, end - next));
      for (size_t i = 0; next + i < end; ++i) {
        LP_ASSIGN_OR_RETURN(ScoredToken token,
                            ScoreRow(std::span(logits).subspan(i * n_vocab, n_vocab), stream[next + i]));
        score.nll -= token.logprob;
        score.tokens.push_back(token);
      }
      next = end;
      if (progress && !progress(next - 1, stream.size() - 1))
        return Error{ErrorCode::kCancelled, "scoring was stopped", ""};
    }
  }
  return score;
}

}  // namespace lp
