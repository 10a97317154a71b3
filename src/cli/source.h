// Where a command's one distribution comes from: a model and a prompt, or a file of logits.
#pragma once

#include <memory>
#include <vector>

#include "cli/commands.h"
#include "sampling/step.h"
#include "wire/wire.h"

namespace lp {

class Source {
 public:
  // With `options.logits`: that file, the history as given, and token texts only where -m names a model. Without: the
  // model's own logits after -p.
  static Result<std::unique_ptr<Source>> Open(const CommonOptions& common, const SourceOptions& options);

  std::span<const float> logits() const { return logits_; }
  std::span<const TokenId> history() const { return history_; }
  Step step() const { return {history_, prompt_length_, history_.size()}; }
  ModelFacts facts() const;
  std::string model() const { return engine_ == nullptr ? "" : engine_->info().name; }
  // The text of a token; "#15" where no model is there to tell.
  PieceOf pieces() const;

 private:
  Source() = default;
  Status ReadFile(const SourceOptions& options);

  std::unique_ptr<Engine> engine_;
  std::vector<float> logits_;
  std::vector<TokenId> history_;
  size_t prompt_length_ = 0;
  std::vector<TokenPiece> nameless_;  // pieces of a vocabulary nobody knows
};

}  // namespace lp
