// Template source -> tokens: text between tags, and the words inside them. Whitespace control is done here, with
// trim_blocks and lstrip_blocks on, as transformers renders chat templates.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lp::chat {

enum class TokenKind {
  kText,
  kStatementBegin,
  kStatementEnd,
  kPrintBegin,
  kPrintEnd,
  kName,
  kString,
  kInteger,
  kFloat,
  kOperator,
  kEnd
};

struct TemplateToken {
  TokenKind kind = TokenKind::kEnd;
  std::string text;  // of kText what is printed, of kString what it means, else as written
  size_t line = 1;
};

// Ends with a kEnd token. Errors name the line: a tag, string or comment that does not end, a character no template
// has.
Result<std::vector<TemplateToken>> Lex(std::string_view source);

}  // namespace lp::chat
