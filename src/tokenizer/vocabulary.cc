#include "tokenizer/vocabulary.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "base/str_cat.h"
#include "gguf/describe.h"

namespace lp {
namespace {

constexpr std::string_view kTokensKey = "tokenizer.ggml.tokens";
constexpr std::string_view kTypesKey = "tokenizer.ggml.token_type";
constexpr std::string_view kScoresKey = "tokenizer.ggml.scores";

// Names under which models keep the token that ends a text or a turn. Only where such a token is a control token: as
// plain text "</s>" is just four characters.
constexpr std::array<std::string_view, 15> kEndNames = {
    "</s>",
    "<eos>",
    "<EOT>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end|>",
    "<|end_of_turn|>",
    "<end_of_turn>",
    "<|end_story|>",
    "<|eos|>",
    "<|eot|>",
    "<\xEF\xBD\x9C"
    "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>"};  // DeepSeek's, with full-width bars

Error Corrupt(std::string_view key, std::string message) {
  return Error{ErrorCode::kCorrupt, std::move(message), std::string(key)};
}

Status CheckLength(std::string_view key, uint64_t length, size_t n_tokens) {
  if (length == n_tokens) return Ok();
  return Corrupt(key, StrCat("has ", length, " elements where ", kTokensKey, " has ", n_tokens,
                             ": the lists contradict each other; convert the model again"));
}

Result<std::vector<std::string_view>> ReadTokens(const GgufFile& file) {
  LP_ASSIGN_OR_RETURN(const GgufArray array, file.GetArray(kTokensKey));
  auto tokens = array.Strings();
  if (!tokens) return Corrupt(kTokensKey, "is no list of strings; convert the model again");
  if (tokens->empty())
    return Corrupt(kTokensKey, "is empty: a model without a vocabulary cannot be used; convert the model again");
  if (tokens->size() > static_cast<size_t>(std::numeric_limits<TokenId>::max())) {
    return Corrupt(kTokensKey, StrCat("has ", tokens->size(), " tokens, more than an id can count"));
  }
  return std::move(*tokens);
}

Result<std::vector<TokenType>> ReadTypes(const GgufFile& file, size_t n_tokens) {
  if (file.Find(kTypesKey) == nullptr) return std::vector<TokenType>(n_tokens, TokenType::kNormal);
  LP_ASSIGN_OR_RETURN(const GgufArray array, file.GetArray(kTypesKey));
  LP_RETURN_IF_ERROR(CheckLength(kTypesKey, array.size(), n_tokens));
  const auto numbers = array.Ints();
  if (!numbers) return Corrupt(kTypesKey, "is no list of whole numbers; convert the model again");
  std::vector<TokenType> types;
  types.reserve(n_tokens);
  for (const int32_t number : *numbers) {
    if (number < 0 || number > static_cast<int32_t>(TokenType::kByte)) {
      return Corrupt(kTypesKey, StrCat("token ", types.size(), " is of type ", number,
                                       ", which is not known (0 to 6 are); convert the model again"));
    }
    types.push_back(static_cast<TokenType>(number));
  }
  return types;
}

Result<std::vector<float>> ReadScores(const GgufFile& file, size_t n_tokens) {
  if (file.Find(kScoresKey) == nullptr) return std::vector<float>{};
  LP_ASSIGN_OR_RETURN(const GgufArray array, file.GetArray(kScoresKey));
  LP_RETURN_IF_ERROR(CheckLength(kScoresKey, array.size(), n_tokens));
  auto scores = array.Floats();
  if (!scores) return Corrupt(kScoresKey, "is no list of 32-bit floats; convert the model again");
  const auto nan = std::find_if(scores->begin(), scores->end(), [](float score) { return std::isnan(score); });
  if (nan != scores->end()) {
    return Corrupt(kScoresKey,
                   StrCat("the score of token ", nan - scores->begin(), " is no number; convert the model again"));
  }
  return std::move(*scores);
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// "<0x0A>" -> "\n"; nullopt for anything else.
std::optional<std::string> ByteOfName(std::string_view name) {
  if (name.size() != 6 || !name.starts_with("<0x") || name.back() != '>') return std::nullopt;
  const int high = HexDigit(name[3]), low = HexDigit(name[4]);
  if (high < 0 || low < 0) return std::nullopt;
  return std::string(1, static_cast<char>(high * 16 + low));
}

Result<TokenPiece> MakePiece(TokenId id, std::string_view name, TokenType type, SpellingToBytes to_bytes) {
  TokenPiece piece{id, "", std::string(name), false};
  switch (type) {
    case TokenType::kNormal:
      piece.bytes = to_bytes(name);
      break;
    case TokenType::kUserDefined:
      piece.bytes = name;  // written as it is, in every kind of tokeniser
      break;
    case TokenType::kByte: {
      auto byte = ByteOfName(name);
      if (!byte) {
        return Corrupt(kTokensKey, StrCat("token ", id, " is a byte token but its name is \"", Printable(name),
                                          "\", not of the form <0x0A>; convert the model again"));
      }
      piece.bytes = std::move(*byte);
      break;
    }
    case TokenType::kUndefined:
    case TokenType::kUnknown:
    case TokenType::kControl:
    case TokenType::kUnused:
      piece.special = true;
      break;
  }
  return piece;
}

Result<std::optional<TokenId>> ReadId(const GgufFile& file, std::string_view key, size_t n_tokens,
                                      std::optional<TokenId> fallback) {
  if (file.Find(key) == nullptr) {
    const bool inside = fallback && static_cast<size_t>(*fallback) < n_tokens;
    return inside ? fallback : std::nullopt;
  }
  LP_ASSIGN_OR_RETURN(const uint64_t id, file.GetUint(key));
  if (id >= n_tokens) {
    return Corrupt(key,
                   StrCat("is ", id, " but the vocabulary has only ", n_tokens, " tokens; convert the model again"));
  }
  return std::optional<TokenId>(static_cast<TokenId>(id));
}

Status ReadSpecialIds(const GgufFile& file, const SpecialIdDefaults& defaults, Vocabulary& vocabulary) {
  const size_t n = vocabulary.pieces.size();
  LP_ASSIGN_OR_RETURN(vocabulary.bos, ReadId(file, "tokenizer.ggml.bos_token_id", n, defaults.bos));
  LP_ASSIGN_OR_RETURN(vocabulary.eos, ReadId(file, "tokenizer.ggml.eos_token_id", n, defaults.eos));
  LP_ASSIGN_OR_RETURN(vocabulary.unk, ReadId(file, "tokenizer.ggml.unknown_token_id", n, defaults.unk));
  LP_ASSIGN_OR_RETURN(const auto eot, ReadId(file, "tokenizer.ggml.eot_token_id", n, std::nullopt));
  LP_ASSIGN_OR_RETURN(const auto eom, ReadId(file, "tokenizer.ggml.eom_token_id", n, std::nullopt));
  std::vector<TokenId>& ends = vocabulary.end_ids;
  for (const auto& id : {vocabulary.eos, eot, eom}) {
    if (id) ends.push_back(*id);
  }
  for (const TokenPiece& piece : vocabulary.pieces) {
    const bool named = std::find(kEndNames.begin(), kEndNames.end(), piece.name) != kEndNames.end();
    if (named && vocabulary.Is(piece.id, TokenType::kControl)) ends.push_back(piece.id);
  }
  std::sort(ends.begin(), ends.end());
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  return Ok();
}

}  // namespace

Result<Vocabulary> ReadVocabulary(const GgufFile& file, const SpecialIdDefaults& defaults, SpellingToBytes to_bytes) {
  Vocabulary vocabulary;
  LP_ASSIGN_OR_RETURN(const std::vector<std::string_view> tokens, ReadTokens(file));
  LP_ASSIGN_OR_RETURN(vocabulary.types, ReadTypes(file, tokens.size()));
  LP_ASSIGN_OR_RETURN(vocabulary.scores, ReadScores(file, tokens.size()));
  vocabulary.pieces.reserve(tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    LP_ASSIGN_OR_RETURN(TokenPiece piece, MakePiece(static_cast<TokenId>(i), tokens[i], vocabulary.types[i], to_bytes));
    vocabulary.pieces.push_back(std::move(piece));
  }
  LP_RETURN_IF_ERROR(ReadSpecialIds(file, defaults, vocabulary));
  return vocabulary;
}

}  // namespace lp
