// UTF-8 as the view needs it: what of some bytes is text, and what is not yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lp {

// One step through bytes: a code point of `length` bytes, or, where `valid` is false, bytes that are no character: one
// U+FFFD for each maximal prefix of a character (Unicode 15, section 3.9, the practice browsers follow).
struct Utf8Step {
  char32_t code_point = 0xFFFD;
  size_t length = 0;  // >= 1 unless `bytes` is empty
  bool valid = false;
};
Utf8Step DecodeUtf8(std::string_view bytes);

bool IsValidUtf8(std::string_view bytes);

// `bytes` with everything that is no character replaced by U+FFFD: always valid UTF-8. Lossy: keep the bytes as well.
std::string ToValidUtf8(std::string_view bytes);

void AppendUtf8(std::string& out, char32_t code_point);

// Length of the longest prefix that does not end inside a character: what a stream may print now. The rest (at most 3
// bytes) waits for the next token.
size_t CompleteUtf8Prefix(std::string_view bytes);

std::string ToHex(std::string_view bytes);  // lower case, two digits a byte

}  // namespace lp
