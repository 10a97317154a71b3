// GGUF v2/v3: the file format of llama.cpp (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md) as views into
// mapped bytes.
//
// Zero-copy: strings, arrays and tensor data stay where they are in the file. Every offset, count and length is checked
// against the file before it is used, and nothing is allocated in proportion to a number the file merely claims.
// Not here: what the keys mean (model/, tokenizer/) or how a block of weights decodes (quant/).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace lp {

// ggml's tensor types that files hold, by their number in the file.
enum class GgmlType : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ8_1 = 9,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kQ8_K = 15,
  kIQ2_XXS = 16,
  kIQ2_XS = 17,
  kIQ3_XXS = 18,
  kIQ1_S = 19,
  kIQ4_NL = 20,
  kIQ3_S = 21,
  kIQ2_S = 22,
  kIQ4_XS = 23,
  kI8 = 24,
  kI16 = 25,
  kI32 = 26,
  kI64 = 27,
  kF64 = 28,
  kIQ1_M = 29,
  kBF16 = 30,
};

// How a type lies in memory: rows are made of blocks of `block_size` elements in `block_bytes` bytes.
struct GgmlTypeInfo {
  GgmlType type;
  std::string_view name;  // as llama.cpp prints it: "F32", "Q8_0", "Q4_K"
  uint32_t block_size;
  uint32_t block_bytes;
};
// nullptr for a number that is no known type.
const GgmlTypeInfo* FindGgmlType(uint32_t number);

// Metadata value types, by their number in the file.
enum class GgufValueType : uint32_t {
  kUint8 = 0,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kFloat32,
  kBool,
  kString,
  kArray,
  kUint64,
  kInt64,
  kFloat64,
};

// An array of scalars or strings, decoded on access. Nested arrays are refused (no known file has one).
class GgufArray {
 public:
  GgufArray(GgufValueType type, uint64_t size, std::span<const uint8_t> bytes)
      : type_(type), size_(size), bytes_(bytes) {}
  GgufValueType type() const { return type_; }
  uint64_t size() const { return size_; }
  std::span<const uint8_t> bytes() const { return bytes_; }

  // The elements as T; nullopt where the type in the file is another one (integers convert if they fit).
  std::optional<std::vector<std::string_view>> Strings() const;
  std::optional<std::vector<float>> Floats() const;
  std::optional<std::vector<int32_t>> Ints() const;

 private:
  GgufValueType type_;
  uint64_t size_;
  std::span<const uint8_t> bytes_;  // the elements as they are in the file, already bounds-checked
};

// Integers are widened on parsing (all unsigned to uint64_t, all signed to int64_t), floats to double.
using GgufValue = std::variant<uint64_t, int64_t, double, bool, std::string_view, GgufArray>;

struct GgufEntry {
  std::string_view key;
  GgufValueType type;
  GgufValue value;
};

struct GgufTensor {
  std::string_view name;
  GgmlType type = GgmlType::kF32;
  uint32_t n_dims = 0;                        // 1..4
  std::array<uint64_t, 4> shape{1, 1, 1, 1};  // shape[0] is the fastest: a matrix of R rows of C is {C, R}
  std::span<const uint8_t> data;              // exactly the bytes the shape and type say
  uint64_t file_offset = 0;                   // of data, from the start of the file

  uint64_t n_elements() const { return shape[0] * shape[1] * shape[2] * shape[3]; }
};

class GgufFile {
 public:
  // Views into `bytes`, which must outlive the result. Errors: kCorrupt naming the byte offset or the key/tensor,
  // kUnsupported for a version or tensor type that is not known.
  static Result<GgufFile> Parse(std::span<const uint8_t> bytes);

  uint32_t version() const { return version_; }
  uint64_t alignment() const { return alignment_; }
  const std::vector<GgufEntry>& metadata() const { return metadata_; }
  const std::vector<GgufTensor>& tensors() const { return tensors_; }

  const GgufEntry* Find(std::string_view key) const;
  const GgufTensor* FindTensor(std::string_view name) const;

  // Typed look-ups. Missing key: kNotFound where no fallback is given, else the fallback. A value of another type, or
  // an integer that does not fit, is kCorrupt naming the key, with or without fallback.
  Result<uint64_t> GetUint(std::string_view key) const;
  Result<uint64_t> GetUint(std::string_view key, uint64_t fallback) const;
  Result<double> GetFloat(std::string_view key) const;
  Result<double> GetFloat(std::string_view key, double fallback) const;
  Result<bool> GetBool(std::string_view key, bool fallback) const;
  Result<std::string_view> GetString(std::string_view key) const;
  Result<std::string_view> GetString(std::string_view key, std::string_view fallback) const;
  Result<GgufArray> GetArray(std::string_view key) const;  // any element type

 private:
  uint32_t version_ = 0;
  uint64_t alignment_ = 32;
  std::vector<GgufEntry> metadata_;
  std::vector<GgufTensor> tensors_;
  std::vector<uint32_t> by_key_, by_name_;  // indices sorted by key / name, for Find
};

}  // namespace lp
