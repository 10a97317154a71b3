// Byte-level BPE as GPT-2 introduced it: text is cut into pre-tokens; in each, starting from single bytes, the pair of
// neighbours that comes first in the list of merges is merged, again and again.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tokenizer/merge.h"
#include "tokenizer/pretokenizer.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/user_defined.h"

namespace lp {

class BpeTokenizer final : public Tokenizer {
 public:
  static Result<std::unique_ptr<Tokenizer>> Load(const GgufFile& file);

 protected:
  Result<std::vector<TokenId>> EncodeText(std::string_view text, bool at_start) const override;

 private:
  BpeTokenizer(Vocabulary vocabulary, Traits traits, Pretokenizer pretokenizer, bool ignore_merges);
  Status ReadMerges(const GgufFile& file);
  // `offset` of the pre-token in the text, for the message.
  Status EncodePretoken(std::string_view pretoken, size_t offset, std::vector<TokenId>& out) const;

  Pretokenizer pretokenizer_;
  bool ignore_merges_;
  UserDefinedTokens user_defined_;
  std::unordered_map<std::string_view, TokenId> by_bytes_;  // tokens that text can become; views into the vocabulary
  std::array<TokenId, 256> by_byte_;                        // -1: no token
  std::unordered_map<uint64_t, Merge> merges_;              // by the ids of the pair
};

}  // namespace lp
