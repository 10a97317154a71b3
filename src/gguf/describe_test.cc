#include "gguf/describe.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/utf8.h"
#include "support/gguf_writer.h"

namespace lp {
namespace {

using testing::GgufWriter;

std::string Format(const GgufWriter& writer, size_t max_items = 3) {
  const testing::Bytes bytes = writer.Build();
  const auto file = GgufFile::Parse(bytes);
  return file.ok() ? FormatValue(file->metadata().at(0), max_items) : file.error().ToString();
}

TEST(Describe, Scalars) {
  EXPECT_EQ(Format(GgufWriter().Set("k", 4096u)), "4096");
  EXPECT_EQ(Format(GgufWriter().Set("k", int8_t{-3})), "-3");
  EXPECT_EQ(Format(GgufWriter().Set("k", true)), "true");
  EXPECT_EQ(Format(GgufWriter().Set("k", 1e-5f)), "1e-05");  // not 9.99999975e-06. Mutation: always 9 digits -> red
  EXPECT_EQ(Format(GgufWriter().Set("k", 10000.0f)), "10000");
  EXPECT_EQ(Format(GgufWriter().Set("k", 0.1)), "0.1");
  EXPECT_EQ(Format(GgufWriter().Set("k", 1.0 / 3)), "0.3333333333333333");
  EXPECT_EQ(Format(GgufWriter().Set("k", "llama")), "\"llama\"");
}

TEST(Describe, Arrays) {
  EXPECT_EQ(Format(GgufWriter().Set("k", std::vector<std::string>{"<unk>", "<s>", "a", "b"})),
            "[str x 4] \"<unk>\", \"<s>\", \"a\", …");
  EXPECT_EQ(Format(GgufWriter().Set("k", std::vector<int8_t>{-1, 2})), "[i8 x 2] -1, 2");
  EXPECT_EQ(Format(GgufWriter().Set("k", std::vector<float>{-0.5f})), "[f32 x 1] -0.5");
  EXPECT_EQ(Format(GgufWriter().Set("k", std::vector<bool>{true, false})), "[bool x 2] true, false");
  EXPECT_EQ(Format(GgufWriter().Set("k", std::vector<float>{})), "[f32 x 0]");
  EXPECT_EQ(Format(GgufWriter().Set("k", std::vector<float>{1, 2}), 0), "[f32 x 2] …");
}

TEST(Describe, Printable) {
  EXPECT_EQ(Printable("a\tb\nc\rd\x7F\x1B[31m"), "a\\tb\\nc\\rd\\x7f\\x1b[31m");
  EXPECT_EQ(Printable("\xC3\xA4\xFF\xE2\x82"), "ä\\xff\\xe2\\x82");
  EXPECT_EQ(Printable("\xC2\x85"), "\\xc2\\x85") << "C1 controls move some terminals";
  EXPECT_EQ(Printable("abcdef", 6), "abcdef");
  EXPECT_EQ(Printable("abcdef", 5), "abcde…");
  EXPECT_EQ(Printable("abcd\xC3\xA4", 5), "abcd…") << "never cut inside a character";
}

RC_GTEST_PROP(DescribeProperty, AlwaysPrintableUtf8, (const std::string& bytes)) {
  const std::string out = Printable(bytes);
  RC_ASSERT(IsValidUtf8(out));
  for (const char c : out) RC_ASSERT(static_cast<uint8_t>(c) >= 0x20);
}

}  // namespace
}  // namespace lp
