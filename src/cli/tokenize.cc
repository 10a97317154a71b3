#include <fmt/format.h>

#include "base/utf8.h"
#include "cli/commands.h"
#include "cli/model_commands.h"
#include "engine/models.h"
#include "wire/wire.h"

namespace lp {
namespace {

// Of a file whose model is neither needed nor looked at: one that cannot run, or that has none, will do.
struct NamedTokenizer {
  std::string name;
  std::unique_ptr<Tokenizer> tokenizer;

  PieceOf pieces() const {
    return [this](TokenId id) -> const TokenPiece& { return tokenizer->Piece(id); };
  }
};

Result<NamedTokenizer> OpenTokenizer(const CommonOptions& common) {
  LP_ASSIGN_OR_RETURN(const std::string path, ResolveModel(common.model));
  LP_ASSIGN_OR_RETURN(const MappedFile mapped, MappedFile::Open(path));
  const auto file = GgufFile::Parse(mapped.bytes());
  if (!file.ok()) return file.error().Within(path);
  auto tokenizer = Tokenizer::Load(*file);
  if (!tokenizer.ok()) return tokenizer.error().Within(path);
  LP_ASSIGN_OR_RETURN(const std::string_view name, file->GetString("general.name", path));
  return NamedTokenizer{std::string(name), std::move(tokenizer).value()};
}

}  // namespace

Status RunTokenize(const CommonOptions& common, const std::string& argument) {
  std::string text = argument;
  if (argument == "-") {
    LP_ASSIGN_OR_RETURN(text, ReadText(argument));
  }
  LP_ASSIGN_OR_RETURN(const NamedTokenizer named, OpenTokenizer(common));
  LP_ASSIGN_OR_RETURN(const std::vector<TokenId> ids, named.tokenizer->EncodePrompt(text, common.special));
  if (common.json) {
    fmt::print("{}\n", Dump(TokenizeJson(named.name, ids, named.pieces())));
    return Ok();
  }
  for (const TokenId id : ids) fmt::print("{:>8}  {}\n", id, Quoted(named.tokenizer->Piece(id)));
  return Ok();
}

Status RunDetokenize(const CommonOptions& common, const std::string& list) {
  LP_ASSIGN_OR_RETURN(const NamedTokenizer named, OpenTokenizer(common));
  LP_ASSIGN_OR_RETURN(const std::vector<TokenId> ids, ParseIds(list, named.tokenizer->size(), "IDS"));
  const std::string bytes = named.tokenizer->Decode(ids);
  if (common.json) {
    fmt::print("{}\n", Dump({{"model", named.name}, {"ids", ids}, {"text", ToValidUtf8(bytes)}, {"bytes_hex", ToHex(bytes)}}, 1));
  } else {
    fmt::print("{}", bytes);  // exactly the bytes: `detokenize` undoes `tokenize`
  }
  return Ok();
}

}  // namespace lp
