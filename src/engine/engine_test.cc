#include "engine/engine.h"

#include <gtest/gtest.h>

#include <random>

#include "distribution/sums.h"
#include "engine/generate.h"
#include "engine/score.h"
#include "engine/token_cost.h"
#include "support/tiny_model.h"

namespace lp {
namespace {

using testing::TinyModelFile;

std::unique_ptr<Engine> Open(const TinyModelFile& file, EngineOptions options = {.n_threads = 1}) {
  auto engine = Engine::Open(file.path(), options);
  LP_CHECK(engine.ok());
  return std::move(engine).value();
}

TEST(Engine, SaysWhatItLoaded) {
  const TinyModelFile file;
  const auto engine = Open(file);
  EXPECT_EQ(engine->info().name, "tiny");
  EXPECT_EQ(engine->info().architecture, "llama");
  EXPECT_EQ(engine->info().quantization, "F32");
  EXPECT_EQ(engine->info().n_vocab, 261u);
  EXPECT_EQ(engine->info().context_length, 64u);
  EXPECT_EQ(*engine->Prompt("hello"), (std::vector<TokenId>{260, 259}));
}

// Red under AddressSanitizer while the fallback was a view of a temporary.
TEST(Engine, AFileWithoutANameGoesByItsOwn) {
  const TinyModelFile file(true, 64, nullptr);
  const std::string name = Open(file)->info().name;
  EXPECT_TRUE(name.starts_with("logitpeek_tiny_")) << name;
  EXPECT_EQ(file.path(), "/tmp/" + name + ".gguf");
}

// Whatever was evaluated before, and whatever had to go for want of room, the logits of a path are the same bits.
// Mutation: keep one token too many in Advance -> red.
TEST(Engine, HistoryDoesNotChangeLogits) {
  const TinyModelFile file;
  for (const size_t cache_mib : {size_t{0}, size_t{1}}) {  // 0: one path of 64 tokens and nothing else
    const auto engine = Open(file, {.n_threads = 1, .cache_mib = cache_mib});
    std::mt19937 random(1);
    std::vector<TokenId> path = {260};
    for (unsigned step = 0; step < 60; ++step) {
      path.resize(1 + random() % path.size());  // rewind anywhere, then branch
      for (size_t n = 1 + random() % 25; n > 0 && path.size() < 64; --n) path.push_back(static_cast<TokenId>(random() % 261));
      const auto fresh = Open(file, {.n_threads = 1 + step % 4});
      const auto expected = fresh->Evaluate(path), got = engine->Evaluate(path);
      ASSERT_TRUE(expected.ok() && got.ok());
      ASSERT_EQ(*expected->logits, *got->logits) << "step " << step;
      ASSERT_LE(engine->cache_use().tokens, engine->cache_use().max_tokens);
    }
    EXPECT_EQ(engine->cache_use().max_tokens == 64, cache_mib == 0);
  }
}

TEST(Engine, KeepsEveryBranchWithinItsBudget) {
  const TinyModelFile file;
  const auto engine = Open(file, {.n_threads = 1, .cache_mib = 1});
  size_t computed = 0;
  const auto go = [&](std::vector<TokenId> path) {
    ASSERT_TRUE(engine->Evaluate(path, [&](size_t done, size_t total) { return computed += done == total ? total : 0, true; }).ok());
  };
  go({260, 1, 2, 3, 4, 5});
  go({260, 1, 2, 9, 8});
  EXPECT_EQ(computed, 6u + 2);
  go({260, 1, 2, 3, 4, 5, 6});  // the first branch is still there
  EXPECT_EQ(computed, 6u + 2 + 1);
  EXPECT_EQ(engine->cache_use().tokens, 9u);
  EXPECT_EQ(engine->cache_use().bytes / engine->cache_use().tokens, (1u << 20) / engine->cache_use().max_tokens);
}

TEST(Engine, RemembersLogitsWithinItsBudget) {
  const TinyModelFile file;
  const auto engine = Open(file, {.n_threads = 1, .logits_budget_mib = 1});  // 1 MiB / (261 * 4 bytes): 1004 entries
  const std::vector<TokenId> path = {260, 1, 2};
  EXPECT_FALSE(engine->Evaluate(path)->remembered);
  const auto again = engine->Evaluate(path);
  EXPECT_TRUE(again->remembered);
  EXPECT_EQ(again->milliseconds, 0);
  for (TokenId i = 0; i < 1004; ++i) ASSERT_TRUE(engine->Evaluate(std::vector<TokenId>{260, i % 250, i / 250, 5}).ok());
  EXPECT_FALSE(engine->Evaluate(path)->remembered);  // the oldest was dropped, and is simply computed again
}

TEST(Engine, WhereTheWeightsAreDoesNotShow) {
  const TinyModelFile file;
  std::vector<TokenId> path = {260, 1, 2, 3};
  const auto mapped = Open(file, {.n_threads = 1, .weights = WeightPlace::kMapped}), copied = Open(file, {.n_threads = 1, .weights = WeightPlace::kCopied});
  const auto one_by_one = Open(file, {.n_threads = 1});  // auto
  EXPECT_TRUE(copied->weights_are_copied());
  for (TokenId token = 4; token < 40; ++token) {
    const auto a = mapped->Evaluate(path), b = copied->Evaluate(path), c = one_by_one->Evaluate(path);
    ASSERT_TRUE(a.ok() && b.ok() && c.ok());
    EXPECT_EQ(*a->logits, *b->logits);
    EXPECT_EQ(*a->logits, *c->logits);
    path.push_back(token);
    if (token == 20) one_by_one->FinishCopying();
  }
  EXPECT_TRUE(one_by_one->weights_are_copied()) << "decoding has begun, and the model is small";
  mapped->FinishCopying();
  EXPECT_FALSE(mapped->weights_are_copied());
  EXPECT_EQ(Engine::Open("/nowhere/model.gguf", {.weights = WeightPlace::kCopied}).error().code, ErrorCode::kNotFound);
}
// Mutation: UseCopies without model_mutex_ is a race that a thread sanitizer sees; Evaluate never calls CopyInBackground -> red.

TEST(Engine, EndsWhileItCopies) {
  const TinyModelFile file;
  for (int i = 0; i < 50; ++i) {
    const auto engine = Open(file, {.n_threads = 1});
    ASSERT_TRUE(engine->Evaluate(std::vector<TokenId>{260, 1}).ok());
    ASSERT_TRUE(engine->Evaluate(std::vector<TokenId>{260, 1, 2}).ok());
  }
}

TEST(Engine, RefusesWhatItCannotEvaluate) {
  const TinyModelFile file;
  const auto engine = Open(file);
  EXPECT_EQ(engine->Evaluate({}).error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(engine->Evaluate(std::vector<TokenId>(65, 1)).error().code, ErrorCode::kOutOfRange);
  EXPECT_TRUE(engine->Evaluate(std::vector<TokenId>(64, 1)).ok());
  EXPECT_EQ(engine->Evaluate(std::vector<TokenId>{1, 261}).error().where, "/tokens/1");
  EXPECT_EQ(engine->Evaluate(std::vector<TokenId>{-1}).error().where, "/tokens/0");
  EXPECT_EQ(engine->Prompt("").error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(Engine::Open("/nowhere/model.gguf").error().code, ErrorCode::kNotFound);
}

TEST(Generate, SameSeedSameTokensOnAnyNumberOfThreads) {
  const TinyModelFile file;
  const auto run = [&](size_t threads, uint64_t seed) {
    const auto engine = Open(file, {.n_threads = threads});
    std::vector<TokenId> context = {260, 104};
    const auto stop = Generate(*engine, context, {.seed = seed}, 30, [](const GeneratedToken&) { return true; });
    LP_CHECK(stop.ok());
    return context;
  };
  EXPECT_EQ(run(1, 7), run(3, 7));
  EXPECT_NE(run(1, 7), run(1, 8));
}

TEST(Generate, StopsWhenTheContextIsFull) {
  const TinyModelFile file;
  const auto engine = Open(file);
  std::vector<TokenId> context(60, 104);
  size_t n = 0;
  const auto stop = Generate(*engine, context, {.stages = {Temperature{0}}}, 100, [&](const GeneratedToken& t) {
    EXPECT_EQ(t.position, 60 + n);
    ++n;
    return true;
  });
  ASSERT_TRUE(stop.ok());
  if (*stop == StopReason::kContextFull) {
    EXPECT_EQ(n, 5u);  // the last one follows 64 tokens
  } else {
    EXPECT_EQ(*stop, StopReason::kEndOfText);
  }
}

// Mutation: count token_embd.weight where a head of its own leaves it to look-ups -> red.
TEST(TokenCost, HasEveryLayerAndTheBytesThatAreRead) {
  const TinyModelFile file;
  const std::vector<TokenId> context(20, 5);
  const auto cost = MeasureTokenCost(file.path(), false, 2, context, 4);
  ASSERT_TRUE(cost.ok()) << cost.error().message;
  const auto mapped = MappedFile::Open(file.path());
  const auto gguf = GgufFile::Parse(mapped->bytes());
  uint64_t read = 0;
  for (const GgufTensor& tensor : gguf->tensors()) read += tensor.data.size();
  if (gguf->FindTensor("output.weight")) read -= gguf->FindTensor("token_embd.weight")->data.size();
  EXPECT_EQ(cost->weight_bytes, read);
  EXPECT_EQ(cost->layer_ms.size(), 2u);
  for (const double ms : cost->layer_ms) EXPECT_GT(ms, 0);
  EXPECT_GT(cost->head_ms, 0);
}

// [D15] by the definition: every window evaluated on its own, no KV reuse, one position at a time.
TEST(Score, WindowsEqualTheDefinition) {
  for (const bool bos : {true, false}) {
    const TinyModelFile file(bos, 16);
    const auto engine = Open(file), fresh = Open(file);
    const std::string text = "hello, the hello of hellos is a hello that says hello to every hello in the world";
    const auto score = ScoreText(*engine, text);
    ASSERT_TRUE(score.ok());
    std::vector<TokenId> stream = *fresh->tokenizer().Encode(text);
    EXPECT_EQ(score->tokens.size(), stream.size() - (bos ? 0 : 1));
    if (bos) stream.insert(stream.begin(), 260);
    ASSERT_GT(stream.size(), 40u);
    double nll = 0;
    size_t scored = 0;
    for (size_t start = 0; scored + 1 < stream.size(); start += 8) {
      for (size_t target = scored + 1; target < std::min(stream.size(), start + 16); ++target) {
        const std::span<const TokenId> before(stream.data() + start, target - start);
        const std::vector<float>& logits = *fresh->Evaluate(before)->logits;
        const double logprob =
            static_cast<double>(logits[static_cast<size_t>(stream[target])]) - ComputeSums(LogitVector(logits)).total.LogSumExp();
        EXPECT_EQ(score->tokens[scored].id, stream[target]);
        EXPECT_NEAR(score->tokens[scored].logprob, logprob, 1e-9);
        nll -= logprob;
        ++scored;
      }
    }
    EXPECT_NEAR(score->nll, nll, 1e-6);
    EXPECT_EQ(score->n_bytes, text.size() - (bos ? 0 : 5));  // without BOS "hello" has nothing before it
    EXPECT_NEAR(score->bits_per_byte(), nll / std::log(2) / static_cast<double>(score->n_bytes), 1e-9);
  }
}

TEST(Score, RefusesEmptyAndSingleTokens) {
  const TinyModelFile with_bos(true), without(false);
  EXPECT_FALSE(ScoreText(*Open(with_bos), "").ok());
  EXPECT_TRUE(ScoreText(*Open(with_bos), "hello").ok());
  EXPECT_FALSE(ScoreText(*Open(without), "hello").ok());
}

}  // namespace
}  // namespace lp
