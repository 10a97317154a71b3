// Python's operations on strings, by code point. Letters change case in ASCII only; bytes that are no UTF-8 count as
// one code point each.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lp::chat {

std::vector<std::string_view> CodePoints(std::string_view s);  // views into s

// Without the code points of `chars` at its ends, or without white space (str.isspace) where chars is nullptr.
std::string_view Strip(std::string_view s, const std::string* chars, bool left, bool right);

std::string Upper(std::string_view s);
std::string Lower(std::string_view s);
std::string Capitalize(std::string_view s);  // first letter upper, all others lower
std::string Title(std::string_view s);       // the same for every run of letters

// At most `count` times (negative: everywhere). An empty `from` is not replaced.
std::string Replace(std::string_view s, std::string_view from, std::string_view to, long count);

// Whether that makes a string of bounded length.
bool ReplaceFits(std::string_view s, std::string_view from, std::string_view to);

// At most `max` cuts (negative: all), from the right where from_right. Empty separator: at runs of white space, which
// leave no empty parts.
std::vector<std::string> Split(std::string_view s, std::string_view separator, long max, bool from_right);

}  // namespace lp::chat
