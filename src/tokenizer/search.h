// Finding tokens of the whole vocabulary by what they look like.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace lp {

// How well a token fits what was typed, best first.
enum class Fit : uint8_t { kExact, kWord, kPrefix, kWordPrefix, kInside };  // kWord*: after the space it begins with

struct FoundToken {
  TokenId id;
  Fit fit;
};

class VocabularySearch {
 public:
  explicit VocabularySearch(const Tokenizer& tokenizer);

  // Every token whose text contains `query`, by id; case does not count for ASCII letters. `#123` is the token of that
  // id, `0xe298` those whose bytes contain these. An empty query finds nothing.
  std::vector<FoundToken> Find(std::string_view query) const;

 private:
  std::string text_;            // all tokens' texts in lower case, one after the other
  std::vector<size_t> starts_;  // [n_vocab + 1] where each begins
};

}  // namespace lp
