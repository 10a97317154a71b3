// From a file's template to tokens.
#include <gtest/gtest.h>

#include "chat/chat_template.h"
#include "support/small_vocabularies.h"

namespace lp {
namespace {

TEST(EncodeChat, ControlTokensOfTheTemplateAreTokens) {
  const auto bytes = testing::BpeFile({"h i"})
                         .Set("tokenizer.chat_template",
                              "{{ bos_token }}{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}")
                         .Build();
  const auto file = GgufFile::Parse(bytes);
  ASSERT_TRUE(file.ok());
  const auto tokenizer = Tokenizer::Load(*file);
  ASSERT_TRUE(tokenizer.ok());
  const auto source = ReadChatTemplate(*file);
  ASSERT_TRUE(source.ok());
  const auto ids = EncodeChat(*source, {{"user", "hi"}, {"assistant", "hi!"}}, {}, **tokenizer);
  ASSERT_TRUE(ids.ok()) << ids.error().ToString();
  EXPECT_EQ(*ids, (std::vector<TokenId>{257, 256, 257, 256, '!', 257}));
  const auto none = EncodeChat("{{ raise_exception('no') }}", {}, {}, **tokenizer);
  EXPECT_FALSE(none.ok());
}

TEST(EncodeChat, AFileWithoutATemplateSaysSo) {
  const auto bytes = testing::BpeFile({}).Build();
  const auto file = GgufFile::Parse(bytes);
  ASSERT_TRUE(file.ok());
  const auto source = ReadChatTemplate(*file);
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(source.error().code, ErrorCode::kNotFound);
  EXPECT_NE(source.error().ToString().find("tokenizer.chat_template"), std::string::npos);
}

}  // namespace
}  // namespace lp
