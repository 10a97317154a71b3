// SentencePiece's BPE as Llama 2 uses it: spaces are written as U+2581, one is put in front of a text, and of all
// neighbours whose concatenation is a token, those with the highest score are merged, again and again. What is no token
// is spelled in bytes.
//
// Two departures, so that decoding gives back every text exactly: a U+2581 that is really in the text is spelled in
// bytes (SentencePiece turns it into a space), and the space in front is put only there, not again after each
// user-defined token (llama.cpp does).
#pragma once

#include <array>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tokenizer/merge.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/user_defined.h"

namespace lp {

class SentencePieceTokenizer final : public Tokenizer {
 public:
  static Result<std::unique_ptr<Tokenizer>> Load(const GgufFile& file);

 protected:
  Result<std::vector<TokenId>> EncodeText(std::string_view text, bool at_start) const override;

 private:
  SentencePieceTokenizer(Vocabulary vocabulary, Traits traits);
  Status EncodePart(std::string_view text, std::vector<TokenId>& out) const;
  // The token of one character, or -1.
  TokenId Find(std::string_view spelled) const;
  std::optional<Merge> FindMerge(const Symbol& left, const Symbol& right) const;
  Status AppendBytes(std::string_view bytes, std::vector<TokenId>& out) const;

  UserDefinedTokens user_defined_;
  std::unordered_map<std::string_view, TokenId>
      by_name_;                       // normal tokens as the file spells them; views into the vocabulary
  std::array<TokenId, 256> by_byte_;  // -1: no token
  size_t longest_ = 0;                // bytes of the longest name in by_name_
};

}  // namespace lp
