// What a well-formed file reads as. What a damaged one does: gguf_damage_test.cc.
#include "gguf/gguf.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <map>

#include "base/mapped_file.h"
#include "support/gguf_writer.h"
#include "support/shared_data.h"

namespace lp {
namespace {

using testing::Bytes;
using testing::GgufWriter;

TEST(Gguf, ReadsEveryMetadataType) {
  const Bytes bytes = GgufWriter()
                          .Set("u8", uint8_t{200})
                          .Set("i8", int8_t{-100})
                          .Set("u16", uint16_t{60000})
                          .Set("i16", int16_t{-30000})
                          .Set("u32", 4000000000u)
                          .Set("i32", -2000000000)
                          .Set("f32", 1e-5f)
                          .Set("bool", true)
                          .Set("str", "llama")
                          .Set("u64", std::numeric_limits<uint64_t>::max())
                          .Set("i64", std::numeric_limits<int64_t>::min())
                          .Set("f64", 0.1)
                          .Set("words", std::vector<std::string>{"a", "", "b c"})
                          .Set("scores", std::vector<float>{-1.5f, 0.0f})
                          .Set("types", std::vector<int32_t>{1, -1})
                          .Build();
  const auto file = GgufFile::Parse(bytes);
  ASSERT_TRUE(file.ok()) << file.error().ToString();
  const auto value = [&](std::string_view key) { return file->Find(key)->value; };
  EXPECT_EQ(std::get<uint64_t>(value("u8")), 200u);
  EXPECT_EQ(std::get<int64_t>(value("i8")), -100);
  EXPECT_EQ(std::get<uint64_t>(value("u16")), 60000u);
  EXPECT_EQ(std::get<int64_t>(value("i16")), -30000);
  EXPECT_EQ(std::get<uint64_t>(value("u32")), 4000000000u);
  EXPECT_EQ(std::get<int64_t>(value("i32")), -2000000000);
  EXPECT_EQ(std::get<double>(value("f32")), static_cast<double>(1e-5f));
  EXPECT_TRUE(std::get<bool>(value("bool")));
  EXPECT_EQ(std::get<std::string_view>(value("str")), "llama");
  EXPECT_EQ(std::get<uint64_t>(value("u64")), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(std::get<int64_t>(value("i64")), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(std::get<double>(value("f64")), 0.1);
  EXPECT_EQ(file->GetArray("words")->Strings(), (std::vector<std::string_view>{"a", "", "b c"}));
  EXPECT_EQ(file->GetArray("scores")->Floats(), (std::vector<float>{-1.5f, 0.0f}));
  EXPECT_EQ(file->GetArray("types")->Ints(), (std::vector<int32_t>{1, -1}));
  EXPECT_EQ(file->metadata().size(), 15u);
  EXPECT_EQ(file->metadata()[0].key, "u8") << "metadata() keeps the order of the file";
  EXPECT_EQ(file->Find("U8"), nullptr);
}

TEST(Gguf, ReadsTensorsWhereTheyLie) {
  for (const uint32_t alignment : {1u, 32u, 64u}) {
    const Bytes q8(2 * 34, 0x11);
    const Bytes bytes = GgufWriter(2, alignment)
                            .Tensor("a", {3}, {1, 2, 3})
                            .Tensor("b", GgmlType::kQ8_0, {32, 2}, q8)
                            .Tensor("c", {2, 1, 1, 2}, {4, 5, 6, 7})
                            .Build();
    const auto file = GgufFile::Parse(bytes);
    ASSERT_TRUE(file.ok()) << file.error().ToString();
    EXPECT_EQ(file->version(), 2u);
    EXPECT_EQ(file->alignment(), alignment);
    const GgufTensor* b = file->FindTensor("b");
    ASSERT_NE(b, nullptr);
    EXPECT_EQ(b->type, GgmlType::kQ8_0);
    EXPECT_EQ(b->n_dims, 2u);
    EXPECT_EQ(b->shape, (std::array<uint64_t, 4>{32, 2, 1, 1}));
    EXPECT_TRUE(std::equal(b->data.begin(), b->data.end(), q8.begin(), q8.end()));
    EXPECT_EQ(b->data.data(), bytes.data() + b->file_offset) << "a view into the file, not a copy";
    EXPECT_EQ(b->file_offset % alignment, 0u);
    const GgufTensor* c = file->FindTensor("c");
    EXPECT_EQ(c->n_elements(), 4u);
    float last = 0;
    std::memcpy(&last, c->data.data() + 12, sizeof(last));
    EXPECT_EQ(last, 7.0f);
    EXPECT_EQ(file->FindTensor("d"), nullptr);
  }
}

TEST(Gguf, BlockSizesAreThoseOfGgml) {
  // Bits per weight as llama.cpp's `quantize --help` and its block structs give them.
  const std::map<std::string_view, double> bits = {
      {"F32", 32},         {"F16", 16},         {"BF16", 16},      {"Q4_0", 4.5},     {"Q4_1", 5},      {"Q5_0", 5.5},
      {"Q5_1", 6},         {"Q8_0", 8.5},       {"Q2_K", 2.625},   {"Q3_K", 3.4375},  {"Q4_K", 4.5},    {"Q5_K", 5.5},
      {"Q6_K", 6.5625},    {"IQ2_XS", 2.3125},  {"IQ2_S", 2.5625}, {"IQ3_S", 3.4375}, {"IQ4_XS", 4.25}, {"IQ4_NL", 4.5},
      {"IQ2_XXS", 2.0625}, {"IQ3_XXS", 3.0625}, {"IQ1_S", 1.5625}, {"IQ1_M", 1.75}};
  size_t seen = 0;
  for (uint32_t number = 0; number < 64; ++number) {
    const GgmlTypeInfo* info = FindGgmlType(number);
    if (info == nullptr) continue;
    EXPECT_EQ(static_cast<uint32_t>(info->type), number);
    const auto it = bits.find(info->name);
    if (it == bits.end()) continue;
    ++seen;
    EXPECT_DOUBLE_EQ(8.0 * info->block_bytes / info->block_size, it->second) << info->name;
  }
  EXPECT_EQ(seen, bits.size());
  EXPECT_EQ(FindGgmlType(4), nullptr);
  EXPECT_EQ(FindGgmlType(0xFFFFFFFF), nullptr);
}

TEST(Gguf, TypedLookUps) {
  const Bytes bytes = GgufWriter()
                          .Set("n", 7u)
                          .Set("signed", int64_t{9})
                          .Set("negative", -1)
                          .Set("x", 0.5f)
                          .Set("yes", true)
                          .Set("name", "gpt2")
                          .Set("list", std::vector<uint64_t>{1, 2})
                          .Set("big", std::vector<uint64_t>{1ull << 31})
                          .Set("small", std::vector<int64_t>{-(1ll << 31) - 1})
                          .Build();
  const auto file = GgufFile::Parse(bytes);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->GetUint("n").value(), 7u);
  EXPECT_EQ(file->GetUint("signed").value(), 9u);
  EXPECT_EQ(file->GetUint("absent", 3).value(), 3u);
  EXPECT_EQ(file->GetFloat("x").value(), 0.5);
  EXPECT_EQ(file->GetFloat("absent", 2.0).value(), 2.0);
  EXPECT_TRUE(file->GetBool("yes", false).value());
  EXPECT_TRUE(file->GetBool("absent", true).value());
  EXPECT_EQ(file->GetString("name").value(), "gpt2");
  EXPECT_EQ(file->GetString("absent", "llama").value(), "llama");
  EXPECT_EQ(file->GetArray("list")->Ints(), (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(file->GetArray("list")->Strings(), std::nullopt);
  EXPECT_EQ(file->GetArray("list")->Floats(), std::nullopt);
  EXPECT_EQ(file->GetArray("big")->Ints(), std::nullopt);
  EXPECT_EQ(file->GetArray("small")->Ints(), std::nullopt);

  EXPECT_EQ(file->GetUint("absent").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(file->GetUint("absent").error().where, "absent");
  // A value of the wrong type is never replaced by the fallback in silence. Mutation: return the fallback -> red.
  EXPECT_EQ(file->GetUint("negative", 1).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(file->GetUint("x", 1).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(file->GetFloat("n", 1).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(file->GetBool("n", true).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(file->GetString("n", "").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(file->GetArray("n").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(file->GetUint("negative").error().ToString(),
            "negative: is -1 (i32) where a whole number of at least 0 is needed; convert the model again");
}

// Random metadata, written and read again.
RC_GTEST_PROP(GgufProperty, RoundTrip,
              (const std::map<std::string, std::string>& texts, const std::vector<int64_t>& ints,
               const std::vector<std::string>& words, const std::vector<float>& floats)) {
  GgufWriter writer;
  for (const auto& [key, text] : texts) writer.Set("t." + key, text);
  for (size_t i = 0; i < ints.size(); ++i) writer.Set("i." + std::to_string(i), ints[i]);
  writer.Set("words", words).Set("floats", floats).Set("ints", ints);
  const Bytes bytes = writer.Build();
  const auto file = GgufFile::Parse(bytes);
  RC_ASSERT(file.ok());
  for (const auto& [key, text] : texts) RC_ASSERT(file->GetString("t." + key).value() == text);
  for (size_t i = 0; i < ints.size(); ++i) {
    RC_ASSERT(std::get<int64_t>(file->Find("i." + std::to_string(i))->value) == ints[i]);
  }
  RC_ASSERT(*file->GetArray("words")->Strings() == std::vector<std::string_view>(words.begin(), words.end()));
  RC_ASSERT(file->GetArray("floats")->Floats()->size() == floats.size());
  RC_ASSERT(file->GetArray("ints")->size() == ints.size());
}

struct RealFile {
  const char *path, *architecture;
  size_t tensors, keys;
};
// The name ctest shows; without it, the bytes of a pointer, other ones every run.
void PrintTo(const RealFile& file, std::ostream* out) { *out << file.path; }
class GgufRealFile : public ::testing::TestWithParam<RealFile> {};

// Counts and names read from the files by a script of ten lines that shares nothing with the reader.
TEST_P(GgufRealFile, Reads) {
  const RealFile expected = GetParam();
  LP_SHARED_OR_SKIP(path, expected.path);
  const auto mapped = MappedFile::Open(path);
  ASSERT_TRUE(mapped.ok());
  const auto file = GgufFile::Parse(mapped->bytes());
  ASSERT_TRUE(file.ok()) << file.error().ToString();
  EXPECT_EQ(file->GetString("general.architecture").value(), expected.architecture);
  EXPECT_EQ(file->tensors().size(), expected.tensors);
  EXPECT_EQ(file->metadata().size(), expected.keys);
  size_t used = 0;
  for (const GgufTensor& tensor : file->tensors()) used += tensor.data.size();
  EXPECT_LE(used, mapped->bytes().size());
}

INSTANTIATE_TEST_SUITE_P(Shared, GgufRealFile,
                         ::testing::Values(RealFile{"data/weights/stories260K-f32.gguf", "llama", 47, 27},
                                           RealFile{"data/weights/stories260K-f16.gguf", "llama", 47, 27},
                                           RealFile{"data/weights/tinystories-656k-f32.gguf", "llama", 20, 27},
                                           RealFile{"data/weights/tinystories-656k-q8_0.gguf", "llama", 20, 27},
                                           RealFile{"data/weights/gpt-nano-sort-f32.gguf", "gpt2", 41, 18},
                                           RealFile{"data/tokenizers/ggml-vocab-gpt-2.gguf", "gpt2", 0, 16},
                                           RealFile{"data/tokenizers/ggml-vocab-llama-bpe.gguf", "llama", 0, 19},
                                           RealFile{"data/tokenizers/ggml-vocab-qwen2.gguf", "qwen2", 0, 18},
                                           RealFile{"data/tokenizers/ggml-vocab-falcon.gguf", "falcon", 0, 18},
                                           RealFile{"data/tokenizers/ggml-vocab-deepseek-llm.gguf", "llama", 0, 23},
                                           RealFile{"data/tokenizers/ggml-vocab-llama-spm.gguf", "llama", 0, 22},
                                           RealFile{"data/tokenizers/ggml-vocab-phi-3.gguf", "phi3", 0, 26}));

}  // namespace
}  // namespace lp
