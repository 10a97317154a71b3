// A parsed template.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "chat/value.h"

namespace lp::chat {

enum class ExprKind {
  kLiteral,    // value
  kName,       // text
  kList,       // children
  kTuple,      // children
  kDict,       // children: key, value, key, value, ...
  kAttribute,  // children[0].text
  kItem,       // children[0][children[1]]
  kSlice,      // children[0][children[1]:children[2]:children[3]], missing ones null
  kCall,       // children[0](children[1..], named)
  kFilter,     // children[0] | text(children[1..], named)
  kTest,       // children[0] is text(children[1..])
  kUnary,      // text: "not", "-", "+"
  kBinary,     // text: the operator, "and", "or", "in", "not in", "~", ...
  kIf,         // children[0] if children[1] else children[2], which may be null
};

struct Expr {
  ExprKind kind = ExprKind::kLiteral;
  std::string text;
  Value value;
  std::vector<std::unique_ptr<Expr>> children;
  std::vector<std::pair<std::string, std::unique_ptr<Expr>>> named;
  size_t line = 0;
};
using ExprPtr = std::unique_ptr<Expr>;

enum class StatementKind {
  kText,      // text
  kPrint,     // expr
  kIf,        // expr, body, otherwise (an elif is an if in it)
  kFor,       // names in expr, filtered by condition: body, otherwise
  kSet,       // names (or name.attribute) = expr
  kSetBlock,  // names[0] = what body prints
  kMacro,     // text(names...) with defaults in `defaults` (null: none): body
  kBlock,     // body, as it is: generation
  kBreak,
  kContinue,
};

struct Statement {
  StatementKind kind = StatementKind::kText;
  std::string text;
  std::vector<std::string> names;
  std::string attribute;  // of kSet: names[0].attribute, or empty
  ExprPtr expr, condition;
  std::vector<ExprPtr> defaults;
  std::vector<std::unique_ptr<Statement>> body, otherwise;
  size_t line = 0;
};
using Block = std::vector<std::unique_ptr<Statement>>;

}  // namespace lp::chat
