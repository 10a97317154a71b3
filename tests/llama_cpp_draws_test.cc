// [D42] The tokens llama.cpp itself drew, step after step, from chains that leave its array in every order it can have:
// tests/fixtures/llama_cpp_draws.json, made by tests/tools/make_llama_cpp_draws.py.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "dialect/dialect.h"
#include "sampling/draw.h"

namespace lp {
namespace {

using nlohmann::json;

Chain ChainOf(const json& c) {
  Settings settings;
  for (const auto& [name, value] : c["settings"].items()) {
    if (name.starts_with("adaptive_")) continue;  // a stage of its own, below: it takes the place of llama.cpp's draw
    const Status status = SetFromText(settings, name, value.is_string() ? value.get<std::string>() : value.dump());
    EXPECT_TRUE(status.ok()) << status.error().ToString();
  }
  auto resolved = Resolve(Dialect::kLlamaCpp, settings, {.n_vocab = c["logits"].size()});
  EXPECT_TRUE(resolved.ok()) << resolved.error().ToString();
  resolved->chain.seed = c["seed"];
  if (c["settings"].contains("adaptive_target")) {
    resolved->chain.stages.push_back(
        AdaptiveP{c["settings"]["adaptive_target"], c["settings"].value("adaptive_decay", 0.9)});
  }
  return resolved->chain;
}

// Mutations, each red: take every narrow state for sorted; typical-p in rank order; adaptive-p from an empty memory; mu
// moved the wrong way.
TEST(LlamaCpp, DrawsTheSameTokens) {
  std::ifstream file(LP_SOURCE_DIR "/tests/fixtures/llama_cpp_draws.json");
  const json all = json::parse(file);
  const auto history = all["history"].get<std::vector<TokenId>>();
  ASSERT_GT(all["cases"].size(), 20u);
  for (const json& c : all["cases"]) {
    SCOPED_TRACE(c["settings"].dump());
    const auto logits = c["logits"].get<std::vector<float>>();
    const auto expected = c["drawn"].get<std::vector<TokenId>>();
    Chain chain = ChainOf(c);
    std::vector<TokenId> drawn;
    for (uint64_t position = 0; position < expected.size(); ++position) {
      const auto trace = Trace::Run(logits, {history, history.size(), position}, chain);
      ASSERT_TRUE(trace.ok()) << trace.error().ToString();
      drawn.push_back(DrawId(*trace));
      chain = Advance(*trace, drawn.back());
    }
    EXPECT_EQ(drawn, expected);
  }
}

}  // namespace
}  // namespace lp
