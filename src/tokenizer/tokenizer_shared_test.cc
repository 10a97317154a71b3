// Real vocabularies against the ids that their own tokenisers gave: llama.cpp's 46 texts for each of seven
// vocabularies, and the prompts of two small models. See data/README.md beside the files for where they come from.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "base/mapped_file.h"
#include "base/utf8.h"
#include "support/shared_data.h"
#include "tokenizer/tokenizer.h"

namespace lp {
namespace {

std::string ReadText(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::vector<std::string> SplitAt(const std::string& text, const std::string& separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (size_t end; (end = text.find(separator, begin)) != std::string::npos; begin = end + separator.size()) {
    parts.push_back(text.substr(begin, end - begin));
  }
  return parts;  // what follows the last separator is no case
}

std::unique_ptr<Tokenizer> LoadFrom(const std::string& path) {
  const auto mapped = MappedFile::Open(path);
  EXPECT_TRUE(mapped.ok());
  if (!mapped.ok()) return nullptr;
  const auto file = GgufFile::Parse(mapped->bytes());
  EXPECT_TRUE(file.ok()) << file.error().ToString();
  if (!file.ok()) return nullptr;
  auto tokenizer = Tokenizer::Load(*file);
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.error().ToString();
  return tokenizer.ok() ? std::move(tokenizer).value() : nullptr;
}

class SharedVocabulary : public ::testing::TestWithParam<const char*> {};

// Mutation: in MergeSymbols, let the rightmost of equals go first -> red (gpt-2, llama-spm, ...).
TEST_P(SharedVocabulary, MatchesItsReferenceIds) {
  const std::string name = std::string("data/tokenizers/ggml-vocab-") + GetParam() + ".gguf";
  LP_SHARED_OR_SKIP(path, name);
  const auto tokenizer = LoadFrom(path);
  ASSERT_NE(tokenizer, nullptr);
  const auto texts = SplitAt(ReadText(path + ".inp"), "\n__ggml_vocab_test__\n");
  std::ifstream expected_lines(path + ".out");
  ASSERT_EQ(texts.size(), 46u);
  for (const std::string& text : texts) {
    std::string line;
    ASSERT_TRUE(std::getline(expected_lines, line));
    std::istringstream numbers(line);
    const std::vector<TokenId> expected{std::istream_iterator<TokenId>(numbers), {}};
    const auto ids = tokenizer->Encode(text);
    ASSERT_TRUE(ids.ok()) << ids.error().ToString();
    EXPECT_EQ(*ids, expected) << "text: \"" << text << '"';
    EXPECT_EQ(tokenizer->Decode(*ids), text);
  }
}

// Valid text, bytes out of `bytes` and stray halves of characters, all in one string.
std::string RandomText(std::mt19937& random, const std::string& bytes) {
  static const std::vector<std::string> kParts = {"hello",
                                                  " ",
                                                  "  ",
                                                  "\n",
                                                  "\r\n",
                                                  "'s",
                                                  "'LL",
                                                  "123",
                                                  "4567",
                                                  "\t",
                                                  ".",
                                                  "!?",
                                                  "A",
                                                  "Zz",
                                                  "\xC3\xA9",
                                                  "\xC3",
                                                  "\xE4\xB8\xAD",
                                                  "\xE2\x96\x81",
                                                  "\xE2\x82",
                                                  "\x80",
                                                  "<s>",
                                                  "</s>",
                                                  "\xC2\xA0",
                                                  "\xE1\xA0\x8E",
                                                  "<|endoftext|>",
                                                  "\xF0\x9F\x98\x81"};
  std::string text;
  for (size_t n = random() % 40; n > 0; --n) {
    if (random() % 4 == 0) {
      text.push_back(bytes[random() % bytes.size()]);
    } else {
      text += kParts[random() % kParts.size()];
    }
  }
  return text;
}

TEST_P(SharedVocabulary, DecodesWhatItEncodes) {
  LP_SHARED_OR_SKIP(path, std::string("data/tokenizers/ggml-vocab-") + GetParam() + ".gguf");
  const auto tokenizer = LoadFrom(path);
  ASSERT_NE(tokenizer, nullptr);
  std::string bytes;  // that the vocabulary can spell: Falcon's lacks 28, DeepSeek's those that are in no UTF-8 text
  for (int byte = 0; byte < 256; ++byte) {
    const std::string one(1, static_cast<char>(byte));
    if (tokenizer->Encode(one).ok()) bytes += one;
  }
  EXPECT_GE(bytes.size(), 228u);
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) {
    const std::string text = RandomText(random, bytes);
    const auto ids = tokenizer->EncodePrompt(text);
    ASSERT_TRUE(ids.ok()) << ids.error().ToString();
    ASSERT_EQ(ToHex(tokenizer->Decode(*ids)), ToHex(text));
    const auto continued = tokenizer->EncodeContinuation(text);
    ASSERT_TRUE(continued.ok());
    std::string pieces;
    for (const TokenId id : *continued) pieces += tokenizer->Piece(id).bytes;
    ASSERT_EQ(ToHex(pieces), ToHex(text));
  }
}

INSTANTIATE_TEST_SUITE_P(Files, SharedVocabulary,
                         ::testing::Values("gpt-2", "llama-bpe", "qwen2", "falcon", "deepseek-llm", "llama-spm",
                                           "phi-3"));

class SharedModel : public ::testing::TestWithParam<const char*> {};

TEST_P(SharedModel, EncodesItsReferencePrompts) {
  LP_SHARED_OR_SKIP(path, std::string("data/weights/") + GetParam() + "-f32.gguf");
  LP_SHARED_OR_SKIP(reference_path, "data/weights/reference_outputs.json");
  const auto tokenizer = LoadFrom(path);
  ASSERT_NE(tokenizer, nullptr);
  const auto reference = nlohmann::json::parse(ReadText(reference_path));
  const auto& cases = reference.at("models").at(GetParam()).at("cases");
  ASSERT_EQ(cases.size(), 6u);
  for (const auto& entry : cases) {
    const std::string prompt = entry.at("prompt");
    const auto ids = tokenizer->EncodePrompt(prompt);
    ASSERT_TRUE(ids.ok());
    EXPECT_EQ(*ids, entry.at("token_ids_with_bos").get<std::vector<TokenId>>()) << prompt;
    EXPECT_EQ(tokenizer->Decode(*ids), prompt);
    std::string continuation;  // the reference spells byte tokens by name
    for (const TokenId id : entry.at("greedy_continuation_ids").get<std::vector<TokenId>>()) {
      const TokenPiece& piece = tokenizer->Piece(id);
      continuation += piece.name.starts_with("<0x") ? piece.name : piece.bytes;
    }
    EXPECT_EQ(continuation, entry.at("greedy_continuation_text").get<std::string>());
  }
}

INSTANTIATE_TEST_SUITE_P(Files, SharedModel, ::testing::Values("stories260K", "tinystories-656k"));

}  // namespace
}  // namespace lp
