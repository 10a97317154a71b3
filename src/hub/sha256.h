// SHA-256 in pieces, by OpenSSL, which cpp-httplib needs anyway.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace lp {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void Add(const char* data, size_t size);
  std::string Hex();  // of everything added; call once

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace lp
