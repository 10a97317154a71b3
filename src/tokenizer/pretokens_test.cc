// Pre-tokens against what Hugging Face tokenizers makes of the models' own patterns (tests/fixtures/pretokens.json, by
// tests/tools/make_pretokens.py): for rules whose vocabularies are too large to have at hand.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tokenizer/pretokenizer.h"

namespace lp {
namespace {

TEST(Pretokens, AreThoseOfTheModelsOwnPatterns) {
  std::ifstream in(std::string(LP_SOURCE_DIR) + "/tests/fixtures/pretokens.json");
  const auto fixture = nlohmann::json::parse(in);
  for (const auto& [name, cases] : fixture.at("pieces").items()) {
    const PretokenizerRule* rule = FindPretokenizerRule(name);
    ASSERT_NE(rule, nullptr) << name;
    for (const bool use_jit : {true, false}) {
      auto pretokenizer = Pretokenizer::Make(*rule, use_jit);
      ASSERT_TRUE(pretokenizer.ok()) << name << ": " << pretokenizer.error().ToString();
      for (size_t i = 0; i < cases.size(); ++i) {
        const auto text = fixture.at("texts").at(i).get<std::string>();
        const auto pieces = pretokenizer->Split(text);
        ASSERT_TRUE(pieces.ok());
        EXPECT_EQ(std::vector<std::string>(pieces->begin(), pieces->end()), cases.at(i).get<std::vector<std::string>>())
            << name << ": " << text;
      }
    }
  }
}
// Mutation: {Lt} left out of the capitals of Tekken -> red.

}  // namespace
}  // namespace lp
