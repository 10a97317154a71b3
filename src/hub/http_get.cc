#include "hub/http_get.h"

#include <httplib.h>

#include <cctype>

#include "base/str_cat.h"

namespace lp {
namespace {

struct Url {
  std::string origin;  // "https://host:port"
  std::string path;    // "/..." with its query
};

Result<Url> ParseUrl(const std::string& text) {
  const size_t scheme = text.find("://");
  const std::string name = text.substr(0, scheme == std::string::npos ? 0 : scheme);
  if (name != "http" && name != "https")
    return Error{ErrorCode::kInvalidArgument, "this is no http or https address", text};
  const size_t path = text.find('/', scheme + 3);
  Url url{text.substr(0, path), path == std::string::npos ? "/" : text.substr(path)};
  if (url.origin.size() == scheme + 3) return Error{ErrorCode::kInvalidArgument, "this address names no host", text};
  return url;
}

std::string Why(httplib::Error error) {
  switch (error) {
    case httplib::Error::Connection:
      return "there is no way to it (no network, or a proxy or firewall between)";
    case httplib::Error::SSLConnection:
    case httplib::Error::SSLLoadingCerts:
    case httplib::Error::SSLServerVerification:
      return "its certificate could not be verified (is the package ca-certificates installed?)";
    case httplib::Error::Read:
    case httplib::Error::Write:
      return "the connection broke";
    default:
      return httplib::to_string(error);
  }
}

}  // namespace

std::string UrlPath(const std::string& path) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '/' || c == '-' || c == '_' || c == '.' || c == '~') {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

Result<HttpHead> Fetch(const HttpGet& get) {
  constexpr int kMaxRedirects = 6;
  std::string address = get.url, token = get.bearer_token;
  for (int hop = 0; hop <= kMaxRedirects; ++hop) {
    LP_ASSIGN_OR_RETURN(const Url url, ParseUrl(address));
    httplib::Client client(url.origin);
    if (!client.is_valid()) return Error{ErrorCode::kInvalidArgument, "this is no address", address};
    client.set_url_encode(false);
    client.set_connection_timeout(15);
    client.set_read_timeout(60);
    httplib::Headers headers = {{"User-Agent", "logitpeek"}, {"Accept-Encoding", "identity"}};
    if (!token.empty()) headers.emplace("Authorization", "Bearer " + token);
    if (get.from > 0) headers.emplace("Range", StrCat("bytes=", get.from, "-"));
    HttpHead head;
    std::string location;
    bool stopped = false, no_body = false;
    const auto result = client.Get(
        url.path, headers,
        [&](const httplib::Response& response) {
          head.status = response.status;
          for (const auto& [name, value] : response.headers) {
            std::string lower = name;
            for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
            head.headers[lower] = value;
          }
          head.content_length = std::strtoull(head.headers["content-length"].c_str(), nullptr, 10);
          location = response.status >= 300 && response.status < 400 ? head.headers["location"] : "";
          no_body = !location.empty() || (get.on_head && !get.on_head(head));
          return !no_body;
        },
        [&](const char* data, size_t size) {
          stopped = get.on_data && !get.on_data(data, size);
          return !stopped;
        });
    if (stopped) return Error{ErrorCode::kCancelled, "stopped", url.origin};
    if (!result && !no_body) return Error{ErrorCode::kIo, Why(result.error()), url.origin};
    if (location.empty()) return head;
    // What the first host says of the file (its hash, the commit) is in the redirect; the last response wins elsewhere.
    if (location.starts_with('/')) location = url.origin + location;
    if (!location.starts_with(url.origin + "/")) token.clear();
    address = location;
  }
  return Error{ErrorCode::kIo, "it redirects in circles", get.url};
}

}  // namespace lp
