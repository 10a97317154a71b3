// Tokens -> statements: the part of Jinja that chat templates are written in (https://jinja.palletsprojects.com, 3.1).
//
// Not here: inheritance and includes, call and filter blocks, line statements, automatic escaping. What is not here is
// an error that names it and its line.
#pragma once

#include <string_view>

#include "base/result.h"
#include "chat/syntax.h"

namespace lp::chat {

// Errors: kCorrupt (no template), kUnsupported (a statement that is not there), with where = "line N".
Result<Block> Parse(std::string_view source);

}  // namespace lp::chat
