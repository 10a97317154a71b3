#include <fmt/format.h>

#include <cstdlib>

#include "cli/logits_file.h"
#include "cli/model_commands.h"
#include "distribution/sums.h"
#include "wire/wire.h"

namespace lp {
Result<std::vector<TokenId>> ParseIds(const std::string& text, size_t n_vocab, const std::string& where) {
  std::vector<TokenId> ids;
  const char* at = text.c_str();
  while (*at != '\0') {
    if (*at == ',' || *at == ' ' || *at == '\n' || *at == '[' || *at == ']') {
      ++at;
      continue;
    }
    char* end = nullptr;
    const long long id = std::strtoll(at, &end, 10);
    if (end == at) return Error{ErrorCode::kInvalidArgument, fmt::format("\"{}\" is no list of token ids such as 15,3,27", text), where};
    if (id < 0 || static_cast<unsigned long long>(id) >= n_vocab) {
      return Error{ErrorCode::kInvalidArgument, fmt::format("token {} is outside the vocabulary of {} tokens", id, n_vocab), where};
    }
    ids.push_back(static_cast<TokenId>(id));
    at = end;
  }
  if (ids.empty()) return Error{ErrorCode::kInvalidArgument, "there are no token ids", where};
  return ids;
}

Status RunLogits(const CommonOptions& common, const LogitsOptions& options) {
  LP_ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine, OpenEngine(common));
  const size_t n_vocab = engine->info().n_vocab;
  std::vector<TokenId> context;
  if (options.tokens.empty()) {
    LP_ASSIGN_OR_RETURN(context, PromptTokens(*engine, common));
  } else {
    LP_ASSIGN_OR_RETURN(context, ParseIds(options.tokens, n_vocab, "--tokens"));
  }
  const Progress progress("reading", "tokens");
  std::vector<float> logits;
  if (options.all) {
    LP_ASSIGN_OR_RETURN(logits, engine->EvaluateAll(context, context.size(), progress.Observer()));
  } else {
    LP_ASSIGN_OR_RETURN(const Evaluation evaluation, engine->Evaluate(context, progress.Observer()));
    logits = *evaluation.logits;
  }
  progress.Clear();
  if (ScanLogits(LogitVector(logits)).invalid) {
    return Error{ErrorCode::kCorrupt, "the model gave a logit that is not a number, so nothing is written; its file is damaged", engine->info().file};
  }
  const size_t rows = options.all ? context.size() : 0;
  LP_RETURN_IF_ERROR(WriteNpy(options.output, logits, rows, n_vocab));
  if (common.json) {
    fmt::print("{}\n", Dump({{"model", engine->info().name}, {"file", options.output}, {"dtype", "float32"},
                             {"shape", options.all ? Json{rows, n_vocab} : Json{n_vocab}}, {"tokens", context}}, 1));
  } else {
    fmt::print("{}: {} of {} logits, float32, after {} tokens\n", options.output,
               options.all ? fmt::format("{} rows", rows) : std::string("1 row"), n_vocab, context.size());
  }
  return Ok();
}

}  // namespace lp
