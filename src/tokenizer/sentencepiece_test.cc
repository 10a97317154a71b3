// SentencePiece on vocabularies of a few pieces; the real ones are in tokenizer_shared_test.cc. U+2581 is written
// \xE2\x96\x81.
#include "tokenizer/sentencepiece.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>
#include <chrono>

#include "support/small_vocabularies.h"

namespace lp {
namespace {

using testing::Bytes;
using testing::GgufWriter;
using testing::SentencePieceFile;
using testing::SentencePieceHead;
using testing::SmallVocabulary;
using Ids = std::vector<TokenId>;

constexpr TokenId kByte0 = 3;  // <0x00> of SentencePieceHead
constexpr TokenId kFirst = kByte0 + 256;

std::unique_ptr<Tokenizer> Load(const GgufWriter& writer) {
  const Bytes bytes = writer.Build();
  const auto file = GgufFile::Parse(bytes);
  EXPECT_TRUE(file.ok()) << file.error().ToString();
  auto tokenizer = Tokenizer::Load(*file);
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.error().ToString();
  return std::move(tokenizer).value();
}

// _ a b c, then ab (-1), bc (-0.5), abc (-2), _a (-3), __ (-4)
SmallVocabulary Letters(bool byte_tokens = true) {
  SmallVocabulary v = SentencePieceHead(byte_tokens);
  for (const char* piece : {"\xE2\x96\x81", "a", "b", "c"}) v.Add(piece, 1, -100);
  v.Add("ab", 1, -1), v.Add("bc", 1, -0.5f), v.Add("abc", 1, -2),
      v.Add(
          "\xE2\x96\x81"
          "a",
          1, -3);
  v.Add("\xE2\x96\x81\xE2\x96\x81", 1, -4);
  return v;
}
constexpr TokenId kSpace = kFirst, kA = kFirst + 1, kB = kFirst + 2, kAb = kFirst + 4, kBc = kFirst + 5,
                  kAbc = kFirst + 6, kSpaceA = kFirst + 7;

TEST(SentencePiece, MergesTheHighestScoreFirst) {
  const auto tokenizer = Load(SentencePieceFile(Letters()));
  // "_abc": b+c (-0.5) before a+b (-1), then a+bc. Mutation: lowest score first -> red.
  EXPECT_EQ(tokenizer->Encode("abc").value(), (Ids{kSpace, kAbc}));
  EXPECT_EQ(tokenizer->Encode("bcab").value(), (Ids{kSpace, kBc, kAb}));
  EXPECT_EQ(tokenizer->Encode("aa").value(), (Ids{kSpaceA, kA}));
  EXPECT_EQ(tokenizer->Encode(" a").value(), (Ids{kSpace, kSpaceA})) << "_a (-3) before __ (-4)";
  EXPECT_EQ(tokenizer->Encode("").value(), Ids{});
}

TEST(SentencePiece, PromptsGetBosAndASpace) {
  const auto tokenizer = Load(SentencePieceFile(Letters()));
  EXPECT_TRUE(tokenizer->adds_bos()) << "the default of this kind";
  EXPECT_TRUE(tokenizer->AddsSpacePrefix());
  EXPECT_EQ(tokenizer->EncodePrompt("a").value(), (Ids{1, kSpaceA}));
  EXPECT_EQ(tokenizer->EncodePrompt("").value(), (Ids{1}));
  EXPECT_EQ(tokenizer->EncodeContinuation("a").value(), (Ids{kA}));
  EXPECT_EQ(tokenizer->Decode({1, kSpaceA}), "a");
  EXPECT_EQ(tokenizer->Decode({1, kSpace, kSpaceA}), " a") << "only the space that was put in front";
  EXPECT_EQ(tokenizer->Decode({1, kA, kSpaceA}), "a a");
  EXPECT_EQ(tokenizer->Piece(kSpaceA).bytes, " a");
  EXPECT_EQ(tokenizer->bos(), 1);
  EXPECT_TRUE(tokenizer->IsEnd(2));
  EXPECT_EQ(tokenizer->kind(), "SentencePiece");

  const auto plain = Load(SentencePieceFile(Letters())
                              .Set("tokenizer.ggml.add_bos_token", false)
                              .Set("tokenizer.ggml.add_space_prefix", false));
  EXPECT_EQ(plain->EncodePrompt("a").value(), (Ids{kA}));
  EXPECT_EQ(plain->Decode({kSpaceA}), " a");
}

TEST(SentencePiece, WhatIsNoTokenIsSpelledInBytes) {
  const auto tokenizer = Load(SentencePieceFile(Letters()));
  EXPECT_EQ(tokenizer->EncodeContinuation("a\xC3\xA9\n").value(),
            (Ids{kA, kByte0 + 0xC3, kByte0 + 0xA9, kByte0 + '\n'}));
  EXPECT_EQ(tokenizer->Piece(kByte0 + '\n').bytes, "\n");
  EXPECT_EQ(tokenizer->EncodeContinuation("\xE2\x96").value(), (Ids{kByte0 + 0xE2, kByte0 + 0x96}));
  // A mark that is in the text is not a space. Mutation: drop the `frozen` of kSpaceMark -> red.
  EXPECT_EQ(tokenizer->EncodeContinuation("\xE2\x96\x81").value(), (Ids{kByte0 + 0xE2, kByte0 + 0x96, kByte0 + 0x81}));
  EXPECT_EQ(tokenizer->EncodeContinuation("<s></s>").value().size(), 7u) << "control tokens in text stay text";
}

TEST(SentencePiece, WithoutBytesThereIsUnk) {
  const auto tokenizer = Load(SentencePieceFile(Letters(false)));
  EXPECT_EQ(tokenizer->EncodeContinuation("axyb").value(), (Ids{4, 0, 5})) << "one <unk> for a run";
  EXPECT_TRUE(tokenizer->Piece(0).special);

  SmallVocabulary v;
  v.Add("a");
  const auto tiny = Load(SentencePieceFile(v).Set("tokenizer.ggml.add_space_prefix", false));
  // The default ids of Llama 2 apply only where there is such a token: 0 is <unk> even here, 1 and 2 are nothing.
  EXPECT_EQ(tiny->bos(), std::nullopt);
  EXPECT_EQ(tiny->EncodePrompt("a").value(), (Ids{0}));
}

TEST(SentencePiece, UserDefinedTokensGetNoSpaceInFront) {
  SmallVocabulary v = Letters();
  const TokenId tag = v.Add("<tag>", testing::kUserDefinedType), spaces = v.Add("  ", testing::kUserDefinedType);
  const auto tokenizer = Load(SentencePieceFile(v));
  EXPECT_EQ(tokenizer->Encode("a<tag>b").value(), (Ids{kSpaceA, tag, kB}));
  EXPECT_EQ(tokenizer->Encode("<tag>b").value(), (Ids{tag, kB}));
  // Mutation: Decode takes the space off whatever comes first -> red.
  EXPECT_EQ(tokenizer->Decode(tokenizer->Encode("  a").value()), "  a");
  EXPECT_EQ(tokenizer->Encode("  a").value(), (Ids{spaces, kA}));
}

RC_GTEST_PROP(SentencePieceProperty, DecodesWhatItEncodes,
              (const std::vector<uint8_t>& seeds, const std::vector<uint8_t>& raw)) {
  static const auto kTokenizer = [] {
    SmallVocabulary v = Letters();
    v.Add("<tag>", testing::kUserDefinedType), v.Add("  ", testing::kUserDefinedType);
    return Load(SentencePieceFile(v));
  }();
  static const std::vector<std::string> kParts = {
      "a", "b", "c", " ", "  ", "<tag>", "\xE2\x96\x81", "\xE2", "\x96", "\xC3\xA9", "<s>", "\xF0\x9F\x98", "\n"};
  std::string text;
  for (const uint8_t seed : seeds) text += kParts[seed % kParts.size()];
  text.append(raw.begin(), raw.end());
  RC_ASSERT(kTokenizer->Decode(kTokenizer->EncodePrompt(text).value()) == text);
  std::string pieces;
  const Ids ids = kTokenizer->EncodeContinuation(text).value();
  for (const TokenId id : ids) pieces += kTokenizer->Piece(id).bytes;
  RC_ASSERT(pieces == text);
}

// SentencePiece has no pre-tokens: the whole text is one heap. 1 MB in 1 s on two busy cores.
TEST(SentencePiece, LongTextsAreNotQuadratic) {
  SmallVocabulary v = Letters();
  std::string run = "aa";
  for (float score = -10; run.size() <= 64; score -= 1, run += run) v.Add(run, 1, score);
  const auto tokenizer = Load(SentencePieceFile(v).Set("tokenizer.ggml.add_space_prefix", false));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(tokenizer->Encode(std::string(1 << 20, 'a')).value().size(), (1u << 20) / 64);
  EXPECT_EQ(tokenizer->Encode(std::string(1 << 18, '\xFF')).value().size(), 1u << 18);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_LT(seconds.count(), 20);
}

}  // namespace
}  // namespace lp
