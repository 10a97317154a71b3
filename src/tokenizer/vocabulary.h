// What every kind of tokeniser reads from tokenizer.ggml.*: tokens, their types and scores, and which ids are special.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "gguf/gguf.h"

namespace lp {

// tokenizer.ggml.token_type, by its numbers in the file.
enum class TokenType : uint8_t {
  kUndefined = 0,
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,      // <s>, <|im_end|>: never produced by text
  kUserDefined = 4,  // text that is always one token, whatever the merges say
  kUnused = 5,       // padding of the vocabulary
  kByte = 6,         // <0x0A>: one byte
};

struct Vocabulary {
  std::vector<TokenPiece> pieces;  // only kNormal, kUserDefined and kByte have bytes; all others are special
  std::vector<TokenType> types;    // [pieces.size()]
  std::vector<float> scores;       // [pieces.size()], or empty where the file has none; never NaN
  std::optional<TokenId> bos, eos, unk;
  std::vector<TokenId> end_ids;  // sorted: where generation stops

  bool Is(TokenId id, TokenType type) const { return types[static_cast<size_t>(id)] == type; }
};

// What a file that does not say means; only ids inside the vocabulary are taken.
struct SpecialIdDefaults {
  std::optional<TokenId> bos, eos, unk;
};

// The bytes that a normal token's spelling in the file stands for.
using SpellingToBytes = std::string (*)(std::string_view);

// Errors: kCorrupt naming the key: an empty or missing list of tokens, lists of different lengths, an unknown token
// type, a score that is no number, a byte token that names no byte, a special id outside the vocabulary.
Result<Vocabulary> ReadVocabulary(const GgufFile& file, const SpecialIdDefaults& defaults, SpellingToBytes to_bytes);

}  // namespace lp
