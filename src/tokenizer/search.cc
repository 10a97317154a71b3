#include "tokenizer/search.h"

#include <charconv>
#include <optional>

namespace lp {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::optional<std::string> BytesOfHex(std::string_view hex) {
  if (hex.empty() || hex.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(hex.data() + i, hex.data() + i + 2, value, 16);
    if (error != std::errc() || end != hex.data() + i + 2) return std::nullopt;
    bytes += static_cast<char>(value);
  }
  return bytes;
}

// nullopt: it is not in there.
std::optional<Fit> FitOf(std::string_view text, std::string_view query) {
  const size_t at = text.find(query);
  if (at == std::string_view::npos) return std::nullopt;
  const bool whole = at + query.size() == text.size();
  if (at == 0) return whole ? Fit::kExact : Fit::kPrefix;
  if (at == 1 && text[0] == ' ') return whole ? Fit::kWord : Fit::kWordPrefix;
  return Fit::kInside;
}

}  // namespace

VocabularySearch::VocabularySearch(const Tokenizer& tokenizer) {
  starts_.reserve(tokenizer.size() + 1);
  for (size_t id = 0; id < tokenizer.size(); ++id) {
    starts_.push_back(text_.size());
    const TokenPiece& piece = tokenizer.Piece(static_cast<TokenId>(id));
    for (const char c : piece.special ? piece.name : piece.bytes) text_ += Lower(c);
  }
  starts_.push_back(text_.size());
}

std::vector<FoundToken> VocabularySearch::Find(std::string_view query) const {
  std::vector<FoundToken> found;
  if (query.empty()) return found;
  const size_t n = starts_.size() - 1;
  if (query.size() > 1 && query[0] == '#') {
    size_t id = 0;
    const auto [end, error] = std::from_chars(query.data() + 1, query.data() + query.size(), id);
    if (error == std::errc() && end == query.data() + query.size()) {
      if (id < n) found.push_back({static_cast<TokenId>(id), Fit::kExact});
      return found;
    }
  }
  std::string wanted;
  for (const char c : query) wanted += Lower(c);
  if (wanted.starts_with("0x")) {
    // Upper-case letters were folded in both, so bytes 0x41 to 0x5A find their lower-case twins too.
    if (const auto bytes = BytesOfHex(std::string_view(wanted).substr(2))) {
      wanted.clear();
      for (const char c : *bytes) wanted += Lower(c);
    }
  }
  for (size_t id = 0; id < n; ++id) {
    const auto fit = FitOf(std::string_view(text_).substr(starts_[id], starts_[id + 1] - starts_[id]), wanted);
    if (fit) found.push_back({static_cast<TokenId>(id), *fit});
  }
  return found;
}

}  // namespace lp
