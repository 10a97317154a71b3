#include "tokenizer/byte_alphabet.h"

#include <array>
#include <cstdint>

#include "base/utf8.h"

namespace lp {
namespace {

constexpr bool StandsForItself(uint32_t byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
}

constexpr char32_t kFirstExtra = 0x100;
constexpr char32_t kEnd = kFirstExtra + 68;

struct Tables {
  std::array<char32_t, 256> to_code_point{};
  std::array<int16_t, kEnd> to_byte{};  // -1: not in the alphabet
};

constexpr Tables MakeTables() {
  Tables tables;
  tables.to_byte.fill(-1);
  char32_t extra = kFirstExtra;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const char32_t code_point = StandsForItself(byte) ? byte : extra++;
    tables.to_code_point[byte] = code_point;
    tables.to_byte[code_point] = static_cast<int16_t>(byte);
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

}  // namespace

std::optional<std::string> BytesFromAlphabet(std::string_view spelled) {
  std::string out;
  out.reserve(spelled.size());
  while (!spelled.empty()) {
    const Utf8Step step = DecodeUtf8(spelled);
    if (!step.valid || step.code_point >= kEnd || kTables.to_byte[step.code_point] < 0) return std::nullopt;
    out.push_back(static_cast<char>(kTables.to_byte[step.code_point]));
    spelled.remove_prefix(step.length);
  }
  return out;
}

std::string BytesToAlphabet(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) AppendUtf8(out, kTables.to_code_point[static_cast<uint8_t>(c)]);
  return out;
}

}  // namespace lp
