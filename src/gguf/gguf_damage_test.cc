// Files that lie or end early: every one is a clear Error, none a crash. Run under ASan, this is the reader's safety
// case.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstring>
#include <memory>
#include <string>

#include "gguf/gguf.h"
#include "support/gguf_writer.h"

namespace lp {
namespace {

using testing::Bytes;
using testing::GgufWriter;

// Parses a copy in a heap buffer of exactly this size, so that ASan sees a read one byte past the end.
Result<GgufFile> ParseExact(std::span<const uint8_t> bytes, std::unique_ptr<uint8_t[]>& buffer) {
  buffer = std::make_unique<uint8_t[]>(bytes.size());
  if (!bytes.empty()) std::memcpy(buffer.get(), bytes.data(), bytes.size());
  return GgufFile::Parse({buffer.get(), bytes.size()});
}

Error ErrorOf(const Bytes& bytes) {
  std::unique_ptr<uint8_t[]> buffer;
  const auto file = ParseExact(bytes, buffer);
  EXPECT_FALSE(file.ok()) << "the damage went unnoticed";
  return file.ok() ? Error{} : file.error();
}

void ExpectError(const GgufWriter& writer, ErrorCode code, const std::string& where, const std::string& part) {
  const Error error = ErrorOf(writer.Build());
  EXPECT_EQ(error.code, code) << error.ToString();
  EXPECT_EQ(error.where, where) << error.ToString();
  EXPECT_NE(error.message.find(part), std::string::npos) << error.ToString();
}

GgufWriter SmallFile() {
  return GgufWriter()
      .Set("general.architecture", "llama")
      .Set("n", uint16_t{3})
      .Set("flag", true)
      .Set("tokens", std::vector<std::string>{"a", "bc", ""})
      .Set("scores", std::vector<float>{1, 2, 3})
      .Set("flags", std::vector<bool>{true, false})
      .Tensor("w", {2, 3}, {1, 2, 3, 4, 5, 6})
      .Tensor("q", GgmlType::kQ8_0, {32}, Bytes(34, 1));
}

// Reads everything a file offers, so that a wrong view is touched under ASan.
uint64_t TouchAll(const GgufFile& file) {
  uint64_t sum = 0;
  for (const GgufEntry& entry : file.metadata()) {
    for (const char c : entry.key) sum += static_cast<uint8_t>(c);
    if (const auto* array = std::get_if<GgufArray>(&entry.value)) {
      if (const auto strings = array->Strings()) {
        for (const std::string_view s : *strings) {
          for (const char c : s) sum += static_cast<uint8_t>(c);
        }
      }
      sum +=
          array->Ints().value_or(std::vector<int32_t>{}).size() + array->Floats().value_or(std::vector<float>{}).size();
    }
  }
  for (const GgufTensor& tensor : file.tensors()) {
    for (const uint8_t byte : tensor.data) sum += byte;
  }
  return sum;
}

// Mutation: `n > remaining()` -> `n > remaining() + 1` in ByteReader::ReadBytes -> red (ASan and here).
TEST(GgufDamage, EveryTruncationIsAnError) {
  const Bytes bytes = SmallFile().Build();
  std::unique_ptr<uint8_t[]> buffer;
  ASSERT_TRUE(ParseExact(bytes, buffer).ok());
  for (size_t length = 0; length < bytes.size(); ++length) {
    const auto file = ParseExact({bytes.data(), length}, buffer);
    ASSERT_FALSE(file.ok()) << "cut to " << length << " of " << bytes.size();
    EXPECT_EQ(file.error().code, ErrorCode::kCorrupt) << length;
    EXPECT_FALSE(file.error().where.empty()) << length;
    EXPECT_NE(file.error().message.find("download it again"), std::string::npos) << file.error().ToString();
  }
}

RC_GTEST_PROP(GgufDamageProperty, FlippedBytesNeverCrash, ()) {
  const Bytes valid = SmallFile().Build();
  // Most of what matters lies in the header and tables; the last 64 bytes are weights.
  const auto flip = rc::gen::pair(rc::gen::inRange<size_t>(0, valid.size() - 64), rc::gen::arbitrary<uint8_t>());
  for (int round = 0; round < 50; ++round) {
    Bytes bytes = valid;
    for (int i = 0; i < 1 + round % 5; ++i) {
      const auto [at, byte] = *flip;
      bytes[at] = byte;
    }
    std::unique_ptr<uint8_t[]> buffer;
    const auto file = ParseExact(bytes, buffer);
    if (file.ok()) {
      TouchAll(*file);
    } else {
      RC_ASSERT(!file.error().message.empty());
    }
  }
}

// A 64-bit field overwritten with a huge number, at every offset: lengths, counts, dimensions and offsets alike.
TEST(GgufDamage, HugeNumbersAnywhereNeverCrashOrAllocate) {
  const Bytes bytes = SmallFile().Build();
  std::unique_ptr<uint8_t[]> buffer;
  for (const uint64_t huge :
       {~0ull, 1ull << 63, (1ull << 63) - 1, 1ull << 32, 1ull << 61, static_cast<unsigned long long>(bytes.size())}) {
    for (size_t at = 4; at + 8 <= bytes.size(); ++at) {
      Bytes lie = bytes;
      std::memcpy(lie.data() + at, &huge, sizeof(huge));
      const auto file = ParseExact(lie, buffer);
      if (file.ok()) TouchAll(*file);
    }
  }
}

TEST(GgufDamage, OtherFilesAreNamedForWhatTheyAre) {
  const auto message = [](std::string_view text) { return ErrorOf(Bytes(text.begin(), text.end())).message; };
  EXPECT_NE(message("").find("empty"), std::string::npos);
  EXPECT_NE(message("GG").find("ends inside"), std::string::npos);
  EXPECT_NE(message("version https://git-lfs.github.com/spec/v1\n").find("git lfs pull"), std::string::npos);
  EXPECT_NE(message("<!doctype html>").find("web page"), std::string::npos);
  EXPECT_NE(message("tjgg\1\0\0\0").find("before GGUF"), std::string::npos);
  EXPECT_NE(message("PK\3\4....").find("504b0304"), std::string::npos);
}

TEST(GgufDamage, VersionsAndByteOrder) {
  ExpectError(GgufWriter(1), ErrorCode::kUnsupported, "byte 4", "version 1 is not supported, versions 2 and 3 are");
  ExpectError(GgufWriter(4), ErrorCode::kUnsupported, "byte 4", "update logitpeek");
  ExpectError(GgufWriter(0x03000000), ErrorCode::kUnsupported, "byte 4", "big-endian");
}

TEST(GgufDamage, Counts) {
  ExpectError(GgufWriter().ClaimMetadata(1ull << 60), ErrorCode::kCorrupt, "byte 16", "claims 1152921504606846976");
  ExpectError(GgufWriter().ClaimTensors(1ull << 60), ErrorCode::kCorrupt, "byte 8", "tensors");
  // One line more than there is: the padding and weights are read as a line of the table, which shows at once.
  EXPECT_EQ(ErrorOf(SmallFile().ClaimTensors(3).Build()).code, ErrorCode::kCorrupt);
  EXPECT_EQ(ErrorOf(SmallFile().ClaimMetadata(7).Build()).code, ErrorCode::kCorrupt);
}

TEST(GgufDamage, MetadataValues) {
  const auto raw = [](uint32_t type, const Bytes& value) {
    return GgufWriter().SetRaw("k", type, value).Set("padding", std::string(64, 'x'));
  };
  ExpectError(raw(13, {}), ErrorCode::kUnsupported, "key k", "type 13 is not known");
  ExpectError(raw(7, {2}), ErrorCode::kCorrupt, "key k", "bool is 2");
  Bytes text;
  GgufWriter::Append(text, ~0ull);
  ExpectError(raw(8, text), ErrorCode::kCorrupt, "key k", "claims 18446744073709551615 bytes");
  ExpectError(raw(9, GgufWriter::ArrayHead(4, 1ull << 62)), ErrorCode::kCorrupt, "key k", "elements");
  ExpectError(raw(9, GgufWriter::ArrayHead(8, 1ull << 62)), ErrorCode::kCorrupt, "key k", "elements");
  ExpectError(raw(9, GgufWriter::ArrayHead(9, 0)), ErrorCode::kUnsupported, "key k", "arrays of arrays");
  ExpectError(raw(9, GgufWriter::ArrayHead(77, 0)), ErrorCode::kUnsupported, "key k", "type 77");
  Bytes bools = GgufWriter::ArrayHead(7, 2);
  bools.push_back(1), bools.push_back(9);
  ExpectError(raw(9, bools), ErrorCode::kCorrupt, "key k", "bool is 9");
  ExpectError(GgufWriter().Set("k", 1).Set("j", 2).Set("k", 3), ErrorCode::kCorrupt, "key k", "twice");
  ExpectError(GgufWriter().Set("k\xFF\n", 1).Set("k\xFF\n", 2), ErrorCode::kCorrupt, "key k\\xff\\n", "twice");
}

TEST(GgufDamage, Alignment) {
  for (const uint32_t alignment : {0u, 24u, 33u, ~0u}) {
    ExpectError(GgufWriter().Set("general.alignment", alignment), ErrorCode::kCorrupt, "general.alignment",
                "power of two");
  }
  ExpectError(GgufWriter().Set("general.alignment", "32"), ErrorCode::kCorrupt, "general.alignment", "str");
  // Valid, but the data would begin past the end of the file.
  ExpectError(GgufWriter().Set("general.alignment", 1ull << 63).Tensor("t", {1}, {1}), ErrorCode::kCorrupt, "tensor t",
              "do not fit");
}

TEST(GgufDamage, TensorTable) {
  const Bytes data(256, 0);
  const auto info = [&](uint32_t type, const std::vector<uint64_t>& shape, uint64_t offset) {
    return GgufWriter().TensorInfo("t", type, shape, offset).Data(data);
  };
  EXPECT_TRUE(GgufFile::Parse(info(0, {64}, 0).Build()).ok());
  // Mutation: compare without the padding -> red.
  ExpectError(info(0, {65}, 0), ErrorCode::kCorrupt, "tensor t", "its 260 bytes at offset 0");
  ExpectError(info(0, {64}, 32), ErrorCode::kCorrupt, "tensor t", "do not fit");
  ExpectError(info(0, {1}, 16), ErrorCode::kCorrupt, "tensor t", "alignment 32");
  ExpectError(info(0, {1}, ~0ull - 31), ErrorCode::kCorrupt, "tensor t", "do not fit");
  ExpectError(info(0, {}, 0), ErrorCode::kCorrupt, "tensor t", "has 0 dimensions");
  ExpectError(info(0, {1, 1, 1, 1, 1}, 0), ErrorCode::kCorrupt, "tensor t", "has 5 dimensions");
  ExpectError(info(0, {4, 0}, 0), ErrorCode::kCorrupt, "tensor t", "dimension 1 is 0");
  // Mutation: multiply without the overflow check -> red (2^64 * 4 bytes wrap to 0).
  ExpectError(info(0, {1ull << 32, 1ull << 32}, 0), ErrorCode::kCorrupt, "tensor t", "larger than any file");
  ExpectError(info(24, {1ull << 63, 2}, 0), ErrorCode::kCorrupt, "tensor t", "larger than any file");
  // The bytes fit in 64 bits, the number of elements does not: 2^60 rows of 256 in 66 bytes would be 2^66.04.
  ExpectError(info(16, {1ull << 63, 2}, 0), ErrorCode::kCorrupt, "tensor t", "larger than any file");
  ExpectError(info(8, {33}, 0), ErrorCode::kCorrupt, "tensor t", "no multiple of the 32");
  ExpectError(info(39, {32}, 0), ErrorCode::kUnsupported, "tensor t",
              "39 (MXFP4) is not supported; use a file with one of F32");
  ExpectError(info(1000, {32}, 0), ErrorCode::kUnsupported, "tensor t", "type 1000 is not supported");
}

TEST(GgufDamage, TensorsThatShareBytesOrNames) {
  const Bytes data(256, 0);
  ExpectError(GgufWriter().TensorInfo("a", 0, {16}, 0).TensorInfo("b", 0, {16}, 32).Data(data), ErrorCode::kCorrupt,
              "tensor b", "inside that of tensor a");
  ExpectError(GgufWriter().TensorInfo("b", 0, {16}, 32).TensorInfo("a", 0, {9}, 0).Data(data), ErrorCode::kCorrupt,
              "tensor b", "inside that of tensor a");
  EXPECT_TRUE(
      GgufFile::Parse(GgufWriter().TensorInfo("a", 0, {8}, 0).TensorInfo("b", 0, {8}, 32).Data(data).Build()).ok());
  ExpectError(GgufWriter().TensorInfo("a", 0, {8}, 0).TensorInfo("a", 0, {8}, 32).Data(data), ErrorCode::kCorrupt,
              "tensor a", "twice");
}

}  // namespace
}  // namespace lp
