#include "chat/text.h"

#include <algorithm>

#include "base/utf8.h"

namespace lp::chat {
namespace {

// str.isspace, by the list in Python's documentation of Unicode white space.
bool IsSpace(std::string_view code_point) {
  const char32_t c = DecodeUtf8(code_point).code_point;
  return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
char ToUpper(char c) { return IsLower(c) ? static_cast<char>(c - 32) : c; }
char ToLower(char c) { return IsUpper(c) ? static_cast<char>(c + 32) : c; }

std::vector<std::string> SplitAtSpace(std::string_view s, long max, bool from_right) {
  std::vector<std::string> out;
  for (;;) {
    s = Strip(s, nullptr, !from_right, from_right);
    if (s.empty()) break;
    std::string_view part = s;  // the last one keeps what is at its far end
    if (max < 0 || static_cast<long>(out.size()) < max) {
      const std::vector<std::string_view> points = CodePoints(s);
      if (from_right) {
        const auto space = std::find_if(points.rbegin(), points.rend(), IsSpace);
        if (space != points.rend()) part = s.substr(static_cast<size_t>(space->data() + space->size() - s.data()));
      } else {
        const auto space = std::find_if(points.begin(), points.end(), IsSpace);
        if (space != points.end()) part = s.substr(0, static_cast<size_t>(space->data() - s.data()));
      }
    }
    out.emplace_back(part);
    s = from_right ? s.substr(0, s.size() - part.size()) : s.substr(part.size());
  }
  if (from_right) std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace

std::vector<std::string_view> CodePoints(std::string_view s) {
  std::vector<std::string_view> out;
  while (!s.empty()) {
    const Utf8Step step = DecodeUtf8(s);
    const size_t n = step.valid ? step.length : 1;
    out.push_back(s.substr(0, n));
    s.remove_prefix(n);
  }
  return out;
}

std::string_view Strip(std::string_view s, const std::string* chars, bool left, bool right) {
  const std::vector<std::string_view> points = CodePoints(s);
  const std::vector<std::string_view> set = chars ? CodePoints(*chars) : std::vector<std::string_view>();
  const auto goes = [&](std::string_view p) {
    return chars ? std::find(set.begin(), set.end(), p) != set.end() : IsSpace(p);
  };
  size_t begin = 0, end = points.size();
  while (left && begin < end && goes(points[begin])) ++begin;
  while (right && end > begin && goes(points[end - 1])) --end;
  if (begin == end) return {};
  const char* first = points[begin].data();
  return {first, static_cast<size_t>(points[end - 1].data() + points[end - 1].size() - first)};
}

std::string Upper(std::string_view s) {
  std::string out(s);
  std::transform(out.begin(), out.end(), out.begin(), ToUpper);
  return out;
}

std::string Lower(std::string_view s) {
  std::string out(s);
  std::transform(out.begin(), out.end(), out.begin(), ToLower);
  return out;
}

std::string Capitalize(std::string_view s) {
  std::string out = Lower(s);
  if (!out.empty()) out[0] = ToUpper(out[0]);
  return out;
}

std::string Title(std::string_view s) {
  std::string out(s);
  bool in_word = false;
  for (char& c : out) {
    c = in_word ? ToLower(c) : ToUpper(c);
    in_word = IsUpper(c) || IsLower(c) || static_cast<unsigned char>(c) >= 128;
  }
  return out;
}

std::string Replace(std::string_view s, std::string_view from, std::string_view to, long count) {
  std::string out;
  size_t at = 0;
  for (; count != 0 && !from.empty(); --count) {
    const size_t found = s.find(from, at);
    if (found == s.npos) break;
    out.append(s.substr(at, found - at)).append(to);
    at = found + from.size();
  }
  return out.append(s.substr(at));
}

bool ReplaceFits(std::string_view s, std::string_view from, std::string_view to) {
  return from.empty() || s.size() + (s.size() / from.size()) * to.size() <= (size_t{64} << 20);
}

std::vector<std::string> Split(std::string_view s, std::string_view separator, long max, bool from_right) {
  if (separator.empty()) return SplitAtSpace(s, max, from_right);
  std::vector<std::string> out;
  for (;;) {
    const bool may_cut = max < 0 || static_cast<long>(out.size()) < max;
    const size_t at = !may_cut ? s.npos : from_right ? s.rfind(separator) : s.find(separator);
    if (at == s.npos) break;
    out.emplace_back(from_right ? s.substr(at + separator.size()) : s.substr(0, at));
    s = from_right ? s.substr(0, at) : s.substr(at + separator.size());
  }
  out.emplace_back(s);
  if (from_right) std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace lp::chat
