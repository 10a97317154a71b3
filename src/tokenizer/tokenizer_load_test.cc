// Metadata that contradicts itself or asks for what is not there: one clear error each.
#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>
#include <limits>

#include "support/small_vocabularies.h"
#include "tokenizer/tokenizer.h"

namespace lp {
namespace {

using testing::BpeFile;
using testing::Bytes;
using testing::GgufWriter;
using testing::SentencePieceFile;
using testing::SentencePieceHead;
using testing::SmallVocabulary;

void ExpectError(const GgufWriter& writer, ErrorCode code, const std::string& where, const std::string& part) {
  const Bytes bytes = writer.Build();
  const auto file = GgufFile::Parse(bytes);
  ASSERT_TRUE(file.ok()) << file.error().ToString();
  const auto tokenizer = Tokenizer::Load(*file);
  ASSERT_FALSE(tokenizer.ok()) << "loaded, but should say: " << part;
  EXPECT_EQ(tokenizer.error().code, code) << tokenizer.error().ToString();
  EXPECT_EQ(tokenizer.error().where, where) << tokenizer.error().ToString();
  EXPECT_NE(tokenizer.error().message.find(part), std::string::npos) << tokenizer.error().ToString();
}

// The three lists of a vocabulary of "a" and "b", each of which a test may replace.
GgufWriter Spm(const std::vector<std::string>& tokens, const std::vector<float>& scores,
               const std::vector<int32_t>& types) {
  return GgufWriter()
      .Set("tokenizer.ggml.model", "llama")
      .Set("tokenizer.ggml.tokens", tokens)
      .Set("tokenizer.ggml.scores", scores)
      .Set("tokenizer.ggml.token_type", types);
}

TEST(TokenizerLoad, KindsThatAreNotThere) {
  for (const char* kind : {"bert", "t5", "rwkv", "", "GPT2"}) {
    ExpectError(GgufWriter().Set("tokenizer.ggml.model", kind), ErrorCode::kUnsupported, "tokenizer.ggml.model",
                std::string("\"") + kind + "\" is not supported; use a model with \"gpt2\"");
  }
  ExpectError(GgufWriter(), ErrorCode::kNotFound, "tokenizer.ggml.model", "missing");
  ExpectError(GgufWriter().Set("tokenizer.ggml.model", 1u), ErrorCode::kCorrupt, "tokenizer.ggml.model", "a string");
}

TEST(TokenizerLoad, PretokenizersThatAreNotThere) {
  ExpectError(BpeFile({}, "kimi-k2"), ErrorCode::kUnsupported, "tokenizer.ggml.pre",
              "\"kimi-k2\" is not supported; use a model with one of gpt-2, ");
  ExpectError(BpeFile({}, ""), ErrorCode::kUnsupported, "tokenizer.ggml.pre", "\"\" is not supported");
  const Bytes bytes = GgufWriter()
                          .Set("tokenizer.ggml.model", "gpt2")
                          .Set("tokenizer.ggml.tokens", std::vector<std::string>{"a"})
                          .Set("tokenizer.ggml.merges", std::vector<std::string>{})
                          .Build();
  const auto file = GgufFile::Parse(bytes);
  EXPECT_EQ(Tokenizer::Load(*file).value()->kind(), "byte-level BPE (default)") << "as llama.cpp takes a missing key";
}

TEST(TokenizerLoad, Tokens) {
  ExpectError(GgufWriter().Set("tokenizer.ggml.model", "llama"), ErrorCode::kNotFound, "tokenizer.ggml.tokens",
              "missing");
  ExpectError(Spm({}, {}, {}), ErrorCode::kCorrupt, "tokenizer.ggml.tokens", "is empty");
  ExpectError(GgufWriter().Set("tokenizer.ggml.model", "llama").Set("tokenizer.ggml.tokens", std::vector<float>{1}),
              ErrorCode::kCorrupt, "tokenizer.ggml.tokens", "no list of strings");
}

// Mutation: drop CheckLength -> red, and a read past the end under ASan.
TEST(TokenizerLoad, ListsOfDifferentLengths) {
  ExpectError(Spm({"a", "b"}, {0}, {1, 1}), ErrorCode::kCorrupt, "tokenizer.ggml.scores",
              "has 1 elements where tokenizer.ggml.tokens has 2");
  ExpectError(Spm({"a", "b"}, {0, 0, 0}, {1, 1}), ErrorCode::kCorrupt, "tokenizer.ggml.scores", "has 3 elements");
  ExpectError(Spm({"a", "b"}, {0, 0}, {1}), ErrorCode::kCorrupt, "tokenizer.ggml.token_type", "has 1 elements");
}

TEST(TokenizerLoad, TypesAndScores) {
  ExpectError(Spm({"a"}, {0}, {7}), ErrorCode::kCorrupt, "tokenizer.ggml.token_type", "token 0 is of type 7");
  ExpectError(Spm({"a"}, {0}, {-1}), ErrorCode::kCorrupt, "tokenizer.ggml.token_type", "type -1");
  ExpectError(Spm({"a"}, {std::numeric_limits<float>::quiet_NaN()}, {1}), ErrorCode::kCorrupt, "tokenizer.ggml.scores",
              "the score of token 0 is no number");
  for (const char* name : {"a", "<0x0>", "<0x0G>", "<0x0A", "<0xAAA>"}) {
    ExpectError(Spm({name}, {0}, {6}), ErrorCode::kCorrupt, "tokenizer.ggml.tokens", "byte token but its name is");
  }
  ExpectError(
      GgufWriter().Set("tokenizer.ggml.model", "llama").Set("tokenizer.ggml.tokens", std::vector<std::string>{"a"}),
      ErrorCode::kCorrupt, "tokenizer.ggml.scores", "is missing");
}

TEST(TokenizerLoad, IdsOutOfRange) {
  for (const char* key : {"bos", "eos", "unknown", "eot", "eom"}) {
    const std::string full = std::string("tokenizer.ggml.") + key + "_token_id";
    ExpectError(Spm({"a", "b"}, {0, 0}, {1, 1}).Set(full, 2u), ErrorCode::kCorrupt, full,
                "is 2 but the vocabulary has only 2 tokens");
    ExpectError(Spm({"a", "b"}, {0, 0}, {1, 1}).Set(full, -1), ErrorCode::kCorrupt, full, "at least 0");
  }
}

TEST(TokenizerLoad, Merges) {
  const std::string key = "tokenizer.ggml.merges";
  const auto with = [](const std::vector<std::string>& merges) {
    SmallVocabulary v = testing::AllBytes();
    v.Add("ab");
    return GgufWriter()
        .Set("tokenizer.ggml.model", "gpt2")
        .Set("tokenizer.ggml.pre", "gpt-2")
        .Set("tokenizer.ggml.tokens", v.tokens)
        .Set("tokenizer.ggml.merges", merges);
  };
  ExpectError(with({"a b", "ab ab"}), ErrorCode::kCorrupt, key, "merge 1 (\"ab ab\") makes a token that is not in");
  ExpectError(with({"xy z"}), ErrorCode::kCorrupt, key, "merge 0 (\"xy z\") names a token that is not in");
  for (const char* line : {"ab", "", " ab", "ab ", " "}) {
    ExpectError(with({line}), ErrorCode::kCorrupt, key, "is not two tokens with a space between");
  }
  ExpectError(
      GgufWriter().Set("tokenizer.ggml.model", "gpt2").Set("tokenizer.ggml.tokens", std::vector<std::string>{"a"}),
      ErrorCode::kNotFound, key, "missing");
}

TEST(TokenizerLoad, EndTokensByKeyAndByName) {
  SmallVocabulary v = SentencePieceHead();
  const TokenId im_end = v.Add("<|im_end|>", testing::kControlType), as_text = v.Add("<|eot_id|>");
  const TokenId other = v.Add("<|other|>", testing::kControlType);
  const Bytes bytes = SentencePieceFile(v).Set("tokenizer.ggml.eot_token_id", static_cast<uint32_t>(other)).Build();
  const auto tokenizer = Tokenizer::Load(GgufFile::Parse(bytes).value());
  ASSERT_TRUE(tokenizer.ok());
  for (const TokenId id : {TokenId{2}, im_end, other}) EXPECT_TRUE((*tokenizer)->IsEnd(id)) << id;
  EXPECT_FALSE((*tokenizer)->IsEnd(1));
  EXPECT_FALSE((*tokenizer)->IsEnd(as_text)) << "a name is believed only of control tokens";
}

TEST(TokenizerLoad, UnusedTokensAddNothing) {
  SmallVocabulary v = SentencePieceHead();
  const TokenId pad = v.Add("a", testing::kUnusedType), undefined = v.Add("b", 0);
  const Bytes bytes = SentencePieceFile(v).Build();
  const auto tokenizer = Tokenizer::Load(GgufFile::Parse(bytes).value());
  ASSERT_TRUE(tokenizer.ok());
  for (const TokenId id : {pad, undefined}) {
    EXPECT_TRUE((*tokenizer)->Piece(id).special);
    EXPECT_EQ((*tokenizer)->Piece(id).bytes, "");
  }
  EXPECT_EQ((*tokenizer)->EncodeContinuation("ab").value(), (std::vector<TokenId>{3 + 'a', 3 + 'b'}));
}

// Flipped bytes in a whole file: refused, or loaded and then safe to use.
RC_GTEST_PROP(TokenizerLoadProperty, FlippedBytesNeverCrash, ()) {
  static const Bytes kFiles[] = {BpeFile({"a b", "ab c", "\xC4\xA0 a"}).Build(), [] {
                                   SmallVocabulary v = SentencePieceHead();
                                   for (const char* piece : {"a", "b", "ab", "\xE2\x96\x81",
                                                             "\xE2\x96\x81"
                                                             "a"})
                                     v.Add(piece);
                                   v.Add("<x>", testing::kUserDefinedType);
                                   return SentencePieceFile(v).Build();
                                 }()};
  const auto flip = rc::gen::pair(rc::gen::arbitrary<uint32_t>(), rc::gen::arbitrary<uint8_t>());
  for (int round = 0; round < 40; ++round) {
    Bytes bytes = kFiles[round % 2];
    for (int i = 0; i < 1 + round % 4; ++i) {
      const auto [at, byte] = *flip;
      bytes[at % bytes.size()] = byte;
    }
    const auto file = GgufFile::Parse(bytes);
    if (!file.ok()) continue;
    const auto tokenizer = Tokenizer::Load(*file);
    if (!tokenizer.ok()) {
      RC_ASSERT(!tokenizer.error().where.empty());
      continue;
    }
    const auto ids = (*tokenizer)->EncodePrompt("abc a<x>\xFF\xE2\x96\x81");
    if (!ids.ok()) continue;
    for (const TokenId id : *ids) RC_ASSERT(id >= 0 && static_cast<size_t>(id) < (*tokenizer)->size());
    (void)(*tokenizer)->Decode(*ids);
  }
}

}  // namespace
}  // namespace lp
