#include "server/origin.h"

#include "base/str_cat.h"

namespace lp {
namespace {

constexpr std::string_view kScheme = "http://";

// What stands in Host and Origin: a port that goes without saying is not said.
std::string At(std::string_view name, int port) { return port == 80 ? std::string(name) : StrCat(name, ":", port); }

// The name in a Host: all but its port. In "[::1]:80" colons are part of it.
std::string_view NameIn(std::string_view host) {
  const size_t colon = host.rfind(':');
  return colon == std::string_view::npos || host.ends_with(']') ? host : host.substr(0, colon);
}

}  // namespace

bool Address::IsOurs(std::string_view name_and_port, int at) const {
  for (const std::string_view name : {std::string_view("127.0.0.1"), std::string_view("localhost"), std::string_view("[::1]"), std::string_view(host)}) {
    if (name_and_port == At(name, at) || name_and_port == StrCat(name, ":", at)) return true;
  }
  return false;
}

bool Address::MayAsk(std::string_view asked, int at, std::optional<std::string_view> origin) const {
  if (!any_host && !IsOurs(asked, at)) return false;
  if (!origin) return true;
  if (any_host) return *origin == StrCat(kScheme, At(NameIn(asked), port));
  return origin->starts_with(kScheme) && IsOurs(origin->substr(kScheme.size()), port);
}

}  // namespace lp
