#include "tokenizer/tokenizer.h"

#include <algorithm>
#include <utility>

#include "base/str_cat.h"
#include "gguf/describe.h"
#include "tokenizer/bpe.h"
#include "tokenizer/sentencepiece.h"

namespace lp {

Result<std::unique_ptr<Tokenizer>> Tokenizer::Load(const GgufFile& file) {
  constexpr std::string_view kKey = "tokenizer.ggml.model";
  LP_ASSIGN_OR_RETURN(const std::string_view model, file.GetString(kKey));
  if (model == "gpt2") return BpeTokenizer::Load(file);
  if (model == "llama") return SentencePieceTokenizer::Load(file);
  return Error{ErrorCode::kUnsupported,
               StrCat("the tokeniser \"", Printable(model),
                      "\" is not supported; use a model with \"gpt2\" (byte-level BPE) or \"llama\" (SentencePiece)"),
               std::string(kKey)};
}

Result<std::vector<TokenId>> Tokenizer::EncodePrompt(std::string_view text) const {
  LP_ASSIGN_OR_RETURN(std::vector<TokenId> ids, Encode(text));
  if (add_bos_ && vocabulary_.bos) ids.insert(ids.begin(), *vocabulary_.bos);
  return ids;
}

Result<std::vector<TokenId>> Tokenizer::EncodeChecked(std::string_view text, bool at_start) const {
  if (text.size() > kMaxTextBytes) {
    return Error{ErrorCode::kOutOfRange,
                 StrCat("the text has ", text.size(), " bytes and at most ", kMaxTextBytes, " are allowed; shorten it"),
                 ""};
  }
  return EncodeText(text, at_start);
}

std::string Tokenizer::Decode(const std::vector<TokenId>& ids) const {
  std::string out;
  bool at_start = add_space_prefix_;
  for (const TokenId id : ids) {
    if (id < 0 || static_cast<size_t>(id) >= size()) continue;
    const TokenPiece& piece = Piece(id);
    if (piece.special && id != vocabulary_.unk) continue;
    std::string_view bytes = piece.bytes;
    // No prefix is put in front of a user-defined token, so none is taken off.
    if (at_start && bytes.starts_with(' ') && !vocabulary_.Is(id, TokenType::kUserDefined)) bytes.remove_prefix(1);
    at_start = false;
    out += bytes;
  }
  return out;
}

bool Tokenizer::IsEnd(TokenId id) const {
  return std::binary_search(vocabulary_.end_ids.begin(), vocabulary_.end_ids.end(), id);
}

}  // namespace lp
