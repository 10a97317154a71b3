// Control tokens spelled out in text: parsed where asked for, text everywhere else.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "support/shared_data.h"
#include "support/small_vocabularies.h"
#include "tokenizer/tokenizer.h"

namespace lp {
namespace {

using testing::Bytes;

std::unique_ptr<Tokenizer> Load(const Bytes& bytes) {
  const auto file = GgufFile::Parse(bytes);
  EXPECT_TRUE(file.ok());
  auto tokenizer = Tokenizer::Load(*file);
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.error().ToString();
  return std::move(tokenizer).value();
}

std::vector<TokenId> WithControl(const Tokenizer& t, const std::string& text) {
  const auto ids = t.EncodeWithControl(text);
  EXPECT_TRUE(ids.ok());
  return ids.ok() ? *ids : std::vector<TokenId>();
}

TEST(ControlTokens, AreFoundOnlyWhereAskedFor) {
  const auto t = Load(testing::BpeFile({"h i"}).Build());
  const TokenId hi = 256, end = 257;
  EXPECT_EQ(WithControl(*t, "<|endoftext|>hi<|endoftext|><|endoftext|>"), (std::vector<TokenId>{end, hi, end, end}));
  EXPECT_EQ(WithControl(*t, "hi"), std::vector<TokenId>{hi});
  EXPECT_TRUE(WithControl(*t, "").empty());
  EXPECT_EQ(t->Encode("<|endoftext|>")->size(), 13u);
  EXPECT_EQ(WithControl(*t, "<|endoftext|").size(), 12u);
}
// Mutation: Encode with control tokens, too -> red.

TEST(ControlTokens, APromptHasOneBos) {
  const auto t = Load(testing::BpeFile({"h i"}).Set("tokenizer.ggml.add_bos_token", true).Build());
  const TokenId hi = 256, bos = 257;
  EXPECT_EQ(*t->EncodePrompt("hi", true), (std::vector<TokenId>{bos, hi}));
  EXPECT_EQ(*t->EncodePrompt("<|endoftext|>hi", true), (std::vector<TokenId>{bos, hi}));  // Mutation: always add one -> red
  EXPECT_EQ(t->EncodePrompt("<|endoftext|>hi")->size(), 15u);
  EXPECT_EQ(*t->EncodePrompt("", true), std::vector<TokenId>{bos});
}

TEST(ControlTokens, SentencePieceBeginsAnewBehindThem) {
  testing::SmallVocabulary v = testing::SentencePieceHead();
  const TokenId space_a = v.Add(
                    "\xE2\x96\x81"
                    "a"),
                a = v.Add("a");
  v.Add("\xE2\x96\x81");
  const auto t = Load(testing::SentencePieceFile(v).Build());
  EXPECT_EQ(WithControl(*t, "<s>a</s>a"), (std::vector<TokenId>{1, space_a, 2, space_a}));
  EXPECT_EQ(*t->EncodeContinuation("a"), std::vector<TokenId>{a});
  EXPECT_EQ(WithControl(*t, "<unk>"), std::vector<TokenId>{0});
}

TEST(ControlTokens, OfPhi3EatTheSpaceBehindThem) {
  testing::SmallVocabulary v = testing::SentencePieceHead();
  const TokenId user = v.Add("<|user|>", testing::kControlType), a = v.Add("a");
  for (const bool phi : {true, false}) {
    const auto t = Load(testing::SentencePieceFile(v)
                            .Set("tokenizer.ggml.add_space_prefix", false)
                            .Set("general.name", phi ? "Phi-3-mini" : "other")
                            .Build());
    const TokenId newline = 3 + 10;
    EXPECT_EQ(WithControl(*t, "<|user|>\n a"),
              phi ? (std::vector<TokenId>{user, a}) : (std::vector<TokenId>{user, newline, 3 + 32, a}));
    EXPECT_EQ(WithControl(*t, "<s>\n"), (std::vector<TokenId>{1, newline}));
    EXPECT_EQ(WithControl(*t, "<|user|>\n"), phi ? std::vector<TokenId>{user} : (std::vector<TokenId>{user, newline}));
  }
}

// Real vocabularies: every control token is found by its spelling, between other text.
class ControlOfVocabulary : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Files, ControlOfVocabulary,
                         ::testing::Values("gpt-2", "llama-bpe", "qwen2", "falcon", "deepseek-llm", "llama-spm",
                                           "phi-3"));

TEST_P(ControlOfVocabulary, EverySpellingIsItsToken) {
  LP_SHARED_OR_SKIP(path, std::string("data/tokenizers/ggml-vocab-") + GetParam() + ".gguf");
  const auto mapped = MappedFile::Open(path);
  ASSERT_TRUE(mapped.ok());
  const auto file = GgufFile::Parse(mapped->bytes());
  ASSERT_TRUE(file.ok());
  const auto loaded = Tokenizer::Load(*file);
  ASSERT_TRUE(loaded.ok());
  const Tokenizer& t = **loaded;
  size_t n = 0;
  for (size_t id = 0; id < t.size(); ++id) {
    const TokenPiece& piece = t.Piece(static_cast<TokenId>(id));
    if (!piece.special || piece.name.empty() || piece.name.starts_with("[PAD")) continue;
    const std::vector<TokenId> ids = WithControl(t, "Hello" + piece.name + "you");
    EXPECT_EQ(std::count(ids.begin(), ids.end(), piece.id), 1) << piece.name;
    ++n;
  }
  EXPECT_GT(n, 0u);
}

}  // namespace
}  // namespace lp
