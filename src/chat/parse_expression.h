// Expressions of a template, by precedence. For parser.cc only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/str_cat.h"
#include "chat/lexer.h"
#include "chat/syntax.h"

namespace lp::chat {

class ExpressionParser {
 public:
  explicit ExpressionParser(std::vector<TemplateToken> tokens) : tokens_(std::move(tokens)) {}

  Result<ExprPtr> Expression();           // with `x if c else y`
  Result<ExprPtr> ExpressionWithoutIf();  // of a loop, whose `if` filters
  Result<ExprPtr> Tuple(bool allow_if);   // `a, b` is a tuple; one expression is itself

  const TemplateToken& Peek(size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  TemplateToken Next() {
    if (Peek().kind == TokenKind::kStatementBegin || Peek().kind == TokenKind::kPrintBegin) nodes_ = 0;
    return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_];
  }
  bool IsOperator(std::string_view text) const { return Is(TokenKind::kOperator, text); }
  bool IsName(std::string_view text) const { return Is(TokenKind::kName, text); }
  bool TakeOperator(std::string_view text) { return IsOperator(text) && (++at_, true); }
  bool TakeName(std::string_view text) { return IsName(text) && (++at_, true); }
  Status Expect(TokenKind kind, std::string_view text, std::string_view what);
  Result<std::string> Name();
  Error Fail(std::string message, ErrorCode code = ErrorCode::kCorrupt) const {
    return {code, std::move(message), StrCat("line ", Peek().line)};
  }
  Error Unexpected(std::string_view wanted) const;

 private:
  // Counts how deep the parser is, so that no template can run it out of stack.
  struct Depth {
    explicit Depth(size_t& n) : n_(++n) {}
    ~Depth() { --n_; }
    size_t& n_;
  };

  bool Is(TokenKind kind, std::string_view text) const { return Peek().kind == kind && Peek().text == text; }
  // Operators in a row make a tree as deep as they are many, which its destructor goes down.
  Status CheckLength() const;
  ExprPtr Make(ExprKind kind, std::string text = "");
  Result<ExprPtr> Binary(ExprKind kind, std::string text, ExprPtr left, Result<ExprPtr> right);

  Result<ExprPtr> Or();
  Result<ExprPtr> And();
  Result<ExprPtr> Not();
  Result<ExprPtr> Comparison();
  Result<ExprPtr> Sum();
  Result<ExprPtr> Concatenation();
  Result<ExprPtr> Product();
  Result<ExprPtr> Unary(bool with_filters);
  Result<ExprPtr> Power();
  Result<ExprPtr> Primary();
  Result<ExprPtr> Postfix(ExprPtr expr);
  Result<ExprPtr> Filters(ExprPtr expr);
  Result<ExprPtr> Subscript(ExprPtr base);
  Result<ExprPtr> Test(ExprPtr tested);
  Result<ExprPtr> DictLiteral();
  Status ListItems(std::string_view close, Expr& out);
  Status Arguments(Expr& call);

  std::vector<TemplateToken> tokens_;
  size_t at_ = 0, depth_ = 0;
  size_t nodes_ = 0;  // of the tag we are in
};

}  // namespace lp::chat
