#include "tokenizer/bpe.h"

#include <string>
#include <utility>

#include "base/str_cat.h"
#include "base/utf8.h"
#include "gguf/describe.h"
#include "tokenizer/byte_alphabet.h"

namespace lp {
namespace {

constexpr std::string_view kPreKey = "tokenizer.ggml.pre";
constexpr std::string_view kMergesKey = "tokenizer.ggml.merges";

// Some files call an added token "normal" although it is written as plain text: its spelling is its bytes then.
std::string BytesOfSpelling(std::string_view name) {
  auto bytes = BytesFromAlphabet(name);
  return bytes ? std::move(*bytes) : std::string(name);
}

constexpr uint64_t PairKey(TokenId left, TokenId right) {
  return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> BpeTokenizer::Load(const GgufFile& file) {
  // llama.cpp takes a missing key for "default", and warns that the model may do worse; there is nothing better to do.
  LP_ASSIGN_OR_RETURN(const std::string_view pre, file.GetString(kPreKey, "default"));
  const PretokenizerRule* rule = FindPretokenizerRule(pre);
  if (rule == nullptr) {
    return Error{ErrorCode::kUnsupported,
                 StrCat("the pre-tokeniser \"", Printable(pre), "\" is not supported; use a model with one of ",
                        PretokenizerNames()),
                 std::string(kPreKey)};
  }
  LP_ASSIGN_OR_RETURN(Vocabulary vocabulary, ReadVocabulary(file, {}, BytesOfSpelling));
  LP_ASSIGN_OR_RETURN(Pretokenizer pretokenizer, Pretokenizer::Make(*rule));
  LP_ASSIGN_OR_RETURN(const bool add_bos, file.GetBool("tokenizer.ggml.add_bos_token", rule->adds_bos));
  Traits traits{add_bos, /*add_space_prefix=*/false, StrCat("byte-level BPE (", pre, ")"),
                ReadControlEatsSpace(file)};
  std::unique_ptr<BpeTokenizer> tokenizer(
      new BpeTokenizer(std::move(vocabulary), std::move(traits), std::move(pretokenizer), rule->ignore_merges));
  LP_RETURN_IF_ERROR(tokenizer->ReadMerges(file));
  return std::unique_ptr<Tokenizer>(std::move(tokenizer));
}

BpeTokenizer::BpeTokenizer(Vocabulary vocab, Traits traits, Pretokenizer pretokenizer, bool ignore_merges)
    : Tokenizer(std::move(vocab), std::move(traits)),
      pretokenizer_(std::move(pretokenizer)),
      ignore_merges_(ignore_merges),
      user_defined_(vocabulary()) {
  by_byte_.fill(-1);
  by_bytes_.reserve(vocabulary().pieces.size());
  for (const TokenPiece& piece : vocabulary().pieces) {
    // A user-defined token is found before there are any bytes to merge, and its name is no spelling in the byte
    // alphabet: DeepSeek's U+00F8 is that letter, not the byte 0xF8.
    if (!vocabulary().Is(piece.id, TokenType::kNormal) || piece.bytes.empty()) continue;
    by_bytes_.emplace(piece.bytes, piece.id);  // of two tokens with the same bytes, the first
  }
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const auto it = by_bytes_.find({&c, 1});
    if (it != by_bytes_.end()) by_byte_[static_cast<size_t>(byte)] = it->second;
  }
}

Status BpeTokenizer::ReadMerges(const GgufFile& file) {
  LP_ASSIGN_OR_RETURN(const GgufArray array, file.GetArray(kMergesKey));
  const auto lines = array.Strings();
  const auto corrupt = [](size_t rank, std::string_view line, std::string_view what) {
    return Error{ErrorCode::kCorrupt,
                 StrCat("merge ", rank, " (\"", Printable(line), "\") ", what, "; convert the model again"),
                 std::string(kMergesKey)};
  };
  if (!lines)
    return Error{ErrorCode::kCorrupt, "is no list of strings; convert the model again", std::string(kMergesKey)};
  const auto find = [this](std::string_view bytes) {
    const auto it = by_bytes_.find(bytes);
    return it == by_bytes_.end() ? TokenId{-1} : it->second;
  };
  merges_.reserve(lines->size());
  for (size_t rank = 0; rank < lines->size(); ++rank) {
    const std::string_view line = (*lines)[rank];
    const size_t space = line.find(' ');  // the alphabet has no space of its own
    if (space == std::string_view::npos || space == 0 || space + 1 == line.size()) {
      return corrupt(rank, line, "is not two tokens with a space between");
    }
    const std::string left = BytesOfSpelling(line.substr(0, space)), right = BytesOfSpelling(line.substr(space + 1));
    const TokenId left_id = find(left), right_id = find(right), id = find(left + right);
    if (left_id < 0 || right_id < 0) return corrupt(rank, line, "names a token that is not in the vocabulary");
    if (id < 0) return corrupt(rank, line, "makes a token that is not in the vocabulary");
    merges_.emplace(PairKey(left_id, right_id), Merge{static_cast<double>(rank), id});
  }
  return Ok();
}

Status BpeTokenizer::EncodePretoken(std::string_view pretoken, size_t offset, std::vector<TokenId>& out) const {
  if (ignore_merges_) {
    const auto it = by_bytes_.find(pretoken);
    if (it != by_bytes_.end()) {
      out.push_back(it->second);
      return Ok();
    }
  }
  std::vector<Symbol> symbols;
  symbols.reserve(pretoken.size());
  for (size_t i = 0; i < pretoken.size(); ++i) {
    const auto byte = static_cast<uint8_t>(pretoken[i]);
    const TokenId id = by_byte_[byte];
    if (id < 0 && !vocabulary().unk) {
      return Error{ErrorCode::kInvalidArgument,
                   StrCat("the byte 0x", ToHex(pretoken.substr(i, 1)), " at ", offset + i,
                          " of the text has no token in this model's vocabulary of ", size(), ": leave it out"),
                   ""};
    }
    symbols.push_back({pretoken.substr(i, 1), id < 0 ? *vocabulary().unk : id, id < 0});
  }
  MergeSymbols(symbols, [this](const Symbol& left, const Symbol& right) -> std::optional<Merge> {
    const auto it = merges_.find(PairKey(left.id, right.id));
    return it == merges_.end() ? std::nullopt : std::optional<Merge>(it->second);
  });
  for (const Symbol& symbol : symbols) out.push_back(symbol.id);
  return Ok();
}

Result<std::vector<TokenId>> BpeTokenizer::EncodeText(std::string_view text, bool /*at_start*/) const {
  std::vector<TokenId> ids;
  for (const TextPart& part : user_defined_.Split(text)) {
    if (part.id >= 0) {
      ids.push_back(part.id);
      continue;
    }
    LP_ASSIGN_OR_RETURN(const std::vector<std::string_view> pretokens, pretokenizer_.Split(part.text));
    for (const std::string_view pretoken : pretokens) {
      LP_RETURN_IF_ERROR(EncodePretoken(pretoken, static_cast<size_t>(pretoken.data() - text.data()), ids));
    }
  }
  return ids;
}

}  // namespace lp
