#include "cli/logits_file.h"

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>

#include "base/mapped_file.h"
#include "base/str_cat.h"

namespace lp {
namespace {

constexpr std::string_view kMagic("\x93NUMPY", 6);

Error Bad(std::string message) { return {ErrorCode::kCorrupt, std::move(message), ""}; }

template <class T>
T Load(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

float FromHalf(uint16_t bits) {
  const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  double value = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  if (exponent == 31) {
    value = mantissa != 0 ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
  }
  return static_cast<float>((bits & 0x8000) != 0 ? -value : value);
}

// The text after 'key': in a .npy header, up to the next comma outside parentheses.
std::string HeaderField(std::string_view header, std::string_view key) {
  const size_t at = header.find(StrCat("'", key, "':"));
  if (at == std::string_view::npos) return "";
  std::string value;
  int depth = 0;
  for (const char c : header.substr(at + key.size() + 3)) {
    if ((c == ',' && depth == 0) || c == '}') break;
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (c != ' ') value += c;
  }
  return value;
}

// NumPy's format, versions 1 to 3: magic, version, length of a header that is a Python dictionary, data.
Result<std::vector<float>> ReadNpy(std::string_view file) {
  if (file.size() < 12 || !file.starts_with(kMagic)) return Bad("this is no .npy file: it does not begin with \\x93NUMPY");
  const size_t before = file[6] == 1 ? 10 : 12;
  const size_t length = before == 10 ? Load<uint16_t>(file.data() + 8) : Load<uint32_t>(file.data() + 8);
  if (file.size() < before + length) return Bad("the file ends inside its header");
  const std::string_view header = file.substr(before, length);
  const std::string type = HeaderField(header, "descr"), shape = HeaderField(header, "shape");
  size_t n = 0;
  char* end = nullptr;
  if (shape.size() > 2 && shape[0] == '(') n = std::strtoull(shape.c_str() + 1, &end, 10);
  if (end == nullptr || std::string_view(end) != ",)") {
    return Bad(StrCat("the array must have one dimension, [vocabulary], not the shape ", shape.empty() ? "?" : shape,
                      "; save the row of one position"));
  }
  const size_t width = type == "'<f2'" ? 2 : type == "'<f4'" ? 4 : type == "'<f8'" ? 8 : 0;
  if (width == 0) return Bad(StrCat("the numbers must be little-endian float16, float32 or float64 ('<f4'), not ", type));
  const std::string_view data = file.substr(before + length);
  if (data.size() / width < n) return Bad(StrCat("the header says ", n, " numbers, but the file ends after ", data.size() / width));
  std::vector<float> out(n);
  for (size_t i = 0; i < n; ++i) {
    const char* at = data.data() + i * width;
    out[i] = width == 2 ? FromHalf(Load<uint16_t>(at)) : width == 4 ? Load<float>(at) : static_cast<float>(Load<double>(at));
  }
  return out;
}

Result<std::vector<float>> ReadRaw(std::string_view file) {
  if (file.size() % sizeof(float) != 0) return Bad(StrCat(file.size(), " bytes are no whole number of float32"));
  std::vector<float> out(file.size() / sizeof(float));
  if (!out.empty()) std::memcpy(out.data(), file.data(), file.size());
  return out;
}

// Not through a JSON library: Python writes -Infinity, which is no JSON, and means it.
Result<std::vector<float>> ReadJsonArray(std::string_view file) {
  const std::string text(file);
  const char* at = text.c_str();
  const auto skip = [&] {
    while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t') ++at;
  };
  const auto here = [&] { return StrCat(" at byte ", at - text.c_str()); };
  std::vector<float> out;
  skip();
  if (*at != '[') return Bad(StrCat("an array of numbers must begin with [", here()));
  do {
    ++at;  // [ or ,
    skip();
    if (*at == ']' && out.empty()) break;
    char* end = nullptr;
    const double value = std::strtod(at, &end);
    if (end == at) return Bad(StrCat("a number is missing", here()));
    out.push_back(static_cast<float>(value));
    at = end;
    skip();
  } while (*at == ',');
  if (*at != ']') return Bad(StrCat("the array must go on with , or end with ]", here()));
  ++at;
  skip();
  if (at != text.c_str() + text.size()) return Bad(StrCat("something follows the array", here()));
  return out;
}

Result<std::vector<float>> Parse(const std::string& path, std::string_view bytes) {
  const auto is = [&](std::string_view extension) { return path.ends_with(extension); };
  if (is(".npy")) return ReadNpy(bytes);
  if (is(".f32")) return ReadRaw(bytes);
  if (is(".json")) return ReadJsonArray(bytes);
  return Error{ErrorCode::kInvalidArgument, "logits are read from .npy, .f32 or .json files, and this name ends in none of them", ""};
}

}  // namespace

Result<std::vector<float>> ReadLogits(const std::string& path) {
  LP_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  auto logits = Parse(path, {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()});
  if (!logits.ok()) return logits.error().Within(path);
  if (logits->empty()) return Error{ErrorCode::kCorrupt, "there are no logits in the file", path};
  return logits;
}

Status WriteNpy(const std::string& path, std::span<const float> data, size_t rows, size_t columns) {
  const std::string shape = rows == 0 ? StrCat("(", columns, ",)") : StrCat("(", rows, ", ", columns, ")");
  std::string header = StrCat("{'descr': '<f4', 'fortran_order': False, 'shape': ", shape, ", }");
  header.append(63 - (10 + header.size()) % 64, ' ');  // the data begins at a multiple of 64
  header += '\n';
  std::ofstream out(path, std::ios::binary);
  const auto size = static_cast<uint16_t>(header.size());
  out << kMagic << '\1' << '\0' << static_cast<char>(size & 255) << static_cast<char>(size >> 8) << header;
  out.write(reinterpret_cast<const char*>(data.data()), static_cast<std::streamsize>(data.size_bytes()));
  out.close();
  if (!out) return Error{ErrorCode::kIo, "the file could not be written", path};
  return Ok();
}

}  // namespace lp
