#include "tokenizer/byte_alphabet.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include "support/small_vocabularies.h"

namespace lp {
namespace {

TEST(ByteAlphabet, KnownSpellings) {
  EXPECT_EQ(BytesFromAlphabet("\xC4\xA0hello"), " hello");  // Ġ
  EXPECT_EQ(BytesFromAlphabet("\xC4\x8A"), "\n");           // Ċ
  EXPECT_EQ(BytesToAlphabet(std::string_view("\0", 1)), "\xC4\x80");
  EXPECT_EQ(BytesToAlphabet("\xC3\xA9"), "\xC3\x83\xC2\xA9");  // é is two bytes, each a character of its own
  EXPECT_EQ(BytesFromAlphabet(""), "");
}

TEST(ByteAlphabet, WhatIsNotInIt) {
  EXPECT_EQ(BytesFromAlphabet("a b"), std::nullopt);
  EXPECT_EQ(BytesFromAlphabet("\xE4\xB8\xAD"), std::nullopt);
  EXPECT_EQ(BytesFromAlphabet("\xC5\x84"), std::nullopt) << "U+0144, one past the last";
  EXPECT_EQ(BytesFromAlphabet("\xC2\xAD"), std::nullopt) << "the soft hyphen does not stand for itself";
  EXPECT_EQ(BytesFromAlphabet("\xFF"), std::nullopt);
}

// Mutation: begin the extra characters at 0x101 -> red.
TEST(ByteAlphabet, AgreesWithTheTableOfTheTests) {
  const auto vocabulary = testing::AllBytes();
  for (int byte = 0; byte < 256; ++byte) {
    const std::string one(1, static_cast<char>(byte));
    EXPECT_EQ(BytesToAlphabet(one), vocabulary.tokens[static_cast<size_t>(byte)]) << byte;
    EXPECT_EQ(BytesFromAlphabet(vocabulary.tokens[static_cast<size_t>(byte)]), one) << byte;
  }
}

RC_GTEST_PROP(ByteAlphabetProperty, RoundTrip, (const std::string& bytes)) {
  RC_ASSERT(BytesFromAlphabet(BytesToAlphabet(bytes)) == bytes);
}

}  // namespace
}  // namespace lp
