#include "dialect/translate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "metrics/compare.h"
#include "support/reference_distribution.h"

namespace lp {
namespace {

Translation Say(const std::string& from, Dialect to, const std::vector<float>& logits, const Step& step = {}) {
  const auto wanted = ParseDialectSettings(from);
  LP_CHECK(wanted.ok());
  auto translation = Translate(*wanted, to, logits, step, {});
  LP_CHECK(translation.ok());
  return std::move(translation).value();
}

std::vector<float> Zipf(size_t n) {
  std::vector<float> x;
  for (size_t rank = 1; rank <= n; ++rank) x.push_back(static_cast<float>(-1.1 * std::log(static_cast<double>(rank))));
  return x;
}

// Exact where algebra allows: the same for any logits, here for several.
TEST(Translate, MinPAcrossTheTemperature) {
  for (const auto& [name, x] : reference::HardLogits(500)) {
    const Translation t = Say("dialect=llama.cpp,temp=0.5,min_p=0.1,top_k=0,top_p=1", Dialect::kVllm, x);
    EXPECT_TRUE(t.exact) << name;
    EXPECT_NEAR(*t.settings.min_p, 0.01, 1e-12);
    EXPECT_NEAR(t.total_variation, 0, 1e-7) << name;
    EXPECT_NE(t.how.find("min_p"), std::string::npos);
    const Translation back = Say("dialect=vllm,temperature=0.5,min_p=0.01", Dialect::kLlamaCpp, x);
    EXPECT_TRUE(back.exact);
    EXPECT_NEAR(*back.settings.min_p, 0.1, 1e-12);
  }
}

TEST(Translate, ExactWithoutATemperature) {
  const std::vector<float> x = Zipf(300);
  EXPECT_TRUE(Say("dialect=vllm,top_k=40", Dialect::kTransformers, x).exact);
  EXPECT_TRUE(Say("dialect=llama.cpp,temp=1,top_k=40,top_p=0.9,min_p=0", Dialect::kTransformers, x).exact);
  EXPECT_TRUE(Say("dialect=transformers,do_sample=false", Dialect::kLlamaCpp, x).exact);
  const Translation greedy = Say("temperature=0", Dialect::kTransformers, x);
  EXPECT_TRUE(greedy.exact);
  EXPECT_EQ(greedy.settings.do_sample, false);
  // min-p before top-k or after it is the same; before top-p it is not.
  EXPECT_TRUE(Say("dialect=vllm,min_p=0.02,top_k=40", Dialect::kLogitpeek, x).exact);
  EXPECT_FALSE(Say("dialect=vllm,min_p=0.02,top_p=0.9", Dialect::kLogitpeek, x).exact);
}

// top-p before the temperature has no equal after it for all logits; on these there is one that keeps the same tokens.
TEST(Translate, FitsTheNucleus) {
  const std::vector<float> x = Zipf(1000);
  const Translation t = Say("dialect=llama.cpp,temp=0.7,top_p=0.8,top_k=0,min_p=0", Dialect::kVllm, x);
  EXPECT_FALSE(t.exact);
  EXPECT_NEAR(t.total_variation, 0, 1e-7);
  EXPECT_GT(*t.settings.top_p, 0.8);
  EXPECT_NE(t.how.find("top_p"), std::string::npos);
  // The words as they are would not do.
  const auto a = Trace::Run(x, {}, Resolve(*ParseDialectSettings("dialect=llama.cpp,temp=0.7,top_p=0.8,top_k=0,min_p=0"), {})->chain);
  const auto b = Trace::Run(x, {}, Resolve(*ParseDialectSettings("dialect=vllm,temperature=0.7,top_p=0.8"), {})->chain);
  EXPECT_GT(Compare(*a, *b).total_variation, 0.01);
}

// Where the target has no such stage, the nearest it can say, and what it cannot is noted.
TEST(Translate, TheMinimiserOfKl) {
  const std::vector<float> x = Zipf(1000);
  const std::vector<TokenId> history = {0, 1};
  const Translation t = Say("dialect=llama.cpp,repetition_penalty=1.5,temp=1,top_k=20,top_p=1,min_p=0", Dialect::kOpenAi, x, Step::After(history));
  EXPECT_FALSE(t.exact);
  EXPECT_TRUE(std::isfinite(t.kl_forward));
  EXPECT_GT(t.kl_forward, 0);
  bool noted = false;
  for (const std::string& note : t.notes) noted = noted || note.find("repetition_penalty") != std::string::npos;
  EXPECT_TRUE(noted);
  // No temperature near it is better, with the nucleus that holds all the source keeps.
  const auto source = Trace::Run(x, Step::After(history), Resolve(*ParseDialectSettings("dialect=llama.cpp,repetition_penalty=1.5,temp=1,top_k=20,top_p=1,min_p=0"), {})->chain);
  for (const double factor : {0.9, 1.1}) {
    Settings other = t.settings;
    other.temperature = *other.temperature * factor;
    other.top_p = 1.0;
    const auto open = Trace::Run(x, Step::After(history), Resolve(Dialect::kOpenAi, other, {})->chain);
    double through = 0;
    for (size_t rank = 1; rank <= 20; ++rank) through += open->Row(rank).prob;
    other.top_p = through;
    const auto target = Trace::Run(x, Step::After(history), Resolve(Dialect::kOpenAi, other, {})->chain);
    EXPECT_GE(Compare(*source, *target).kl_a_b, t.kl_forward * 0.999) << factor;
  }
}

// What the target does not take comes as close as its ranges allow, and is said.
TEST(Translate, OutsideTheRangesOfTheTarget) {
  const std::vector<float> x = Zipf(300);
  const Translation hot = Say("temperature=3", Dialect::kVllm, x);
  EXPECT_EQ(hot.settings.temperature, 2.0);
  EXPECT_FALSE(hot.exact);
  ASSERT_EQ(hot.notes.size(), 1u);
  EXPECT_NE(hot.notes[0].find("temperature from 0 to 2"), std::string::npos);
  // A top_p of 0 keeps one token in llama.cpp, is refused by vLLM and switches top-p off in Ollama's MLX runner.
  const Translation one = Say("dialect=llama.cpp,top_p=0,temp=1", Dialect::kVllm, x);
  EXPECT_TRUE(one.exact);
  EXPECT_GT(*one.settings.top_p, 0);
  EXPECT_TRUE(Say("dialect=ollama-mlx,top_p=0,temperature=1", Dialect::kTransformers, x).exact);
}

// llama.cpp alone can be told an order: what cuts after the temperature elsewhere is the same there, for any logits.
TEST(Translate, ToLlamaCppWithAnOrder) {
  const std::vector<float> x = Zipf(300);
  const Translation t = Say("dialect=transformers,temperature=0.7,top_k=50,top_p=0.9,min_p=0.02,typical_p=0.8", Dialect::kLlamaCpp, x);
  EXPECT_TRUE(t.exact);
  EXPECT_EQ(t.settings.samplers, "tkpmy");
  EXPECT_EQ(*t.settings.min_p, 0.02);
  EXPECT_EQ(Say("dialect=vllm,temperature=0.7,top_k=50,top_p=0.9,min_p=0.02", Dialect::kLlamaCpp, x).settings.samplers, "tmkp");
  // Where its own order will do, nothing is said about it.
  EXPECT_FALSE(Say("dialect=vllm,temperature=0.7,min_p=0.02", Dialect::kLlamaCpp, x).settings.samplers);
}

TEST(Translate, ListsAreTheSameOrAreNot) {
  const std::vector<float> x = Zipf(300);
  EXPECT_TRUE(Say("dialect=openai,logit_bias=3:2.5;7:-1", Dialect::kVllm, x).exact);
  EXPECT_TRUE(Say("dialect=transformers,suppress_tokens=1/2,bad_words_ids=4", Dialect::kLogitpeek, x).exact);
  EXPECT_FALSE(Say("dialect=transformers,suppress_tokens=1/2", Dialect::kOpenAi, x).exact);
}

// At temperature 0 llama.cpp takes the best of what its cuts left, and typical_p may have cut the best of all.
TEST(Translate, GreedyAfterTypicalP) {
  const std::vector<float> x = Zipf(300);
  EXPECT_TRUE(Say("dialect=llama.cpp,temp=0", Dialect::kTransformers, x).exact);
  const Translation t = Say("dialect=llama.cpp,temp=0,typical_p=0.2", Dialect::kTransformers, x);
  EXPECT_FALSE(t.exact);
  EXPECT_TRUE(std::isinf(t.kl_forward));
  bool said = false;
  for (const std::string& note : t.notes) said = said || note.find("is infinite") != std::string::npos;
  EXPECT_TRUE(said);
}

// A chain spelled out, as far as settings have words for it.
TEST(Translate, AChain) {
  DialectSettings wanted;
  wanted.chain = "temperature=0.5;top_k=40;min_p=0.01";
  const std::vector<float> x = Zipf(300);
  const auto t = Translate(wanted, Dialect::kLlamaCpp, x, {}, {});
  ASSERT_TRUE(t.ok());
  EXPECT_TRUE(t->exact);
  EXPECT_NEAR(*t->settings.min_p, 0.1, 1e-12);
}

}  // namespace
}  // namespace lp
