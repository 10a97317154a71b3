// A bounds-checked little-endian cursor over bytes we did not make. It never reads past the end and never throws: a
// failed read returns nullopt and leaves the cursor where it was, so that the caller can name the offset.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace lp {

class ByteReader {
 public:
  // `bytes` must outlive the reader and every view it returns.
  explicit ByteReader(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  size_t offset() const { return offset_; }
  size_t remaining() const { return bytes_.size() - offset_; }

  // The next sizeof(T) bytes as a little-endian number. memcpy, because files promise no alignment.
  template <class T>
  requires std::is_arithmetic_v<T> std::optional<T> Read() {
    if (remaining() < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, bytes_.data() + offset_, sizeof(T));
    offset_ += sizeof(T);
    return value;
  }

  std::optional<std::span<const uint8_t>> ReadBytes(uint64_t n) {
    if (n > remaining()) return std::nullopt;
    const auto view = bytes_.subspan(offset_, static_cast<size_t>(n));
    offset_ += static_cast<size_t>(n);
    return view;
  }

 private:
  std::span<const uint8_t> bytes_;
  size_t offset_ = 0;
};

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "GGUF is read as little-endian");

}  // namespace lp
