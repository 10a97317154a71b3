// One GET over http or https that follows redirects: what the hub needs of HTTP. A token goes to the host it was meant
// for and to no other a redirect leads to.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/result.h"

namespace lp {

struct HttpHead {
  int status = 0;
  uint64_t content_length = 0;                 // 0: not said
  std::map<std::string, std::string> headers;  // by lower-case name, of the last response
};

struct HttpGet {
  std::string url;
  std::string bearer_token;     // may be empty
  uint64_t from = 0;            // first byte wanted (Range)
  // Called once the final response's head is there; false: no body wanted.
  std::function<bool(const HttpHead&)> on_head;
  // Pieces of the body; false stops.
  std::function<bool(const char*, size_t)> on_data;
};

// Errors: kIo when the host cannot be reached or the connection breaks (the message names the host), kInvalidArgument
// for a URL that is none, kCancelled when a callback said stop. A status of 400 or more is no error here.
Result<HttpHead> Fetch(const HttpGet& get);

// "a b.gguf" -> "a%20b.gguf"; '/' stays.
std::string UrlPath(const std::string& path);

}  // namespace lp
