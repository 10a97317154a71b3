// Header and metadata: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, "File Structure".
#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "base/str_cat.h"
#include "base/utf8.h"
#include "gguf/describe.h"
#include "gguf/parse.h"

namespace lp::internal {
namespace {

constexpr std::string_view kCutShort = "the file is cut short or damaged; download it again";
// The least an entry takes: an empty key's length, a type, a value of one byte.
constexpr uint64_t kMinEntryBytes = 8 + 4 + 1;

std::string AtByte(size_t offset) { return StrCat("byte ", offset); }

std::string_view AsText(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string AtKey(std::string_view key) { return StrCat("key ", Printable(key)); }

// The bytes of a scalar in the file; 0 for strings, arrays and numbers that are no type.
uint32_t ScalarBytes(GgufValueType type) {
  using enum GgufValueType;
  switch (type) {
    case kUint8:
    case kInt8:
    case kBool:
      return 1;
    case kUint16:
    case kInt16:
      return 2;
    case kUint32:
    case kInt32:
    case kFloat32:
      return 4;
    case kUint64:
    case kInt64:
    case kFloat64:
      return 8;
    case kString:
    case kArray:
      break;
  }
  return 0;
}

Error EndsInside(const ByteReader& reader, std::string_view what, std::string where) {
  return Error{ErrorCode::kCorrupt,
               StrCat("the file ends inside ", what, " at byte ", reader.offset(), ": ", kCutShort), std::move(where)};
}

Error UnknownValueType(uint32_t type, std::string_view key) {
  return Error{ErrorCode::kUnsupported,
               StrCat("metadata value type ", type,
                      " is not known (0 to 12 are): the file is damaged or newer than this reader; download it again"),
               AtKey(key)};
}

Result<std::string_view> ReadString(ByteReader& reader, std::string_view what, const std::string& where) {
  const size_t at = reader.offset();
  const auto length = reader.Read<uint64_t>();
  if (!length) return EndsInside(reader, StrCat("the length of ", what), where);
  const auto bytes = reader.ReadBytes(*length);
  if (!bytes) {
    return Error{ErrorCode::kCorrupt,
                 StrCat(what, " at byte ", at, " claims ", *length, " bytes but only ", reader.remaining(),
                        " are left in the file: ", kCutShort),
                 where};
  }
  return AsText(*bytes);
}

Status CheckBool(uint8_t byte, std::string_view key) {
  if (byte <= 1) return Ok();
  return Error{ErrorCode::kCorrupt,
               StrCat("a bool is ", byte, " where only 0 and 1 are allowed: the file is damaged; download it again"),
               AtKey(key)};
}

template <class T, class Wide>
Result<GgufValue> ReadScalar(ByteReader& reader, std::string_view key) {
  const auto value = reader.Read<T>();
  if (!value) return EndsInside(reader, "a value", AtKey(key));
  return GgufValue(static_cast<Wide>(*value));
}

Result<GgufValue> ReadArray(ByteReader& reader, std::string_view key) {
  const auto type = reader.Read<uint32_t>();
  const auto size = type ? reader.Read<uint64_t>() : std::nullopt;
  if (!size) return EndsInside(reader, "the head of an array", AtKey(key));
  if (*type > static_cast<uint32_t>(GgufValueType::kFloat64)) return UnknownValueType(*type, key);
  const auto element = static_cast<GgufValueType>(*type);
  if (element == GgufValueType::kArray) {
    return Error{ErrorCode::kUnsupported, "arrays of arrays are not supported; no known model file has one",
                 AtKey(key)};
  }
  const bool strings = element == GgufValueType::kString;
  const uint64_t least = strings ? sizeof(uint64_t) : ScalarBytes(element);  // bytes of the smallest element
  if (*size > reader.remaining() / least) {
    return Error{ErrorCode::kCorrupt,
                 StrCat("an array claims ", *size, " elements but only ", reader.remaining(),
                        " bytes are left in the file: ", kCutShort),
                 AtKey(key)};
  }
  ByteReader begin = reader;
  const size_t start = reader.offset();
  if (strings) {  // walked once, so that GgufArray may trust the lengths
    for (uint64_t i = 0; i < *size; ++i) {
      LP_RETURN_IF_ERROR(ReadString(reader, "a string of an array", AtKey(key)));
    }
  } else {
    const auto bytes = *reader.ReadBytes(*size * least);
    if (element == GgufValueType::kBool) {
      for (const uint8_t byte : bytes) LP_RETURN_IF_ERROR(CheckBool(byte, key));
    }
  }
  return GgufValue(GgufArray(element, *size, *begin.ReadBytes(reader.offset() - start)));
}

Result<GgufValue> ReadValue(ByteReader& reader, GgufValueType type, std::string_view key) {
  using enum GgufValueType;
  switch (type) {
    case kUint8:
      return ReadScalar<uint8_t, uint64_t>(reader, key);
    case kInt8:
      return ReadScalar<int8_t, int64_t>(reader, key);
    case kUint16:
      return ReadScalar<uint16_t, uint64_t>(reader, key);
    case kInt16:
      return ReadScalar<int16_t, int64_t>(reader, key);
    case kUint32:
      return ReadScalar<uint32_t, uint64_t>(reader, key);
    case kInt32:
      return ReadScalar<int32_t, int64_t>(reader, key);
    case kFloat32:
      return ReadScalar<float, double>(reader, key);
    case kUint64:
      return ReadScalar<uint64_t, uint64_t>(reader, key);
    case kInt64:
      return ReadScalar<int64_t, int64_t>(reader, key);
    case kFloat64:
      return ReadScalar<double, double>(reader, key);
    case kBool: {
      const auto byte = reader.Read<uint8_t>();
      if (!byte) return EndsInside(reader, "a value", AtKey(key));
      LP_RETURN_IF_ERROR(CheckBool(*byte, key));
      return GgufValue(*byte == 1);
    }
    case kString: {
      LP_ASSIGN_OR_RETURN(const std::string_view text, ReadString(reader, "a string", AtKey(key)));
      return GgufValue(text);
    }
    case kArray:
      return ReadArray(reader, key);
  }
  return UnknownValueType(static_cast<uint32_t>(type), key);
}

// Says what the file is instead, for the mistakes people make most.
Error NotGguf(std::string_view start) {
  std::string_view what = "it is some other kind of file, or damaged; give the path of a .gguf file";
  if (start.starts_with("version https://git-lfs")) {
    what = "it is a Git LFS pointer, not the model itself; run `git lfs pull`, or download the file";
  } else if (start.starts_with("<!") || start.starts_with("<html")) {
    what = "it is a web page; download the file itself, not the page about it";
  } else if (start.starts_with("tjgg") || start.starts_with("fmgg") || start.starts_with("lmgg")) {
    what = "it is llama.cpp's format from before GGUF; convert the model again";
  }
  return Error{ErrorCode::kCorrupt,
               StrCat("the file does not start with \"GGUF\" but with bytes ", ToHex(start.substr(0, 4)), ": ", what),
               AtByte(0)};
}

}  // namespace

Result<GgufHeader> ReadHeader(ByteReader& reader) {
  if (reader.remaining() == 0) {
    return Error{ErrorCode::kCorrupt, "the file is empty; download it again", AtByte(0)};
  }
  ByteReader peek = reader;
  const std::string_view start = AsText(*peek.ReadBytes(std::min<size_t>(reader.remaining(), 64)));
  if (!start.starts_with("GGUF")) {
    if (std::string_view("GGUF").starts_with(start)) return EndsInside(reader, "its first four bytes", AtByte(0));
    return NotGguf(start);
  }
  (void)reader.ReadBytes(4);
  GgufHeader header;
  const auto version = reader.Read<uint32_t>();
  if (!version) return EndsInside(reader, "the format version", AtByte(4));
  if (*version != 2 && *version != 3) {
    if ((*version & 0xFFFF) == 0 && *version != 0) {  // 3 written with the high byte first
      return Error{ErrorCode::kUnsupported,
                   "the file is big-endian, and only little-endian GGUF is supported; convert the model again for a "
                   "little-endian machine",
                   AtByte(4)};
    }
    return Error{ErrorCode::kUnsupported,
                 StrCat("GGUF version ", *version, " is not supported, versions 2 and 3 are; ",
                        *version < 2 ? "convert the model again with a current converter" : "update logitpeek"),
                 AtByte(4)};
  }
  header.version = *version;
  const auto n_tensors = reader.Read<uint64_t>();
  const auto n_metadata = n_tensors ? reader.Read<uint64_t>() : std::nullopt;
  if (!n_metadata) return EndsInside(reader, "the counts of tensors and keys", AtByte(8));
  header.n_tensors = *n_tensors;
  header.n_metadata = *n_metadata;
  return header;
}

Result<std::vector<GgufEntry>> ReadMetadata(ByteReader& reader, uint64_t count) {
  if (count > reader.remaining() / kMinEntryBytes) {
    return Error{
        ErrorCode::kCorrupt,
        StrCat("the file claims ", count, " metadata keys but only ", reader.remaining(), " bytes follow: ", kCutShort),
        AtByte(16)};
  }
  std::vector<GgufEntry> entries;
  entries.reserve(std::min<uint64_t>(count, 256));
  for (uint64_t i = 0; i < count; ++i) {
    const std::string where = AtByte(reader.offset());
    LP_ASSIGN_OR_RETURN(const std::string_view key, ReadString(reader, "a metadata key", where));
    const auto type = reader.Read<uint32_t>();
    if (!type) return EndsInside(reader, "the type of a value", AtKey(key));
    LP_ASSIGN_OR_RETURN(GgufValue value, ReadValue(reader, static_cast<GgufValueType>(*type), key));
    entries.push_back(GgufEntry{key, static_cast<GgufValueType>(*type), std::move(value)});
  }
  return entries;
}

}  // namespace lp::internal
