#include "gguf/describe.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <variant>

#include "base/byte_reader.h"
#include "base/str_cat.h"
#include "base/utf8.h"

namespace lp {
namespace {

constexpr std::string_view kEllipsis = "\xE2\x80\xA6";
constexpr std::string_view kTypeNames[] = {"u8",   "i8",  "u16", "i16", "u32", "i32", "f32",
                                           "bool", "str", "arr", "u64", "i64", "f64"};

void AppendEscapedByte(std::string& out, char byte) {
  out += "\\x";
  out += ToHex({&byte, 1});
}

// As many digits (six at least, so that 10000 is not 1e+04) as read back as the same number: 1e-05, not 9.99999975e-06.
// snprintf, because std::to_chars for floats is missing from the WASM toolchain.
template <class T>
std::string FormatFloat(T value) {
  constexpr int kMaxDigits = sizeof(T) == sizeof(float) ? 9 : 17;
  char buffer[40];
  for (int digits = 6; digits <= kMaxDigits; ++digits) {
    std::snprintf(buffer, sizeof(buffer), "%.*g", digits, static_cast<double>(value));
    if (static_cast<T>(std::strtod(buffer, nullptr)) == value) break;  // NaN never does, and prints as "nan"
  }
  return buffer;
}

std::string Quoted(std::string_view bytes) { return StrCat('"', Printable(bytes), '"'); }

template <class T>
std::string FormatNext(ByteReader& reader) {
  const std::optional<T> value = reader.Read<T>();
  if (!value) return "?";
  if constexpr (std::is_floating_point_v<T>) {
    return FormatFloat(*value);
  } else {
    return StrCat(+*value);  // + makes int8_t a number, not a character
  }
}

// The next element of an array; the parser has checked that it is there.
std::string FormatElement(GgufValueType type, ByteReader& reader) {
  using enum GgufValueType;
  switch (type) {
    case kUint8:
      return FormatNext<uint8_t>(reader);
    case kInt8:
      return FormatNext<int8_t>(reader);
    case kUint16:
      return FormatNext<uint16_t>(reader);
    case kInt16:
      return FormatNext<int16_t>(reader);
    case kUint32:
      return FormatNext<uint32_t>(reader);
    case kInt32:
      return FormatNext<int32_t>(reader);
    case kFloat32:
      return FormatNext<float>(reader);
    case kUint64:
      return FormatNext<uint64_t>(reader);
    case kInt64:
      return FormatNext<int64_t>(reader);
    case kFloat64:
      return FormatNext<double>(reader);
    case kBool:
      return reader.Read<uint8_t>().value_or(0) != 0 ? "true" : "false";
    case kString: {
      const auto bytes = reader.ReadBytes(reader.Read<uint64_t>().value_or(0));
      if (!bytes) return "?";
      return Quoted({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
    }
    case kArray:
      break;
  }
  return "?";
}

std::string FormatArray(const GgufArray& array, size_t max_items) {
  std::string out = StrCat("[", ValueTypeName(array.type()), " x ", array.size(), "]");
  ByteReader reader(array.bytes());
  const uint64_t shown = std::min<uint64_t>(array.size(), max_items);
  for (uint64_t i = 0; i < shown; ++i) {
    out += i == 0 ? " " : ", ";
    out += FormatElement(array.type(), reader);
  }
  if (shown < array.size()) out += StrCat(shown == 0 ? " " : ", ", kEllipsis);
  return out;
}

}  // namespace

std::string Printable(std::string_view bytes, size_t max_bytes) {
  std::string out;
  size_t used = 0;
  while (used < bytes.size()) {
    const std::string_view rest = bytes.substr(used);
    const Utf8Step step = DecodeUtf8(rest);
    if (used + step.length > max_bytes) return out + std::string(kEllipsis);
    const bool control = step.code_point < 0x20 || (step.code_point >= 0x7F && step.code_point < 0xA0);
    if (step.valid && !control) {
      out += rest.substr(0, step.length);
    } else if (step.code_point == '\n') {
      out += "\\n";
    } else if (step.code_point == '\t') {
      out += "\\t";
    } else if (step.code_point == '\r') {
      out += "\\r";
    } else {
      for (size_t i = 0; i < step.length; ++i) AppendEscapedByte(out, rest[i]);
    }
    used += step.length;
  }
  return out;
}

std::string ValueTypeName(GgufValueType type) {
  const auto number = static_cast<uint32_t>(type);
  return number < std::size(kTypeNames) ? std::string(kTypeNames[number]) : StrCat("type ", number);
}

std::string FormatValue(const GgufEntry& entry, size_t max_items) {
  const GgufValue& value = entry.value;
  if (const auto* u = std::get_if<uint64_t>(&value)) return StrCat(*u);
  if (const auto* i = std::get_if<int64_t>(&value)) return StrCat(*i);
  if (const auto* b = std::get_if<bool>(&value)) return *b ? "true" : "false";
  if (const auto* s = std::get_if<std::string_view>(&value)) return Quoted(*s);
  if (const auto* a = std::get_if<GgufArray>(&value)) return FormatArray(*a, max_items);
  const double d = std::get<double>(value);
  return entry.type == GgufValueType::kFloat32 ? FormatFloat(static_cast<float>(d)) : FormatFloat(d);
}

std::string FormatShape(const GgufTensor& tensor) {
  std::string out = "{";
  for (uint32_t i = 0; i < tensor.n_dims; ++i) out += StrCat(i == 0 ? "" : ", ", tensor.shape[i]);
  return out + "}";
}

}  // namespace lp
