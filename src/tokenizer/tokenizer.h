// Text -> token ids and back, as the model file says: byte-level BPE ("gpt2") or SentencePiece ("llama").
//
// Ids and bytes, not strings: Piece() gives the exact bytes a token adds to running text, and Decode(Encode(text)) is
// `text` again, for arbitrary bytes. Immutable after Load; safe to use from several threads. Control tokens spelled out in
// a text stay text but where EncodeWithControl is asked for. Not here: chat templates (src/chat).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "gguf/gguf.h"
#include "tokenizer/user_defined.h"
#include "tokenizer/vocabulary.h"

namespace lp {

// Far more than any context holds; below what 32-bit indices count.
constexpr size_t kMaxTextBytes = size_t{1} << 28;

class Tokenizer {
 public:
  // Reads tokenizer.ggml.*; copies what it needs, so `file` may go. Errors: kUnsupported (names the tokeniser or
  // pre-tokeniser and lists those there are), kCorrupt (missing or contradictory keys).
  static Result<std::unique_ptr<Tokenizer>> Load(const GgufFile& file);
  virtual ~Tokenizer() = default;
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // Plain text: control tokens spelled out in it stay text, user-defined tokens do not. Never adds BOS. The text is a
  // text's beginning, so SentencePiece puts its space in front. Where the vocabulary has no bytes to fall back on, what
  // it lacks becomes <unk>; where it has no <unk> either, that is an error.
  Result<std::vector<TokenId>> Encode(std::string_view text) const { return EncodeChecked(text, true); }

  // Encode, with BOS in front where the file asks for it (add_bos_token): what a model is to be given for a prompt.
  // with_control: EncodeWithControl, and no second BOS where the text spells one out.
  Result<std::vector<TokenId>> EncodePrompt(std::string_view text, bool with_control = false) const;

  // Encode for text that continues other text: nothing is put in front, and the pieces put together are exactly `text`.
  Result<std::vector<TokenId>> EncodeContinuation(std::string_view text) const { return EncodeChecked(text, false); }

  // Encode for text of our own making, such as a chat template's: control tokens spelled out in it are those tokens.
  // Never adds BOS. Text behind one begins as a text does (SentencePiece puts its space in front), as in llama.cpp and in
  // the tokenizer.json of those models.
  Result<std::vector<TokenId>> EncodeWithControl(std::string_view text) const;

  // id must be in [0, size()). Cheap: a reference into the vocabulary.
  const TokenPiece& Piece(TokenId id) const { return vocabulary_.pieces[static_cast<size_t>(id)]; }
  // The bytes of `ids` put together. The space that SentencePiece puts in front is taken off again, as `ids` is held to
  // start a text (its first token that is not a control token), so that Decode(EncodePrompt(t)) == t. Ids outside the
  // vocabulary add nothing.
  std::string Decode(const std::vector<TokenId>& ids) const;

  size_t size() const { return vocabulary_.pieces.size(); }
  std::optional<TokenId> bos() const { return vocabulary_.bos; }
  std::optional<TokenId> eos() const { return vocabulary_.eos; }
  bool adds_bos() const { return add_bos_; }
  bool IsEnd(TokenId id) const;                               // EOS, EOT and the like: generation stops here
  bool AddsSpacePrefix() const { return add_space_prefix_; }  // SentencePiece puts a space before the text
  std::string_view kind() const { return kind_; }             // "byte-level BPE (gpt-2)", "SentencePiece"

 protected:
  struct Traits {
    bool add_bos = false;
    bool add_space_prefix = false;
    std::string kind;
    bool control_eats_space = false;  // ReadControlEatsSpace
  };
  Tokenizer(Vocabulary vocabulary, Traits traits)
      : vocabulary_(std::move(vocabulary)),
        with_control_(vocabulary_, true),
        control_eats_space_(traits.control_eats_space),
        add_bos_(traits.add_bos),
        add_space_prefix_(traits.add_space_prefix),
        kind_(std::move(traits.kind)) {}

  // `text` has at most kMaxTextBytes. `at_start`: put the space prefix in front, if this tokeniser has one.
  virtual Result<std::vector<TokenId>> EncodeText(std::string_view text, bool at_start) const = 0;

  const Vocabulary& vocabulary() const { return vocabulary_; }

  // Whether white space behind a spelled-out control token belongs to it. Files do not say it; of the models known, Phi-3
  // is the one that has it (rstrip of its added tokens), and llama.cpp, too, goes by the name.
  static bool ReadControlEatsSpace(const GgufFile& file);

 private:
  static Status CheckLength(std::string_view text);
  Result<std::vector<TokenId>> EncodeChecked(std::string_view text, bool at_start) const;

  const Vocabulary vocabulary_;  // subclasses keep views into it
  const UserDefinedTokens with_control_;
  const bool control_eats_space_;
  const bool add_bos_, add_space_prefix_;
  const std::string kind_;
};

}  // namespace lp
