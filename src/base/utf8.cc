#include "base/utf8.h"

#include <algorithm>

namespace lp {
namespace {

// Lead byte -> length of the sequence and the range its second byte must lie in (Unicode 15, table 3-7). Length 0: no
// lead.
struct Lead {
  uint8_t length, low, high;
};
constexpr Lead LeadOf(uint8_t b) {
  if (b < 0x80) return {1, 0, 0};
  if (b >= 0xC2 && b <= 0xDF) return {2, 0x80, 0xBF};
  if (b == 0xE0) return {3, 0xA0, 0xBF};  // shorter forms are forbidden
  if (b == 0xED) return {3, 0x80, 0x9F};  // surrogates are forbidden
  if (b >= 0xE1 && b <= 0xEF) return {3, 0x80, 0xBF};
  if (b == 0xF0) return {4, 0x90, 0xBF};
  if (b >= 0xF1 && b <= 0xF3) return {4, 0x80, 0xBF};
  if (b == 0xF4) return {4, 0x80, 0x8F};  // nothing past U+10FFFF
  return {0, 0, 0};
}

// Bytes of the sequence that `bytes` starts with which are really there and fit: `length` of the lead when it is
// complete.
size_t MatchedBytes(std::string_view bytes, const Lead& lead) {
  size_t n = 1;
  while (n < lead.length && n < bytes.size()) {
    const auto b = static_cast<uint8_t>(bytes[n]);
    const bool fits = n == 1 ? b >= lead.low && b <= lead.high : (b & 0xC0) == 0x80;
    if (!fits) break;
    ++n;
  }
  return n;
}

}  // namespace

Utf8Step DecodeUtf8(std::string_view bytes) {
  if (bytes.empty()) return {};
  const auto b0 = static_cast<uint8_t>(bytes[0]);
  const Lead lead = LeadOf(b0);
  if (lead.length == 0) return {0xFFFD, 1, false};
  if (lead.length == 1) return {b0, 1, true};
  const size_t n = MatchedBytes(bytes, lead);
  if (n < lead.length) return {0xFFFD, n, false};
  char32_t code_point = b0 & (0xFFu >> (lead.length + 1));
  for (size_t i = 1; i < n; ++i) code_point = code_point << 6 | (static_cast<uint8_t>(bytes[i]) & 0x3F);
  return {code_point, n, true};
}

bool IsValidUtf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const Utf8Step step = DecodeUtf8(bytes);
    if (!step.valid) return false;
    bytes.remove_prefix(step.length);
  }
  return true;
}

std::string ToValidUtf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const Utf8Step step = DecodeUtf8(bytes);
    if (step.valid) {
      out.append(bytes.substr(0, step.length));
    } else {
      out += "\xEF\xBF\xBD";
    }
    bytes.remove_prefix(step.length);
  }
  return out;
}

void AppendUtf8(std::string& out, char32_t c) {
  const auto put = [&out](char32_t b) { out.push_back(static_cast<char>(b)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6), put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18), put(0x80 | (c >> 12 & 0x3F)), put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
  }
}

size_t CompleteUtf8Prefix(std::string_view bytes) {
  // Only the last three bytes can begin a character that is still open.
  for (size_t back = 1; back <= std::min<size_t>(3, bytes.size()); ++back) {
    const std::string_view tail = bytes.substr(bytes.size() - back);
    const Lead lead = LeadOf(static_cast<uint8_t>(tail[0]));
    if (lead.length == 0) continue;  // a continuation byte, or never text: look further back
    const bool open = lead.length > back && MatchedBytes(tail, lead) == back;
    return open ? bytes.size() - back : bytes.size();
  }
  return bytes.size();
}

std::string ToHex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes.size());
  for (const char c : bytes) {
    out.push_back(kDigits[static_cast<uint8_t>(c) >> 4]);
    out.push_back(kDigits[static_cast<uint8_t>(c) & 15]);
  }
  return out;
}

}  // namespace lp
