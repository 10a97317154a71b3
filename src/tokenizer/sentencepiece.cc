#include "tokenizer/sentencepiece.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/str_cat.h"
#include "base/utf8.h"

namespace lp {
namespace {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581, a space in a token's name

std::string BytesOfName(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    if (name.starts_with(kSpaceMark)) {
      out.push_back(' ');
      name.remove_prefix(kSpaceMark.size());
    } else {
      out.push_back(name[0]);
      name.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> SentencePieceTokenizer::Load(const GgufFile& file) {
  // The ids of Llama 2 where the file has no keys for them, as in llama.cpp.
  LP_ASSIGN_OR_RETURN(Vocabulary vocabulary, ReadVocabulary(file, {.bos = 1, .eos = 2, .unk = 0}, BytesOfName));
  if (vocabulary.scores.empty()) {
    return Error{ErrorCode::kCorrupt,
                 "is missing, and SentencePiece cannot merge without scores; convert the model again",
                 "tokenizer.ggml.scores"};
  }
  LP_ASSIGN_OR_RETURN(const bool add_bos, file.GetBool("tokenizer.ggml.add_bos_token", true));
  LP_ASSIGN_OR_RETURN(const bool add_space_prefix, file.GetBool("tokenizer.ggml.add_space_prefix", true));
  Traits traits{add_bos, add_space_prefix, "SentencePiece", ReadControlEatsSpace(file)};
  return std::unique_ptr<Tokenizer>(new SentencePieceTokenizer(std::move(vocabulary), std::move(traits)));
}

SentencePieceTokenizer::SentencePieceTokenizer(Vocabulary vocab, Traits traits)
    : Tokenizer(std::move(vocab), std::move(traits)), user_defined_(vocabulary()) {
  by_byte_.fill(-1);
  for (const TokenPiece& piece : vocabulary().pieces) {
    if (vocabulary().Is(piece.id, TokenType::kNormal) && !piece.name.empty()) {
      by_name_.emplace(piece.name, piece.id);
      longest_ = std::max(longest_, piece.name.size());
    } else if (vocabulary().Is(piece.id, TokenType::kByte)) {
      TokenId& id = by_byte_[static_cast<uint8_t>(piece.bytes[0])];
      if (id < 0) id = piece.id;
    }
  }
}

TokenId SentencePieceTokenizer::Find(std::string_view spelled) const {
  if (spelled.size() > longest_) return -1;
  const auto it = by_name_.find(spelled);
  return it == by_name_.end() ? -1 : it->second;
}

std::optional<Merge> SentencePieceTokenizer::FindMerge(const Symbol& left, const Symbol& right) const {
  const TokenId id = Find({left.text.data(), left.text.size() + right.text.size()});
  if (id < 0) return std::nullopt;
  return Merge{-static_cast<double>(vocabulary().scores[static_cast<size_t>(id)]), id};
}

Status SentencePieceTokenizer::AppendBytes(std::string_view bytes, std::vector<TokenId>& out) const {
  const bool has_all =
      std::all_of(bytes.begin(), bytes.end(), [this](char c) { return by_byte_[static_cast<uint8_t>(c)] >= 0; });
  if (has_all) {
    for (const char c : bytes) out.push_back(by_byte_[static_cast<uint8_t>(c)]);
    return Ok();
  }
  const std::optional<TokenId> unk = vocabulary().unk;
  if (!unk) {
    return Error{ErrorCode::kInvalidArgument,
                 StrCat("the bytes 0x", ToHex(bytes), " have no token in this model's vocabulary of ", size(),
                        ": leave them out of the text"),
                 ""};
  }
  if (out.empty() || out.back() != *unk) out.push_back(*unk);  // one for a whole run, as in SentencePiece
  return Ok();
}

Status SentencePieceTokenizer::EncodePart(std::string_view text, std::vector<TokenId>& out) const {
  // Spelled with marks for spaces; never reallocated, so that the symbols may point into it.
  std::string spelled;
  spelled.reserve(text.size() + kSpaceMark.size() * static_cast<size_t>(std::count(text.begin(), text.end(), ' ')));
  std::vector<Symbol> symbols;
  while (!text.empty()) {
    const Utf8Step step = DecodeUtf8(text);
    const std::string_view character = text.substr(0, step.length);
    const size_t begin = spelled.size();
    spelled += character == " " ? kSpaceMark : character;
    const std::string_view view = std::string_view(spelled).substr(begin);
    // Frozen symbols are spelled in bytes: what is no UTF-8, and a mark that is really in the text.
    const bool frozen = !step.valid || (character == kSpaceMark && by_byte_[0xE2] >= 0);
    symbols.push_back({view, frozen ? -1 : Find(view), frozen});
    text.remove_prefix(step.length);
  }
  MergeSymbols(symbols, [this](const Symbol& left, const Symbol& right) { return FindMerge(left, right); });
  for (const Symbol& symbol : symbols) {
    if (symbol.id >= 0) {
      out.push_back(symbol.id);
    } else {
      const bool is_space = symbol.text == kSpaceMark && !symbol.frozen;
      LP_RETURN_IF_ERROR(AppendBytes(is_space ? " " : symbol.text, out));
    }
  }
  return Ok();
}

Result<std::vector<TokenId>> SentencePieceTokenizer::EncodeText(std::string_view text, bool at_start) const {
  std::vector<TokenId> ids;
  const std::vector<TextPart> parts = user_defined_.Split(text);
  for (const TextPart& part : parts) {
    if (part.id >= 0) {
      ids.push_back(part.id);
    } else if (at_start && AddsSpacePrefix() && &part == &parts.front()) {
      LP_RETURN_IF_ERROR(EncodePart(StrCat(' ', part.text), ids));
    } else {
      LP_RETURN_IF_ERROR(EncodePart(part.text, ids));
    }
  }
  return ids;
}

}  // namespace lp
