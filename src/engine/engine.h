// A model and its tokenizer, loaded and ready: token path -> logits.
//
// The engine remembers, each within its budget: keys and values of every branch it has evaluated, so that a path pays only for
// what no other began with, and the logits of paths it has seen, so that turning a knob never waits for the model. Safe to call
// from several threads; evaluations queue, one runs at a time, remembered logits are handed out at once.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/mapped_file.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "chat/chat_template.h"
#include "dialect/dialect.h"
#include "engine/logits_memory.h"
#include "gguf/gguf.h"
#include "model/model.h"
#include "tokenizer/search.h"
#include "tokenizer/tokenizer.h"

namespace lp {

// Where the weights are when the model runs: in the mapped file, which opens at once and which the system can push out of memory; or copied
// into memory in the form that runs fastest. kAuto: in the file at first, and copied beside the first tokens if the copies take no more than
// half of the memory that is free.
enum class WeightPlace : uint8_t { kAuto, kMapped, kCopied };

struct EngineOptions {
  size_t n_threads = 0;            // 0: one per processor
  size_t context = 0;              // tokens of the longest path; 0: what the model was trained for, at most 4096
  size_t cache_mib = 1024;         // for the keys and values of all branches; never less than one path of `context` tokens
  size_t logits_budget_mib = 256;  // for remembered logits
  WeightPlace weights = WeightPlace::kAuto;
};

// What there is to say about a loaded model.
struct ModelInfo {
  std::string name;  // general.name, else the file's name
  std::string file;  // path as opened
  std::string architecture;
  std::string quantization;  // the type that holds most weights
  uint64_t n_parameters = 0;
  uint64_t file_bytes = 0;
  size_t n_vocab = 0;
  size_t context_length = 0;  // of this engine: never more than the model's
};

// What the tree of keys and values holds.
struct CacheUse {
  size_t tokens = 0;      // distinct ones: those that paths share count once
  size_t max_tokens = 0;  // of the budget
  uint64_t bytes = 0;     // of `tokens`
};

struct Evaluation {
  LogitsHandle logits;
  bool remembered = false;  // no model time was spent
  double milliseconds = 0;  // model time
};

class Engine {
 public:
  static Result<std::unique_ptr<Engine>> Open(const std::string& path, const EngineOptions& options = {});

  const ModelInfo& info() const { return info_; }
  const Tokenizer& tokenizer() const { return *tokenizer_; }
  size_t n_threads() const { return pool_.size(); }
  const VocabularySearch& search() const { return *search_; }
  // The file's chat template; empty where it has none.
  const std::string& chat_template() const { return chat_template_; }
  // Tokens of a conversation in the model's own template. Errors: kNotFound where the model has none, and the template's.
  Result<std::vector<TokenId>> Chat(const std::vector<ChatMessage>& messages, bool add_generation_prompt = true) const;
  CacheUse cache_use();
  bool weights_are_copied() const { return weights_are_copied_; }
  // Waits until copying, if it has begun, has ended. Not while another thread evaluates.
  void FinishCopying();
  double tokens_per_second() const { return tokens_per_second_; }  // of the last token decoded alone; 0: none yet
  const ModelFacts& facts() const { return facts_; }  // what a dialect wants to know of the model

  // Ids of a prompt, BOS included where the model asks for it; with_control: control tokens spelled out in it are those tokens. An
  // empty text is an error.
  Result<std::vector<TokenId>> Prompt(std::string_view text, bool with_control = false) const;

  // Logits of the token that follows `context`. Errors: kOutOfRange for an empty or too long context, kInvalidArgument
  // for an id that is no token, kCancelled when `progress` said stop.
  Result<Evaluation> Evaluate(std::span<const TokenId> context, const EvalProgress& progress = nullptr);

  // What the model would say if its layers ended earlier: for each layer the logits [n_vocab] of the final norm and head on
  // the residual stream of the last token; the last layer's are the model's own. `taps.attention` may watch as well.
  Result<std::vector<std::vector<float>>> Lens(std::span<const TokenId> context, const Taps& taps = {}, const EvalProgress& progress = nullptr);

  // The logits that follow each of the tokens of `path` from index `from` on: `visit(i, logits)` in order. Remembered ones
  // are handed out as they are; the others are evaluated together, a bounded number at a time, and remembered.
  Status EvaluateEach(std::span<const TokenId> path, size_t from, const std::function<Status(size_t, const LogitsHandle&)>& visit,
                      const EvalProgress& progress = nullptr);

  // For scoring: the logits that follow each of the last n_last tokens of `context`, row-major [n_last, n_vocab]; not
  // remembered.
  Result<std::vector<float>> EvaluateAll(std::span<const TokenId> context, size_t n_last,
                                         const EvalProgress& progress = nullptr);

 private:
  Engine(MappedFile file, size_t n_threads) : file_(std::move(file)), pool_(n_threads) {}
  Status Check(std::span<const TokenId> context) const;
  // Makes `context` the path of cache_; fills the last n_logits rows. Called with model_mutex_ held.
  Status Advance(std::span<const TokenId> context, size_t n_logits, std::span<float> out, const EvalProgress& progress,
                 const Taps* taps = nullptr);

  // With model_mutex_ held, or before anybody else has the engine:
  void CopyInBackground();
  void UseCopies(WeightCopies copies);

  MappedFile file_;  // outlives the model, whose weights are views into it
  ModelInfo info_;
  ModelFacts facts_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<VocabularySearch> search_;
  std::string chat_template_;
  std::unique_ptr<Model> model_;
  std::atomic<double> tokens_per_second_ = 0;

  std::mutex model_mutex_;  // guards pool_, cache_
  ThreadPool pool_;
  std::unique_ptr<KvCache> cache_;

  std::unique_ptr<LogitsMemory> memory_;

  bool may_copy_ = false;  // and has not begun to; guarded by model_mutex_
  std::atomic<bool> weights_are_copied_ = false;
  std::jthread copier_;  // last: ends before what it uses
};

}  // namespace lp
