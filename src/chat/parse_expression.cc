#include "chat/parse_expression.h"

#include <algorithm>
#include <cstdlib>

#include "gguf/describe.h"

namespace lp::chat {
namespace {
constexpr size_t kMaxDepth = 200, kMaxNodes = 5000;
}

Error ExpressionParser::Unexpected(std::string_view wanted) const {
  const TemplateToken& t = Peek();
  const std::string found = t.kind == TokenKind::kEnd            ? "the end of the template"
                            : t.kind == TokenKind::kStatementEnd ? "%}"
                            : t.kind == TokenKind::kPrintEnd     ? "}}"
                                                                 : StrCat("\"", Printable(t.text), "\"");
  return Fail(StrCat("the template has ", found, " where ", wanted, " is needed"));
}

Status ExpressionParser::Expect(TokenKind kind, std::string_view text, std::string_view what) {
  if (Peek().kind != kind || (!text.empty() && Peek().text != text)) return Unexpected(what);
  Next();
  return Ok();
}

Result<std::string> ExpressionParser::Name() {
  if (Peek().kind != TokenKind::kName) return Unexpected("a name");
  return Next().text;
}

Status ExpressionParser::CheckLength() const {
  if (nodes_ <= kMaxNodes) return Ok();
  return Fail("an expression has too many operators", ErrorCode::kUnsupported);
}

ExprPtr ExpressionParser::Make(ExprKind kind, std::string text) {
  ++nodes_;
  auto out = std::make_unique<Expr>();
  out->kind = kind, out->text = std::move(text), out->line = Peek().line;
  return out;
}

Result<ExprPtr> ExpressionParser::Binary(ExprKind kind, std::string text, ExprPtr left, Result<ExprPtr> right) {
  LP_RETURN_IF_ERROR(CheckLength());
  if (!right.ok()) return right.error();
  ExprPtr out = Make(kind, std::move(text));
  out->children.push_back(std::move(left));
  out->children.push_back(std::move(right).value());
  return out;
}

Result<ExprPtr> ExpressionParser::Tuple(bool allow_if) {
  LP_ASSIGN_OR_RETURN(ExprPtr first, allow_if ? Expression() : ExpressionWithoutIf());
  if (!IsOperator(",")) return first;
  ExprPtr out = Make(ExprKind::kTuple);
  out->children.push_back(std::move(first));
  while (TakeOperator(",")) {
    const TokenKind next = Peek().kind;
    if (next == TokenKind::kStatementEnd || next == TokenKind::kPrintEnd) break;
    LP_ASSIGN_OR_RETURN(ExprPtr item, allow_if ? Expression() : ExpressionWithoutIf());
    out->children.push_back(std::move(item));
  }
  return out;
}

Result<ExprPtr> ExpressionParser::Expression() {
  const Depth depth(depth_);
  if (depth_ > kMaxDepth) return Fail("an expression is nested too deeply", ErrorCode::kUnsupported);
  LP_ASSIGN_OR_RETURN(ExprPtr value, Or());
  while (TakeName("if")) {
    LP_RETURN_IF_ERROR(CheckLength());
    ExprPtr out = Make(ExprKind::kIf);
    LP_ASSIGN_OR_RETURN(ExprPtr condition, Or());
    ExprPtr otherwise;
    if (TakeName("else")) {
      LP_ASSIGN_OR_RETURN(otherwise, Expression());
    }
    out->children.push_back(std::move(value));
    out->children.push_back(std::move(condition));
    out->children.push_back(std::move(otherwise));
    value = std::move(out);
  }
  return value;
}

Result<ExprPtr> ExpressionParser::ExpressionWithoutIf() { return Or(); }

Result<ExprPtr> ExpressionParser::Or() {
  LP_ASSIGN_OR_RETURN(ExprPtr left, And());
  while (TakeName("or")) {
    LP_ASSIGN_OR_RETURN(left, Binary(ExprKind::kBinary, "or", std::move(left), And()));
  }
  return left;
}

Result<ExprPtr> ExpressionParser::And() {
  LP_ASSIGN_OR_RETURN(ExprPtr left, Not());
  while (TakeName("and")) {
    LP_ASSIGN_OR_RETURN(left, Binary(ExprKind::kBinary, "and", std::move(left), Not()));
  }
  return left;
}

Result<ExprPtr> ExpressionParser::Not() {
  const Depth depth(depth_);
  if (depth_ > kMaxDepth) return Fail("an expression is nested too deeply", ErrorCode::kUnsupported);
  if (!TakeName("not")) return Comparison();
  ExprPtr out = Make(ExprKind::kUnary, "not");
  LP_ASSIGN_OR_RETURN(ExprPtr operand, Not());
  out->children.push_back(std::move(operand));
  return out;
}

// a < b < c is a < b and b < c in Python; templates compare two things, so more are refused.
Result<ExprPtr> ExpressionParser::Comparison() {
  LP_ASSIGN_OR_RETURN(ExprPtr left, Sum());
  for (int n = 0;; ++n) {
    std::string op;
    for (const char* candidate : {"==", "!=", "<", ">", "<=", ">="}) {
      if (IsOperator(candidate)) op = candidate;
    }
    if (IsName("in")) op = "in";
    if (IsName("not") && Peek(1).kind == TokenKind::kName && Peek(1).text == "in") op = "not in";
    if (op.empty()) return left;
    if (n == 1) return Fail("comparisons in a row are not supported", ErrorCode::kUnsupported);
    Next();
    if (op == "not in") Next();
    LP_ASSIGN_OR_RETURN(left, Binary(ExprKind::kBinary, op, std::move(left), Sum()));
  }
}

Result<ExprPtr> ExpressionParser::Sum() {
  LP_ASSIGN_OR_RETURN(ExprPtr left, Concatenation());
  while (IsOperator("+") || IsOperator("-")) {
    std::string op = Next().text;
    LP_ASSIGN_OR_RETURN(left, Binary(ExprKind::kBinary, std::move(op), std::move(left), Concatenation()));
  }
  return left;
}

Result<ExprPtr> ExpressionParser::Concatenation() {
  LP_ASSIGN_OR_RETURN(ExprPtr left, Product());
  while (TakeOperator("~")) {
    LP_ASSIGN_OR_RETURN(left, Binary(ExprKind::kBinary, "~", std::move(left), Product()));
  }
  return left;
}

Result<ExprPtr> ExpressionParser::Product() {
  LP_ASSIGN_OR_RETURN(ExprPtr left, Power());
  while (IsOperator("*") || IsOperator("/") || IsOperator("//") || IsOperator("%")) {
    std::string op = Next().text;
    LP_ASSIGN_OR_RETURN(left, Binary(ExprKind::kBinary, std::move(op), std::move(left), Power()));
  }
  return left;
}

Result<ExprPtr> ExpressionParser::Power() {
  LP_ASSIGN_OR_RETURN(ExprPtr left, Unary(true));
  while (TakeOperator("**")) {
    LP_ASSIGN_OR_RETURN(left, Binary(ExprKind::kBinary, "**", std::move(left), Unary(true)));
  }
  return left;
}

Result<ExprPtr> ExpressionParser::Unary(bool with_filters) {
  const Depth depth(depth_);
  if (depth_ > kMaxDepth) return Fail("an expression is nested too deeply", ErrorCode::kUnsupported);
  ExprPtr out;
  if (IsOperator("-") || IsOperator("+")) {
    out = Make(ExprKind::kUnary, Next().text);
    LP_ASSIGN_OR_RETURN(ExprPtr operand, Unary(false));
    out->children.push_back(std::move(operand));
  } else {
    LP_ASSIGN_OR_RETURN(out, Primary());
  }
  LP_ASSIGN_OR_RETURN(out, Postfix(std::move(out)));
  return with_filters ? Filters(std::move(out)) : Result<ExprPtr>(std::move(out));
}

Status ExpressionParser::ListItems(std::string_view close, Expr& out) {
  while (!TakeOperator(close)) {
    LP_ASSIGN_OR_RETURN(ExprPtr item, Expression());
    out.children.push_back(std::move(item));
    if (!TakeOperator(",") && !IsOperator(close)) return Unexpected(StrCat("\",\" or \"", close, "\""));
  }
  return Ok();
}

Result<ExprPtr> ExpressionParser::DictLiteral() {
  ExprPtr out = Make(ExprKind::kDict);
  while (!TakeOperator("}")) {
    for (const bool is_key : {true, false}) {
      LP_ASSIGN_OR_RETURN(ExprPtr part, Expression());
      out->children.push_back(std::move(part));
      if (is_key) LP_RETURN_IF_ERROR(Expect(TokenKind::kOperator, ":", "\":\""));
    }
    if (!TakeOperator(",") && !IsOperator("}")) return Unexpected("\",\" or \"}\"");
  }
  return out;
}

Result<ExprPtr> ExpressionParser::Primary() {
  ExprPtr out = Make(ExprKind::kLiteral);
  switch (Peek().kind) {
    case TokenKind::kString: {  // strings next to each other are one, as in Python
      std::string text;
      while (Peek().kind == TokenKind::kString) text += Next().text;
      out->value = Value(std::move(text));
      return out;
    }
    case TokenKind::kInteger: {
      const std::string digits = Next().text;
      if (digits.size() > 18) return Fail("a number is too long", ErrorCode::kUnsupported);
      out->value = Value(static_cast<int64_t>(std::strtoll(digits.c_str(), nullptr, 10)));
      return out;
    }
    case TokenKind::kFloat:
      out->value = Value(std::strtod(Next().text.c_str(), nullptr));
      return out;
    case TokenKind::kName: {
      const std::string name = Next().text;
      if (name == "true" || name == "True" || name == "false" || name == "False") {
        out->value = Value(name[0] == 't' || name[0] == 'T');
      } else if (name == "none" || name == "None") {
        out->value = Value(None{});
      } else {
        out->kind = ExprKind::kName, out->text = name;
      }
      return out;
    }
    default:
      break;
  }
  if (TakeOperator("[")) {
    out->kind = ExprKind::kList;
    LP_RETURN_IF_ERROR(ListItems("]", *out));
    return out;
  }
  if (TakeOperator("{")) return DictLiteral();
  if (!TakeOperator("(")) return Unexpected("a value");
  if (TakeOperator(")")) {
    out->kind = ExprKind::kTuple;
    return out;
  }
  LP_ASSIGN_OR_RETURN(ExprPtr inner, Expression());
  if (TakeOperator(")")) return inner;
  out->kind = ExprKind::kTuple;
  out->children.push_back(std::move(inner));
  LP_RETURN_IF_ERROR(Expect(TokenKind::kOperator, ",", "\")\""));
  LP_RETURN_IF_ERROR(ListItems(")", *out));
  return out;
}

Result<ExprPtr> ExpressionParser::Postfix(ExprPtr expr) {
  for (;;) {
    LP_RETURN_IF_ERROR(CheckLength());
    if (TakeOperator(".")) {
      ExprPtr out = Make(ExprKind::kAttribute);
      if (Peek().kind == TokenKind::kInteger) {
        out->kind = ExprKind::kItem;
        out->children.push_back(std::move(expr));
        LP_ASSIGN_OR_RETURN(ExprPtr index, Primary());
        out->children.push_back(std::move(index));
      } else {
        LP_ASSIGN_OR_RETURN(out->text, Name());
        out->children.push_back(std::move(expr));
      }
      expr = std::move(out);
    } else if (TakeOperator("[")) {
      LP_ASSIGN_OR_RETURN(expr, Subscript(std::move(expr)));
    } else if (IsOperator("(")) {
      ExprPtr out = Make(ExprKind::kCall);
      out->children.push_back(std::move(expr));
      LP_RETURN_IF_ERROR(Arguments(*out));
      expr = std::move(out);
    } else {
      return expr;
    }
  }
}

// After "[": an index, or a slice with any of its three parts missing.
Result<ExprPtr> ExpressionParser::Subscript(ExprPtr base) {
  ExprPtr out = Make(ExprKind::kItem);
  out->children.push_back(std::move(base));
  while (!TakeOperator("]")) {
    if (TakeOperator(":")) {
      if (out->kind == ExprKind::kItem && out->children.size() == 1) out->children.push_back(nullptr);
      out->kind = ExprKind::kSlice;
      if (IsOperator(":") || IsOperator("]")) out->children.push_back(nullptr);
      continue;
    }
    const size_t expected = out->kind == ExprKind::kItem ? 1 : out->children.size();
    if (out->children.size() != expected || out->children.size() > 3) return Unexpected("\"]\"");
    LP_ASSIGN_OR_RETURN(ExprPtr part, Expression());
    out->children.push_back(std::move(part));
    if (!IsOperator(":") && !IsOperator("]")) return Unexpected("\"]\"");
  }
  if (out->kind == ExprKind::kItem && out->children.size() != 2) return Unexpected("an index");
  if (out->kind == ExprKind::kSlice) {
    if (out->children.size() > 4) return Unexpected("an index");
    out->children.resize(4);
  }
  return out;
}

// From "(" on.
Status ExpressionParser::Arguments(Expr& call) {
  Next();
  while (!TakeOperator(")")) {
    if (IsOperator("*") || IsOperator("**")) return Fail("argument lists are not supported", ErrorCode::kUnsupported);
    if (Peek().kind == TokenKind::kName && Peek(1).kind == TokenKind::kOperator && Peek(1).text == "=") {
      std::string name = Next().text;
      Next();
      LP_ASSIGN_OR_RETURN(ExprPtr value, Expression());
      call.named.emplace_back(std::move(name), std::move(value));
    } else {
      LP_ASSIGN_OR_RETURN(ExprPtr value, Expression());
      call.children.push_back(std::move(value));
    }
    if (!TakeOperator(",") && !IsOperator(")")) return Unexpected("\",\" or \")\"");
  }
  return Ok();
}

Result<ExprPtr> ExpressionParser::Filters(ExprPtr expr) {
  for (;;) {
    LP_RETURN_IF_ERROR(CheckLength());
    if (TakeOperator("|")) {
      ExprPtr out = Make(ExprKind::kFilter);
      LP_ASSIGN_OR_RETURN(out->text, Name());
      out->children.push_back(std::move(expr));
      if (IsOperator("(")) LP_RETURN_IF_ERROR(Arguments(*out));
      expr = std::move(out);
    } else if (TakeName("is")) {
      LP_ASSIGN_OR_RETURN(expr, Test(std::move(expr)));
    } else if (IsOperator("(")) {
      ExprPtr out = Make(ExprKind::kCall);
      out->children.push_back(std::move(expr));
      LP_RETURN_IF_ERROR(Arguments(*out));
      expr = std::move(out);
    } else {
      return expr;
    }
  }
}

// After "is": `not` test, with arguments in brackets or one without.
Result<ExprPtr> ExpressionParser::Test(ExprPtr tested) {
  const bool negated = TakeName("not");
  ExprPtr out = Make(ExprKind::kTest);
  LP_ASSIGN_OR_RETURN(out->text, Name());
  out->children.push_back(std::move(tested));
  const TemplateToken& next = Peek();
  const bool is_word = next.kind == TokenKind::kName;
  const bool ends = is_word && (next.text == "else" || next.text == "or" || next.text == "and" || next.text == "is" ||
                                next.text == "if" || next.text == "in" || next.text == "not");
  if (IsOperator("(")) {
    LP_RETURN_IF_ERROR(Arguments(*out));
  } else if ((is_word && !ends) || next.kind == TokenKind::kString || next.kind == TokenKind::kInteger ||
             next.kind == TokenKind::kFloat || IsOperator("[") || IsOperator("{")) {
    LP_ASSIGN_OR_RETURN(ExprPtr argument, Primary());
    LP_ASSIGN_OR_RETURN(argument, Postfix(std::move(argument)));
    out->children.push_back(std::move(argument));
  }
  if (!negated) return out;
  ExprPtr not_it = Make(ExprKind::kUnary, "not");
  not_it->children.push_back(std::move(out));
  return not_it;
}

}  // namespace lp::chat
