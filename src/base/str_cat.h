// StrCat("tensor ", name, " has ", n, " rows"): the one way the layers below the command line put a message together.
// fmt would do it too, but these layers stay free of libraries so that they build anywhere.
#pragma once

#include <concepts>
#include <cstdio>
#include <string>
#include <string_view>

namespace lp {

namespace internal {
inline void Append(std::string& out, std::string_view s) { out.append(s); }
inline void Append(std::string& out, char c) { out.push_back(c); }
template <std::integral T>
void Append(std::string& out, T v) {
  out += std::to_string(v);
}
template <std::floating_point T>
void Append(std::string& out, T v) {
  char buffer[32];
  const int n = std::snprintf(buffer, sizeof(buffer), "%.9g", static_cast<double>(v));
  out.append(buffer, static_cast<size_t>(n));
}
}  // namespace internal

template <class... Args>
std::string StrCat(const Args&... args) {
  std::string out;
  (internal::Append(out, args), ...);
  return out;
}

}  // namespace lp
