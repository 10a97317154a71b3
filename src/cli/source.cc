#include "cli/source.h"

#include <fmt/format.h>

#include "cli/logits_file.h"
#include "cli/model_commands.h"
#include "server/api.h"

namespace lp {

Status Source::ReadFile(const SourceOptions& options) {
  LP_ASSIGN_OR_RETURN(logits_, ReadLogits(options.logits));
  if (engine_ != nullptr && engine_->info().n_vocab != logits_.size()) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("the file has {} logits, but {} has {} tokens; leave out -m, or name the model they came from",
                             logits_.size(), engine_->info().name, engine_->info().n_vocab),
                 options.logits};
  }
  if (!options.history.empty()) {
    LP_ASSIGN_OR_RETURN(history_, ParseIds(options.history, logits_.size(), "--history"));
  }
  prompt_length_ = history_.size();
  if (options.prompt_length >= 0) {
    prompt_length_ = static_cast<size_t>(options.prompt_length);
    if (prompt_length_ > history_.size()) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("{} tokens of prompt are more than the history of {} tokens", prompt_length_, history_.size()),
                   "--prompt-length"};
    }
  }
  if (engine_ == nullptr) {
    nameless_.resize(logits_.size());
    for (size_t i = 0; i < nameless_.size(); ++i) {
      nameless_[i].id = static_cast<TokenId>(i);
      nameless_[i].bytes = fmt::format("#{}", i);
    }
  }
  return Ok();
}

Result<std::unique_ptr<Source>> Source::Open(const CommonOptions& common, const SourceOptions& options) {
  std::unique_ptr<Source> source(new Source);
  if (options.logits.empty() || !common.model.empty()) {
    LP_ASSIGN_OR_RETURN(source->engine_, OpenEngine(common));
  }
  if (!options.logits.empty()) {
    LP_RETURN_IF_ERROR(source->ReadFile(options));
    return source;
  }
  LP_ASSIGN_OR_RETURN(source->history_, PromptTokens(*source->engine_, common));
  source->prompt_length_ = source->history_.size();
  const Progress progress("reading", "tokens");
  progress.Show(0, source->history_.size());  // the first batch reads the weights, too
  LP_ASSIGN_OR_RETURN(const Evaluation evaluation, source->engine_->Evaluate(source->history_, progress.Observer()));
  source->logits_ = *evaluation.logits;
  return source;
}

ModelFacts Source::facts() const {
  if (engine_ != nullptr) return engine_->facts();
  return {.n_vocab = logits_.size()};
}

PieceOf Source::pieces() const {
  if (engine_ != nullptr) return PiecesOf(*engine_);
  return [this](TokenId id) -> const TokenPiece& { return nameless_[static_cast<size_t>(id)]; };
}

}  // namespace lp
