// Builds GGUF files in memory for tests: valid ones by default, and lies where a test asks for them.
//
//   std::vector<uint8_t> bytes = GgufWriter().Set("general.architecture", "llama").Tensor("w", {4, 2}, floats).Build();
//
// Written from the format's description, and on purpose sharing no code with the reader in src/gguf.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "gguf/gguf.h"

namespace lp::testing {

using Bytes = std::vector<uint8_t>;

class GgufWriter {
 public:
  explicit GgufWriter(uint32_t version = 3, uint32_t alignment = 32) : version_(version), alignment_(alignment) {
    if (alignment != 32) Set("general.alignment", alignment);
  }

  // One metadata entry of the file type that T is written as. The exact C++ type decides: 1u is uint32, 1 is
  // int32, 1.0f is float32.
  template <class T>
  requires std::is_arithmetic_v<T> GgufWriter& Set(std::string_view key, T value) {
    Bytes bytes;
    Append(bytes, value);
    return SetRaw(key, static_cast<uint32_t>(TypeOf<T>()), bytes);
  }
  GgufWriter& Set(std::string_view key, std::string_view value) {
    Bytes bytes;
    AppendString(bytes, value);
    return SetRaw(key, static_cast<uint32_t>(GgufValueType::kString), bytes);
  }
  GgufWriter& Set(std::string_view key, const char* value) { return Set(key, std::string_view(value)); }
  GgufWriter& Set(std::string_view key, const std::string& value) { return Set(key, std::string_view(value)); }

  template <class T>
  requires std::is_arithmetic_v<T> GgufWriter& Set(std::string_view key, const std::vector<T>& values) {
    Bytes bytes = ArrayHead(static_cast<uint32_t>(TypeOf<T>()), values.size());
    for (const T value : values) Append(bytes, value);
    return SetRaw(key, static_cast<uint32_t>(GgufValueType::kArray), bytes);
  }
  GgufWriter& Set(std::string_view key, const std::vector<std::string>& values) {
    Bytes bytes = ArrayHead(static_cast<uint32_t>(GgufValueType::kString), values.size());
    for (const std::string& value : values) AppendString(bytes, value);
    return SetRaw(key, static_cast<uint32_t>(GgufValueType::kArray), bytes);
  }
  // Any type number and any bytes: for lies.
  GgufWriter& SetRaw(std::string_view key, uint32_t type, std::span<const uint8_t> value) {
    AppendString(metadata_, key);
    Append(metadata_, type);
    metadata_.insert(metadata_.end(), value.begin(), value.end());
    ++n_metadata_;
    return *this;
  }

  // A tensor and its bytes, placed at the next aligned offset. shape[0] is the fastest.
  GgufWriter& Tensor(std::string_view name, GgmlType type, const std::vector<uint64_t>& shape,
                     std::span<const uint8_t> data) {
    PadTo(data_, alignment_);
    TensorInfo(name, static_cast<uint32_t>(type), shape, data_.size());
    data_.insert(data_.end(), data.begin(), data.end());
    return *this;
  }
  GgufWriter& Tensor(std::string_view name, const std::vector<uint64_t>& shape, const std::vector<float>& values) {
    return Tensor(name, GgmlType::kF32, shape,
                  {reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(float)});
  }
  // Only the table's line, with any offset into the data section: for lies.
  GgufWriter& TensorInfo(std::string_view name, uint32_t type, const std::vector<uint64_t>& shape, uint64_t offset) {
    AppendString(tensors_, name);
    Append(tensors_, static_cast<uint32_t>(shape.size()));
    for (const uint64_t n : shape) Append(tensors_, n);
    Append(tensors_, type);
    Append(tensors_, offset);
    ++n_tensors_;
    return *this;
  }
  // Bytes of the data section that belong to no tensor.
  GgufWriter& Data(std::span<const uint8_t> data) {
    data_.insert(data_.end(), data.begin(), data.end());
    return *this;
  }

  // What the header claims instead of the truth.
  GgufWriter& ClaimTensors(uint64_t n) { return n_tensors_ = n, *this; }
  GgufWriter& ClaimMetadata(uint64_t n) { return n_metadata_ = n, *this; }

  Bytes Build() const {
    Bytes out = {'G', 'G', 'U', 'F'};
    Append(out, version_);
    Append(out, n_tensors_);
    Append(out, n_metadata_);
    out.insert(out.end(), metadata_.begin(), metadata_.end());
    out.insert(out.end(), tensors_.begin(), tensors_.end());
    PadTo(out, alignment_);
    out.insert(out.end(), data_.begin(), data_.end());
    return out;
  }

  // Building blocks of raw values.
  template <class T>
  static void Append(Bytes& out, T value) {
    std::array<uint8_t, sizeof(T)> bytes;
    std::memcpy(bytes.data(), &value, sizeof(T));
    for (const uint8_t byte : bytes) out.push_back(byte);  // not insert(): g++ 12 warns of an overflow that is none
  }
  static void AppendString(Bytes& out, std::string_view s) {
    Append(out, static_cast<uint64_t>(s.size()));
    out.insert(out.end(), s.begin(), s.end());
  }
  static Bytes ArrayHead(uint32_t type, uint64_t size) {
    Bytes out;
    Append(out, type);
    Append(out, size);
    return out;
  }

 private:
  template <class T>
  static constexpr GgufValueType TypeOf() {
    using enum GgufValueType;
    if constexpr (std::is_same_v<T, bool>) return kBool;
    if constexpr (std::is_same_v<T, float>) return kFloat32;
    if constexpr (std::is_same_v<T, double>) return kFloat64;
    constexpr bool kSigned = std::is_signed_v<T>;
    if constexpr (sizeof(T) == 1) return kSigned ? kInt8 : kUint8;
    if constexpr (sizeof(T) == 2) return kSigned ? kInt16 : kUint16;
    if constexpr (sizeof(T) == 4) return kSigned ? kInt32 : kUint32;
    return kSigned ? kInt64 : kUint64;
  }
  static void PadTo(Bytes& bytes, uint32_t alignment) {
    while (alignment != 0 && bytes.size() % alignment != 0) bytes.push_back(0);
  }

  uint32_t version_, alignment_;
  uint64_t n_metadata_ = 0, n_tensors_ = 0;
  Bytes metadata_, tensors_, data_;
};

}  // namespace lp::testing
