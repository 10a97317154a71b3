// Tests of the small things in base: UTF-8, byte reader, mapped file, results.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/byte_reader.h"
#include "base/huge_memory.h"
#include "base/mapped_file.h"
#include "base/random.h"
#include "base/str_cat.h"
#include "base/utf8.h"

namespace lp {
namespace {

// Examples of Unicode 15, section 3.9, table 3-8 and around: one U+FFFD for each maximal prefix.
TEST(Utf8, ReplacesMaximalPrefixes) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(ToValidUtf8("a\xF1\x80\x80\xE1\x80\xC2"
                        "b\x80"
                        "c\x80\xBF"
                        "d"),
            "a" + r + r + r + "b" + r + "c" + r + r + "d");
  EXPECT_EQ(ToValidUtf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82"
                        "A"),
            r + r + r + r + r + r + r + r + "A");     // overlong forms
  EXPECT_EQ(ToValidUtf8("\xED\xA0\x80"), r + r + r);  // a surrogate
  EXPECT_EQ(ToValidUtf8("\xF4\x91\x92\x93\xFF"
                        "A"),
            r + r + r + r + r + "A");  // past U+10FFFF
  EXPECT_EQ(ToValidUtf8("gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80"), "gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80");
}

TEST(Utf8, CompletePrefixWaitsForTheRestOfACharacter) {
  const std::string smile = "\xF0\x9F\x98\x80";
  for (size_t n = 0; n < 4; ++n) EXPECT_EQ(CompleteUtf8Prefix("ab" + smile.substr(0, n)), 2u) << n;
  EXPECT_EQ(CompleteUtf8Prefix("ab" + smile), 6u);
  EXPECT_EQ(CompleteUtf8Prefix("ab\xFF"), 3u);  // can never become a character: do not wait
  EXPECT_EQ(CompleteUtf8Prefix("ab\x80\x80\x80"), 5u);
  EXPECT_EQ(CompleteUtf8Prefix(""), 0u);
}

RC_GTEST_PROP(Utf8, OutputIsValidAndValidTextIsUntouched, (const std::string& bytes)) {
  const std::string once = ToValidUtf8(bytes);
  RC_ASSERT(IsValidUtf8(once));
  RC_ASSERT(ToValidUtf8(once) == once);
  if (IsValidUtf8(bytes)) RC_ASSERT(once == bytes);
  RC_ASSERT(CompleteUtf8Prefix(bytes) <= bytes.size());
  RC_ASSERT(bytes.size() - CompleteUtf8Prefix(bytes) <= 3u);
}

RC_GTEST_PROP(Utf8, EncodingRoundTrips, ()) {
  const auto c = static_cast<char32_t>(
      *rc::gen::suchThat(rc::gen::inRange(0, 0x110000), [](int v) { return v < 0xD800 || v > 0xDFFF; }));
  std::string bytes;
  AppendUtf8(bytes, c);
  const Utf8Step step = DecodeUtf8(bytes);
  RC_ASSERT(step.valid && step.code_point == c && step.length == bytes.size());
}

TEST(Utf8, Hex) { EXPECT_EQ(ToHex(std::string("\x00\x0F\xFF", 3)), "000fff"); }

TEST(ByteReader, StopsAtTheEnd) {
  const std::vector<uint8_t> bytes = {1, 2, 3, 4, 5, 6};
  ByteReader reader(bytes);
  EXPECT_EQ(reader.Read<uint32_t>(), 0x04030201u);
  EXPECT_EQ(reader.Read<uint32_t>(), std::nullopt);
  EXPECT_EQ(reader.offset(), 4u);  // a failed read leaves it where it was
  EXPECT_EQ(reader.ReadBytes(UINT64_MAX), std::nullopt);
  EXPECT_EQ(reader.Read<uint16_t>(), 0x0605u);
  EXPECT_EQ(reader.remaining(), 0u);
}

TEST(MappedFile, SaysWhatIsWrong) {
  const std::string folder = ::testing::TempDir();
  const std::string path = folder + "/lp_mapped_file_test";
  EXPECT_EQ(MappedFile::Open(folder + "/not-there").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(MappedFile::Open(folder).error().code, ErrorCode::kInvalidArgument);
  std::ofstream(path) << "";
  EXPECT_EQ(MappedFile::Open(path)->bytes().size(), 0u);
  std::ofstream(path) << "abc";
  MappedFile file = MappedFile::Open(path).value();
  const MappedFile moved = std::move(file);
  EXPECT_EQ(moved.bytes().size(), 3u);
  EXPECT_EQ(moved.bytes()[2], 'c');
  moved.Forget();
  EXPECT_EQ(moved.bytes()[2], 'c') << "read again when it is needed";
  std::filesystem::remove(path);
}

TEST(HugeMemory, IsZerosThatBelongToOne) {
  HugeMemory memory = HugeMemory::Allocate(5u << 20).value();
  EXPECT_EQ(reinterpret_cast<uintptr_t>(memory.bytes().data()) % 64, 0u);
  EXPECT_TRUE(std::ranges::all_of(memory.bytes(), [](uint8_t b) { return b == 0; }));
  memory.bytes().back() = 7;
  const HugeMemory moved = std::move(memory);
  EXPECT_EQ(moved.bytes().back(), 7);
  EXPECT_TRUE(memory.bytes().empty());  // NOLINT: looked at on purpose
  EXPECT_TRUE(HugeMemory::Allocate(0)->bytes().empty());
  EXPECT_EQ(HugeMemory::Allocate(size_t{1} << 60).error().code, ErrorCode::kOutOfRange);
}

TEST(AvailableMemory, IsLessThanThereIs) {
  EXPECT_LT(AvailableMemory(), PhysicalMemory());
}

TEST(Random, UniformLiesInItsInterval) {
  double sum = 0;
  for (uint64_t i = 0; i < 10000; ++i) {
    const double u = UniformAt(42, i);
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    sum += u;
  }
  EXPECT_NEAR(sum / 10000, 0.5, 0.01);
  EXPECT_NE(UniformAt(1, uint64_t{1} << 32), UniformAt(1, 0));  // all 64 bits of the position count
  EXPECT_NE(UniformAt(uint64_t{1} << 32, 0), UniformAt(0, 0));
}

Result<int> Half(int x) {
  if (x % 2 != 0) return Error{ErrorCode::kInvalidArgument, "odd", StrCat("x = ", x)};
  return x / 2;
}
Result<int> Quarter(int x) {
  LP_ASSIGN_OR_RETURN(const int half, Half(x));
  return Half(half);
}

TEST(Result, CarriesValueOrError) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_EQ(Quarter(6).error().ToString(), "x = 3: odd");
}

}  // namespace
}  // namespace lp
