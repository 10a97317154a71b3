// Finds user-defined tokens in text before anything else looks at it: they are one token wherever they stand. So are
// control tokens, for text that may spell them.
#pragma once

#include <bitset>
#include <cstddef>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/token.h"
#include "tokenizer/vocabulary.h"

namespace lp {

struct TextPart {
  std::string_view text;
  TokenId id = -1;  // the token that this part is; -1: still to be tokenised
};

class UserDefinedTokens {
 public:
  // Keeps views into `vocabulary`, which must outlive it and not change. `with_control`: finds control tokens and the
  // unknown token, too, by their spelling.
  explicit UserDefinedTokens(const Vocabulary& vocabulary, bool with_control = false);

  // The parts of `text` in order, none empty. A longer token wins over a shorter one that overlaps it, wherever they
  // stand, then the leftmost: the order in which llama.cpp cuts text up. O(bytes * different lengths).
  std::vector<TextPart> Split(std::string_view text) const;

 private:
  struct Length {
    size_t n_bytes = 0;
    std::bitset<256> first_bytes;  // of the tokens of this length: most positions fail here
  };
  std::unordered_map<std::string_view, TokenId> ids_;
  std::vector<Length> lengths_;  // longest first
};

}  // namespace lp
