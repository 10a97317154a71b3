// Who may ask: programs of this machine, and this server's own page. A web site that the user visits could send requests to
// loopback, too, by itself (cross-site requests) or under a name of its own that resolves to it (DNS rebinding).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lp {

// What who may not ask is told.
inline constexpr char kNotForYou[] = "this server answers only its own page and local programs; open it by its address";

struct Address {
  std::string host;
  int port = 0;
  // Others reach this machine under names we cannot know.
  bool any_host = false;

  // `host`: the Host a request was sent to, at our port `at`; `origin`: where the page comes from that sent it, if it was one.
  bool MayAsk(std::string_view host, int at, std::optional<std::string_view> origin) const;

 private:
  bool IsOurs(std::string_view name_and_port, int at) const;
};

}  // namespace lp
