// Text -> token ids and back, as the model file says: byte-level BPE ("gpt2") or SentencePiece ("llama").
//
// Ids and bytes, not strings: Piece() gives the exact bytes a token adds to running text, and the concatenation of pieces of
// Encode(text) is `text` again, for arbitrary bytes. Immutable after Load; safe to use from several threads.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "gguf/gguf.h"

namespace lp {

class Tokenizer {
 public:
  // Reads tokenizer.ggml.*; copies what it needs, so `file` may go. Errors: kUnsupported (names the tokeniser or
  // pre-tokeniser and lists those there are), kCorrupt (missing or contradictory keys).
  static Result<std::unique_ptr<Tokenizer>> Load(const GgufFile& file);
  virtual ~Tokenizer() = default;

  // Plain text: control tokens spelled out in it stay text. Never adds BOS. Fails only where a byte has no token at all
  // (a vocabulary without it and without <unk>).
  virtual Result<std::vector<TokenId>> Encode(std::string_view text) const = 0;

  // Encode, with BOS in front where the file asks for it (add_bos_token): what a model is to be given for a prompt.
  Result<std::vector<TokenId>> EncodePrompt(std::string_view text) const;

  // id must be in [0, size()). Cheap: a reference into the vocabulary.
  const TokenPiece& Piece(TokenId id) const { return pieces_[static_cast<size_t>(id)]; }
  // The bytes of `ids` put together. The SentencePiece space that EncodePrompt puts in front is taken off again when `ids`
  // starts a text (the first token that is not a control token), so that Decode(EncodePrompt(t)) == t.
  std::string Decode(const std::vector<TokenId>& ids) const;

  size_t size() const { return pieces_.size(); }
  std::optional<TokenId> bos() const { return bos_; }
  std::optional<TokenId> eos() const { return eos_; }
  bool adds_bos() const { return add_bos_; }
  bool IsEnd(TokenId id) const;       // EOS, EOT and the like: generation stops here
  bool AddsSpacePrefix() const { return add_space_prefix_; }  // SentencePiece puts a space before the text
  std::string_view kind() const { return kind_; }  // "byte-level BPE (gpt-2)", "SentencePiece"

 protected:
  std::vector<TokenPiece> pieces_;
  std::optional<TokenId> bos_, eos_;
  std::vector<TokenId> end_ids_;
  bool add_bos_ = false;
  bool add_space_prefix_ = false;
  std::string kind_;
};

}  // namespace lp
