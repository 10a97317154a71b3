// The example prompts of the page are still what they are shown for: their figures (training/prompts.py wrote them) hold on the shipped model.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "engine/engine.h"
#include "engine/models.h"
#include "metrics/metrics.h"
#include "wire/wire.h"

namespace lp {
namespace {

class ExamplePrompts : public ::testing::Test {
 protected:
  static std::unique_ptr<Engine> Open() { return std::move(Engine::Open(*ResolveModel(""), {.n_threads = 1})).value(); }
  static Json Prompts() {
    std::ifstream file(LP_SOURCE_DIR "/web/src/lib/course/prompts.json");
    return Json::parse(file);
  }
};

// Mutation: change any figure in the file by a twentieth -> red.
TEST_F(ExamplePrompts, FiguresHold) {
  const auto engine = Open();
  const Json prompts = Prompts();
  EXPECT_GE(prompts.size(), 16u);
  for (const Json& prompt : prompts) {
    const std::string text = prompt["text"];
    SCOPED_TRACE(text);
    const auto tokens = engine->Prompt(text);
    ASSERT_TRUE(tokens.ok());
    const auto evaluation = engine->Evaluate(*tokens);
    ASSERT_TRUE(evaluation.ok());
    const auto trace = Trace::Run(*evaluation->logits, {*tokens, tokens->size(), tokens->size()}, Chain{});
    ASSERT_TRUE(trace.ok());
    const Json& figures = prompt["figures"];
    double mass = 0, mass_of_40 = 0;
    size_t n_for_p90 = 0;
    for (const TokenRow& row : trace->Rows(engine->info().n_vocab)) {
      if (mass < 0.9) ++n_for_p90;
      mass += row.prob_raw;
      if (row.rank <= 40) mass_of_40 = mass;
    }
    EXPECT_NEAR(NatsToBits(ComputeMetrics(*trace).raw_entropy), figures["entropy_bits"].get<double>(), 2e-3);
    EXPECT_NEAR(trace->Row(1).prob_raw, figures["top1_prob"].get<double>(), 1e-4);
    EXPECT_NEAR(trace->Row(2).prob_raw, figures["top2_prob"].get<double>(), 1e-4);
    EXPECT_EQ(TokenText(engine->tokenizer().Piece(trace->Row(1).id)), figures["top1_text"].get<std::string>());
    EXPECT_EQ(n_for_p90, figures["n_for_p90"].get<size_t>());
    EXPECT_NEAR(mass_of_40, figures["mass_of_40"].get<double>(), 1e-4);
  }
}

// There is one for everything the course shows, and each shows it.
TEST_F(ExamplePrompts, EachIsWhatItIsShownFor) {
  std::map<std::string, int> kinds;
  for (const Json& prompt : Prompts()) {
    const Json& f = prompt["figures"];
    const std::string kind = prompt["kind"];
    SCOPED_TRACE(prompt["text"].get<std::string>());
    ++kinds[kind];
    const double entropy = f["entropy_bits"], first = f["top1_prob"], second = f["top2_prob"];
    if (kind == "certain") {
      EXPECT_LT(entropy, 0.5);
    } else if (kind == "open") {
      EXPECT_GT(entropy, 6);
    } else if (kind == "split") {
      EXPECT_GT(second, 0.15);
      EXPECT_GT(first + second, 0.6);
    } else if (kind == "loop") {
      EXPECT_TRUE(f["greedy_period"].is_number());
    } else if (kind == "k_wastes" || kind == "p_narrow") {
      EXPECT_LE(f["n_for_p90"], 20);
    } else if (kind == "k_starves") {
      EXPECT_LT(f["mass_of_40"], 0.6);
    } else if (kind == "p_wide") {
      EXPECT_GE(f["n_for_p90"], 200);
    } else if (kind == "out_of_domain") {
      EXPECT_GT(entropy, 4);
    } else {
      EXPECT_EQ(kind, "half_word");
      EXPECT_GT(first, 0.3);
    }
  }
  EXPECT_EQ(kinds.size(), 10u);
}

// A greedy loop: the last tokens of a long greedy text are three times the same.
TEST_F(ExamplePrompts, LoopsLoop) {
  const auto engine = Open();
  for (const Json& prompt : Prompts()) {
    if (prompt["kind"] != "loop") continue;
    SCOPED_TRACE(prompt["text"].get<std::string>());
    std::vector<TokenId> tokens = *engine->Prompt(prompt["text"].get<std::string>());
    const size_t n_prompt = tokens.size();
    while (tokens.size() < n_prompt + 150) {
      const auto evaluation = engine->Evaluate(tokens);
      ASSERT_TRUE(evaluation.ok());
      const auto& logits = *evaluation->logits;
      tokens.push_back(static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin()));
      if (engine->tokenizer().IsEnd(tokens.back())) break;
    }
    const auto period = static_cast<std::ptrdiff_t>(prompt["figures"]["greedy_period"].get<int>());
    ASSERT_LE(3 * period, std::ssize(tokens));
    EXPECT_TRUE(std::equal(tokens.end() - 2 * period, tokens.end(), tokens.end() - 3 * period));
  }
}

}  // namespace
}  // namespace lp
