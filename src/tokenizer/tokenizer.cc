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

Result<std::vector<TokenId>> Tokenizer::EncodePrompt(std::string_view text, bool with_control) const {
  LP_ASSIGN_OR_RETURN(std::vector<TokenId> ids, with_control ? EncodeWithControl(text) : Encode(text));
  const bool has_bos = with_control && !ids.empty() && ids[0] == vocabulary_.bos;
  if (add_bos_ && vocabulary_.bos && !has_bos) ids.insert(ids.begin(), *vocabulary_.bos);
  return ids;
}

Status Tokenizer::CheckLength(std::string_view text) {
  if (text.size() <= kMaxTextBytes) return Ok();
  return Error{ErrorCode::kOutOfRange,
               StrCat("the text has ", text.size(), " bytes and at most ", kMaxTextBytes, " are allowed; shorten it"),
               ""};
}

Result<std::vector<TokenId>> Tokenizer::EncodeChecked(std::string_view text, bool at_start) const {
  LP_RETURN_IF_ERROR(CheckLength(text));
  return EncodeText(text, at_start);
}

Result<std::vector<TokenId>> Tokenizer::EncodeWithControl(std::string_view text) const {
  LP_RETURN_IF_ERROR(CheckLength(text));
  std::vector<TokenId> out;
  bool eats_space = false;
  for (const TextPart& part : with_control_.Split(text)) {
    if (part.id >= 0) {
      out.push_back(part.id);
      // Llama's own three do not.
      eats_space = control_eats_space_ && part.text != "<s>" && part.text != "<unk>" && part.text != "<|endoftext|>";
      continue;
    }
    const size_t begin = eats_space ? std::min(part.text.find_first_not_of(" \t\n\v\f\r"), part.text.size()) : 0;
    if (begin == part.text.size()) continue;
    LP_ASSIGN_OR_RETURN(const std::vector<TokenId> ids, EncodeText(part.text.substr(begin), true));
    out.insert(out.end(), ids.begin(), ids.end());
  }
  return out;
}

bool Tokenizer::ReadControlEatsSpace(const GgufFile& file) {
  const auto name = file.GetString("general.name", "");
  if (!name.ok()) return false;
  std::string lower(*name);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return lower.find("phi-3") != lower.npos || lower.find("phi3") != lower.npos;
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
