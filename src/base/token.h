// What every layer means by a token: an id, and the bytes it adds to running text. Never a string: a token may be half
// a character, and only the concatenation of bytes can be decoded.
#pragma once

#include <cstdint>
#include <string>

namespace lp {

using TokenId = int32_t;

struct TokenPiece {
  TokenId id = 0;
  std::string bytes;     // what the token adds to running text; empty for a control token
  std::string name;      // the vocabulary's own spelling, shown for control tokens
  bool special = false;  // control token: never produced by plain text
};

}  // namespace lp
