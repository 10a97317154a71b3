// Byte-level BPE on a vocabulary of a few merges; the real ones are in tokenizer_shared_test.cc.
#include "tokenizer/bpe.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>
#include <chrono>

#include "support/small_vocabularies.h"

namespace lp {
namespace {

using testing::BpeFile;
using testing::Bytes;
using testing::GgufWriter;
using Ids = std::vector<TokenId>;

std::unique_ptr<Tokenizer> Load(const GgufWriter& writer) {
  const Bytes bytes = writer.Build();  // gone when this returns: the tokenizer must not need it
  const auto file = GgufFile::Parse(bytes);
  EXPECT_TRUE(file.ok()) << file.error().ToString();
  auto tokenizer = Tokenizer::Load(*file);
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.error().ToString();
  return std::move(tokenizer).value();
}

TEST(Bpe, MergesByRankNotByPlace) {
  // "abc": a+b stands left, but b+c is the earlier merge. Mutation: no rank, leftmost first -> red.
  const auto tokenizer = Load(BpeFile({"b c", "a b", "a bc"}));
  EXPECT_EQ(tokenizer->Encode("abc").value(), (Ids{258}));
  EXPECT_EQ(tokenizer->Encode("ab").value(), (Ids{257}));
  EXPECT_EQ(tokenizer->Encode("aab").value(), (Ids{'a', 257}));
  EXPECT_EQ(tokenizer->Encode("bcbc").value(), (Ids{256, 256}));
  EXPECT_EQ(tokenizer->Encode("").value(), Ids{});
}

TEST(Bpe, OfEqualsTheLeftmostFirst) {
  const auto tokenizer = Load(BpeFile({"a a"}));
  EXPECT_EQ(tokenizer->Encode("aaa").value(), (Ids{256, 'a'}));
  EXPECT_EQ(tokenizer->Encode("aaaaa").value(), (Ids{256, 256, 'a'}));
}

TEST(Bpe, MergesStayInsidePretokens) {
  const auto tokenizer = Load(BpeFile({"a \xC4\xA0", "\xC4\xA0 b"}));
  EXPECT_EQ(tokenizer->Encode("a b").value(), (Ids{'a', 257}));
  EXPECT_EQ(tokenizer->Piece(257).bytes, " b");
  EXPECT_EQ(tokenizer->Piece(257).name,
            "\xC4\xA0"
            "b");
}

TEST(Bpe, IgnoresMergesWhereTheModelDoes) {
  // "abc" is a token that no order of merges leads to. Llama 3 takes it, GPT-2 never finds it.
  const std::vector<std::string> merges = {"b c", "a b", "ab c"};
  EXPECT_EQ(Load(BpeFile(merges, "gpt-2"))->Encode("abc").value(), (Ids{'a', 256}));
  EXPECT_EQ(Load(BpeFile(merges, "llama-bpe"))->Encode("abc").value(), (Ids{258}));
}

TEST(Bpe, ControlTokensInTextStayText) {
  const auto tokenizer = Load(BpeFile({"< |"}));
  const TokenId end = 257;
  EXPECT_TRUE(tokenizer->Piece(end).special);
  EXPECT_EQ(tokenizer->Piece(end).bytes, "");
  EXPECT_EQ(tokenizer->Piece(end).name, "<|endoftext|>");
  const Ids ids = tokenizer->Encode("<|endoftext|>").value();
  EXPECT_EQ(std::count(ids.begin(), ids.end(), end), 0);
  EXPECT_EQ(tokenizer->Decode(ids), "<|endoftext|>");
  EXPECT_TRUE(tokenizer->IsEnd(end));
  EXPECT_FALSE(tokenizer->IsEnd(0));
  EXPECT_EQ(tokenizer->Decode({'a', end, 'b', -1, 100000}), "ab");
}

TEST(Bpe, BosOnlyWhereTheFileAsks) {
  EXPECT_FALSE(Load(BpeFile({}))->adds_bos());
  EXPECT_EQ(Load(BpeFile({}))->EncodePrompt("a").value(), (Ids{'a'}));
  EXPECT_EQ(Load(BpeFile({}).Set("tokenizer.ggml.add_bos_token", true))->EncodePrompt("a").value(), (Ids{256, 'a'}));
  EXPECT_TRUE(Load(BpeFile({}, "llama-bpe"))->adds_bos()) << "what Llama 3 means by not saying";
  EXPECT_FALSE(Load(BpeFile({}, "llama-bpe").Set("tokenizer.ggml.add_bos_token", false))->adds_bos());
}

TEST(Bpe, KindNamesThePretokenizer) {
  EXPECT_EQ(Load(BpeFile({}))->kind(), "byte-level BPE (gpt-2)");
  EXPECT_EQ(Load(BpeFile({}, "llama3"))->kind(), "byte-level BPE (llama3)");
}

// A vocabulary of three letters, as that of the model that sorts them.
TEST(Bpe, VocabularyWithoutAllBytes) {
  const auto file = [] {
    return GgufWriter()
        .Set("tokenizer.ggml.model", "gpt2")
        .Set("tokenizer.ggml.pre", "gpt-2")
        .Set("tokenizer.ggml.tokens", std::vector<std::string>{"A", "B", "<unk>"})
        .Set("tokenizer.ggml.token_type", std::vector<int32_t>{1, 1, 2})
        .Set("tokenizer.ggml.merges", std::vector<std::string>{});
  };
  const auto tokenizer = Load(file());
  EXPECT_EQ(tokenizer->Encode("BAB").value(), (Ids{1, 0, 1}));
  const auto missing = tokenizer->Encode("BAD");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().message,
            "the byte 0x44 at 2 of the text has no token in this model's vocabulary of 3: leave it out");
  EXPECT_EQ(Load(file().Set("tokenizer.ggml.unknown_token_id", 2u))->Encode("BAD").value(), (Ids{1, 0, 2}));
}

TEST(Bpe, UserDefinedTokensAreFoundBeforeAnyMerge) {
  testing::SmallVocabulary v = testing::AllBytes();
  const TokenId word = v.Add("[X]", testing::kUserDefinedType), longer = v.Add("[X][Y]", testing::kUserDefinedType);
  const TokenId spaces = v.Add("  ", testing::kUserDefinedType), letter = v.Add("\xC3\xB8", testing::kUserDefinedType);
  v.types[0xF8] = 1,
  v.tokens[0xF8] = "\xC4\x80\xC4\x80";  // the byte 0xF8 has no token of its own, as in DeepSeek's vocabulary
  const auto tokenizer = Load(GgufWriter()
                                  .Set("tokenizer.ggml.model", "gpt2")
                                  .Set("tokenizer.ggml.pre", "gpt-2")
                                  .Set("tokenizer.ggml.tokens", v.tokens)
                                  .Set("tokenizer.ggml.token_type", v.types)
                                  .Set("tokenizer.ggml.merges", std::vector<std::string>{}));
  EXPECT_EQ(tokenizer->Encode("a[X]b").value(), (Ids{'a', word, 'b'}));
  EXPECT_EQ(tokenizer->Encode("[X][X][Y]").value(), (Ids{word, longer})) << "the longer one wins";
  EXPECT_EQ(tokenizer->Encode("   a").value(), (Ids{spaces, ' ', 'a'}));
  // The token "ø" is that letter, not the byte that the alphabet writes so. Mutation: let user-defined tokens into
  // by_bytes_ -> red.
  EXPECT_EQ(tokenizer->Encode("\xC3\xB8").value(), (Ids{letter}));
  EXPECT_EQ(tokenizer->Piece(letter).bytes, "\xC3\xB8");
  EXPECT_FALSE(tokenizer->Encode("\xF8").ok());
  EXPECT_FALSE(tokenizer->Piece(word).special);
}

// Mutation: drop the bytes of an invalid run in Pretokenizer::Split -> red.
RC_GTEST_PROP(BpeProperty, DecodesWhatItEncodes, (const std::vector<uint8_t>& bytes)) {
  static const auto kTokenizer = Load(BpeFile(
      {"h e", "l l", "he ll", "hell o", "\xC4\xA0 w", "\xC3\x83 \xC2\xA9", "\xC3\xBF \xC3\xBF", "\xC4\x80 \xC4\x80"}));
  const std::string text(bytes.begin(), bytes.end());
  for (const std::string& input : {text, "hello w\xC3\xA9" + text + "\xFF\xFF", text + text}) {
    const Ids ids = kTokenizer->EncodePrompt(input).value();
    RC_ASSERT(kTokenizer->Decode(ids) == input);
  }
}

// One pre-token of 1 MB: by a heap, not by scanning for the best pair after every merge. 0.25 s here; quadratic would
// be hours.
TEST(Bpe, LongPretokensAreNotQuadratic) {
  std::vector<std::string> merges;
  std::string a = "a";
  for (int i = 0; i < 6; ++i, a += a) merges.push_back(a + " " + a);  // up to 64 of them
  const auto tokenizer = Load(BpeFile(merges));
  const std::string text(1 << 20, 'a');
  const auto start = std::chrono::steady_clock::now();
  const Ids ids = tokenizer->Encode(text).value();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(ids.size(), (1u << 20) / 64);
  EXPECT_LT(seconds.count(), 20);
}

}  // namespace
}  // namespace lp
