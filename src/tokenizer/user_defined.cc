#include "tokenizer/user_defined.h"

#include <algorithm>
#include <functional>
#include <map>

namespace lp {

UserDefinedTokens::UserDefinedTokens(const Vocabulary& vocabulary, bool with_control) {
  std::map<size_t, std::bitset<256>, std::greater<>> lengths;
  for (const TokenPiece& piece : vocabulary.pieces) {
    const bool is_control = vocabulary.Is(piece.id, TokenType::kControl) || vocabulary.Is(piece.id, TokenType::kUnknown);
    const bool wanted = vocabulary.Is(piece.id, TokenType::kUserDefined) || (with_control && is_control);
    if (!wanted || piece.name.empty()) continue;
    ids_.emplace(piece.name, piece.id);  // the bytes of a user-defined token are its name
    lengths[piece.name.size()].set(static_cast<uint8_t>(piece.name[0]));
  }
  for (const auto& [n_bytes, first_bytes] : lengths) lengths_.push_back({n_bytes, first_bytes});
}

std::vector<TextPart> UserDefinedTokens::Split(std::string_view text) const {
  std::vector<TextPart> found;
  std::vector<bool> taken(lengths_.empty() ? 0 : text.size());
  for (const Length& length : lengths_) {
    for (size_t begin = 0; begin + length.n_bytes <= text.size(); ++begin) {
      // What was taken before is at least as long, so an overlap covers one of the two ends.
      if (!length.first_bytes[static_cast<uint8_t>(text[begin])] || taken[begin] || taken[begin + length.n_bytes - 1]) {
        continue;
      }
      const std::string_view candidate = text.substr(begin, length.n_bytes);
      const auto it = ids_.find(candidate);
      if (it == ids_.end()) continue;
      std::fill_n(taken.begin() + static_cast<std::ptrdiff_t>(begin), length.n_bytes, true);
      found.push_back({candidate, it->second});
      begin += length.n_bytes - 1;
    }
  }
  std::sort(found.begin(), found.end(),
            [](const TextPart& a, const TextPart& b) { return a.text.data() < b.text.data(); });

  std::vector<TextPart> parts;
  const auto offset = [&text](const TextPart& part) { return static_cast<size_t>(part.text.data() - text.data()); };
  size_t done = 0;
  for (const TextPart& part : found) {
    if (offset(part) > done) parts.push_back({text.substr(done, offset(part) - done), -1});
    parts.push_back(part);
    done = offset(part) + part.text.size();
  }
  if (done < text.size()) parts.push_back({text.substr(done), -1});
  return parts;
}

}  // namespace lp
