#include "engine/engine.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <utility>

#include "base/huge_memory.h"
#include "base/str_cat.h"

namespace lp {
namespace {

constexpr size_t kDefaultContext = 4096;
constexpr uint64_t kMaxHeld = 1u << 24;  // tokens of the tree: beyond any use, below what a slot's number holds

}  // namespace

Result<std::unique_ptr<Engine>> Engine::Open(const std::string& path, const EngineOptions& options) {
  LP_ASSIGN_OR_RETURN(MappedFile mapped, MappedFile::Open(path));
  const size_t n_threads =
      options.n_threads != 0 ? options.n_threads : std::max(1u, std::thread::hardware_concurrency());
  std::unique_ptr<Engine> engine(new Engine(std::move(mapped), n_threads));

  auto file = GgufFile::Parse(engine->file_.bytes());
  if (!file.ok()) return file.error().Within(path);
  auto model = Model::Load(*file, options.context);
  if (!model.ok()) return model.error().Within(path);
  auto tokenizer = Tokenizer::Load(*file);
  if (!tokenizer.ok()) return tokenizer.error().Within(path);
  const std::string stem = std::filesystem::path(path).stem().string();  // `name` may be a view of it
  auto name = file->GetString("general.name", stem);
  if (!name.ok()) return name.error().Within(path);
  engine->model_ = std::move(model).value();
  engine->tokenizer_ = std::move(tokenizer).value();

  if (auto chat = ReadChatTemplate(*file); chat.ok()) engine->chat_template_ = std::move(chat).value();
  engine->search_ = std::make_unique<VocabularySearch>(*engine->tokenizer_);

  const ModelConfig& config = engine->model_->config();
  if (engine->tokenizer_->size() != config.n_vocab) {
    return Error{ErrorCode::kCorrupt,
                 StrCat("the tokenizer has ", engine->tokenizer_->size(), " tokens but the model has ", config.n_vocab,
                        " rows of logits; the file is damaged or was converted wrongly"),
                 "tokenizer.ggml.tokens"}
        .Within(path);
  }
  if (options.weights == WeightPlace::kCopied) {
    auto copies = engine->model_->CopyWeights(engine->pool_, [] { return true; });
    if (!copies.ok()) return Error{copies.error().code, copies.error().message + "; leave the weights in the file: --weights mapped", path};
    engine->UseCopies(std::move(copies).value());
  }
  engine->may_copy_ = options.weights == WeightPlace::kAuto;
  const size_t wanted = options.context != 0 ? options.context : kDefaultContext;
  const size_t context = std::min<size_t>(wanted, config.n_ctx);
  if (const uint64_t needed = KvCache::BytesFor(config, context), there_is = PhysicalMemory(); needed > there_is) {
    return Error{ErrorCode::kOutOfRange,
                 StrCat("the keys and values of ", context, " tokens need ", needed >> 20,
                        " MiB, and this machine has ", there_is >> 20, "; give a shorter context with -c"),
                 path};
  }
  const uint64_t budget = std::min<uint64_t>(options.cache_mib, PhysicalMemory() >> 20) << 20;
  engine->cache_ = std::make_unique<KvCache>(config, context, std::min<uint64_t>(budget / KvCache::BytesFor(config, 1), kMaxHeld));
  const size_t bytes = config.n_vocab * sizeof(float);
  engine->memory_ = std::make_unique<LogitsMemory>(std::max<size_t>(1, options.logits_budget_mib * 1024 * 1024 / bytes));
  engine->info_ = ModelInfo{.name = std::string(*name),
                            .file = path,
                            .architecture = config.architecture,
                            .quantization = std::string(engine->model_->quantization()),
                            .n_parameters = engine->model_->n_parameters(),
                            .file_bytes = engine->file_.bytes().size(),
                            .n_vocab = config.n_vocab,
                            .context_length = context};
  engine->facts_ = ModelFacts{.n_vocab = config.n_vocab, .n_context = context, .end_tokens = {}};
  for (size_t id = 0; id < config.n_vocab; ++id) {
    const auto token = static_cast<TokenId>(id);
    if (engine->tokenizer_->IsEnd(token)) engine->facts_.end_tokens.push_back(token);
  }
  return engine;
}

Result<std::vector<TokenId>> Engine::Prompt(std::string_view text, bool with_control) const {
  if (text.empty()) {
    return Error{ErrorCode::kOutOfRange, "the prompt is empty; give at least one character to continue from", "prompt"};
  }
  return tokenizer_->EncodePrompt(text, with_control);
}

Result<std::vector<TokenId>> Engine::Chat(const std::vector<ChatMessage>& messages, bool add_generation_prompt) const {
  if (chat_template_.empty()) {
    return Error{ErrorCode::kNotFound, "this model has no chat template: it was not trained to chat; give it a plain text to continue", info_.name};
  }
  const std::time_t now = std::time(nullptr);
  ChatTemplateOptions options{.add_generation_prompt = add_generation_prompt};
  ::localtime_r(&now, &options.now);
  return EncodeChat(chat_template_, messages, options, *tokenizer_);
}

Status Engine::Check(std::span<const TokenId> context) const {
  if (context.empty()) return Error{ErrorCode::kOutOfRange, "the context is empty; give at least one token", "/tokens"};
  if (context.size() > info_.context_length) {
    return Error{ErrorCode::kOutOfRange,
                 StrCat("the context is ", context.size(), " tokens long, but this model reads at most ",
                        info_.context_length, "; shorten it"),
                 "/tokens"};
  }
  for (size_t i = 0; i < context.size(); ++i) {
    if (context[i] < 0 || static_cast<size_t>(context[i]) >= info_.n_vocab) {
      return Error{ErrorCode::kInvalidArgument,
                   StrCat("token id ", context[i], " is not in the vocabulary of ", info_.n_vocab, " tokens"),
                   StrCat("/tokens/", i)};
    }
  }
  return Ok();
}

Status Engine::Advance(std::span<const TokenId> context, size_t n_logits, std::span<float> out,
                       const EvalProgress& progress, const Taps* taps) {
  // The last n_logits tokens are evaluated even where they are known: the cache has no logits.
  const size_t known = cache_->Follow(context.first(context.size() - n_logits));
  return model_->Evaluate(context.subspan(known), *cache_, n_logits, out, pool_, progress, taps);
}

Result<Evaluation> Engine::Evaluate(std::span<const TokenId> context, const EvalProgress& progress) {
  LP_RETURN_IF_ERROR(Check(context));
  if (LogitsHandle logits = memory_->Recall(context)) return Evaluation{std::move(logits), true, 0};
  const std::lock_guard lock(model_mutex_);
  if (LogitsHandle logits = memory_->Recall(context))
    return Evaluation{std::move(logits), true, 0};  // another request was first
  auto logits = std::make_shared<Logits>(info_.n_vocab);
  const bool one_token = cache_->Follow(context.first(context.size() - 1)) + 1 == context.size();
  const auto start = std::chrono::steady_clock::now();
  LP_RETURN_IF_ERROR(Advance(context, 1, *logits, progress));
  const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - start;
  if (one_token && spent.count() > 0) tokens_per_second_ = 1000 / spent.count();
  if (one_token && context.size() > 1) CopyInBackground();  // there may be many more
  memory_->Remember(context, logits);
  return Evaluation{std::move(logits), false, spent.count()};
}

void Engine::CopyInBackground() {
  if (!std::exchange(may_copy_, false) || model_->CopyBytes() > AvailableMemory() / 2) return;
  copier_ = std::jthread([this](const std::stop_token& stop) {
    ThreadPool alone(1);
    auto copies = model_->CopyWeights(alone, [&] { return !stop.stop_requested(); });
    if (!copies.ok()) return;  // stopped, or the memory is gone after all: the file serves
    const std::lock_guard lock(model_mutex_);
    UseCopies(std::move(copies).value());
  });
}

void Engine::UseCopies(WeightCopies copies) {
  model_->UseCopies(std::move(copies));
  file_.Forget();
  weights_are_copied_ = true;
}

void Engine::FinishCopying() {
  if (copier_.joinable()) copier_.join();
}

Status Engine::EvaluateEach(std::span<const TokenId> path, size_t from, const std::function<Status(size_t, const LogitsHandle&)>& visit,
                            const EvalProgress& progress) {
  LP_RETURN_IF_ERROR(Check(path));
  constexpr size_t kHeld = 16u << 20;  // floats evaluated at once: 64 MiB
  const size_t chunk = std::max<size_t>(1, kHeld / info_.n_vocab);
  for (size_t i = from; i < path.size();) {
    if (const LogitsHandle known = memory_->Recall(path.first(i + 1))) {
      LP_RETURN_IF_ERROR(visit(i++, known));
      continue;
    }
    size_t end = i + 1;  // as far as nothing is known
    while (end < path.size() && end - i < chunk && !memory_->Recall(path.first(end + 1))) ++end;
    LP_ASSIGN_OR_RETURN(const std::vector<float> logits, EvaluateAll(path.first(end), end - i, progress));
    for (size_t row = 0; i < end; ++i, ++row) {
      const auto one = logits.begin() + static_cast<std::ptrdiff_t>(row * info_.n_vocab);
      const auto handle = std::make_shared<Logits>(one, one + static_cast<std::ptrdiff_t>(info_.n_vocab));
      memory_->Remember(path.first(i + 1), handle);
      LP_RETURN_IF_ERROR(visit(i, handle));
    }
  }
  return Ok();
}

Result<std::vector<float>> Engine::EvaluateAll(std::span<const TokenId> context, size_t n_last,
                                               const EvalProgress& progress) {
  LP_RETURN_IF_ERROR(Check(context));
  LP_CHECK(n_last <= context.size());
  std::vector<float> logits(n_last * info_.n_vocab);
  const std::lock_guard lock(model_mutex_);
  LP_RETURN_IF_ERROR(Advance(context, n_last, logits, progress));
  return logits;
}

Result<std::vector<std::vector<float>>> Engine::Lens(std::span<const TokenId> context, const Taps& taps,
                                                      const EvalProgress& progress) {
  LP_RETURN_IF_ERROR(Check(context));
  std::vector<std::vector<float>> streams;
  Taps watching = taps;
  watching.residual = [&](size_t layer, std::span<const float> stream) {
    streams.emplace_back(stream.begin(), stream.end());
    if (taps.residual) taps.residual(layer, stream);
  };
  std::vector<float> logits(info_.n_vocab);
  const std::lock_guard lock(model_mutex_);
  LP_RETURN_IF_ERROR(Advance(context, 1, logits, progress, &watching));
  for (std::vector<float>& stream : streams) {
    std::vector<float> seen(info_.n_vocab);
    model_->Unembed(stream, seen, pool_);
    stream = std::move(seen);
  }
  return streams;
}

CacheUse Engine::cache_use() {
  const std::lock_guard lock(model_mutex_);
  return {cache_->n_held(), cache_->budget(), KvCache::BytesFor(model_->config(), cache_->n_held())};
}

}  // namespace lp
