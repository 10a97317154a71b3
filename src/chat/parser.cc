#include "chat/parser.h"

#include <initializer_list>

#include "chat/lexer.h"
#include "chat/parse_expression.h"
#include "gguf/describe.h"

namespace lp::chat {
namespace {

constexpr size_t kMaxNesting = 100;

class Parser {
 public:
  explicit Parser(std::vector<TemplateToken> tokens) : p_(std::move(tokens)) {}

  Result<Block> Run() {
    Block out;
    LP_RETURN_IF_ERROR(Body({}, out));
    return out;
  }

 private:
  // Statements up to a tag whose word is one of `ends`, which is left standing behind its "{%"; or, without ends, to
  // the template's own end.
  Status Body(std::initializer_list<std::string_view> ends, Block& out) {
    if (++nesting_ > kMaxNesting) return p_.Fail("statements are nested too deeply", ErrorCode::kUnsupported);
    for (;;) {
      const TemplateToken token = p_.Next();
      if (token.kind == TokenKind::kEnd) {
        if (ends.size() == 0) break;
        return p_.Fail(StrCat("the template ends before {% ", *(ends.end() - 1), " %}"));
      }
      if (token.kind == TokenKind::kText) {
        out.push_back(Make(StatementKind::kText));
        out.back()->text = token.text;
        continue;
      }
      if (token.kind == TokenKind::kPrintBegin) {
        out.push_back(Make(StatementKind::kPrint));
        LP_ASSIGN_OR_RETURN(out.back()->expr, p_.Tuple(true));
        LP_RETURN_IF_ERROR(p_.Expect(TokenKind::kPrintEnd, "", "}}"));
        continue;
      }
      for (const std::string_view end : ends) {
        if (p_.IsName(end)) {
          --nesting_;
          return Ok();
        }
      }
      LP_ASSIGN_OR_RETURN(auto statement, OneStatement());
      out.push_back(std::move(statement));
    }
    --nesting_;
    return Ok();
  }

  std::unique_ptr<Statement> Make(StatementKind kind) const {
    auto out = std::make_unique<Statement>();
    out->kind = kind, out->line = p_.Peek().line;
    return out;
  }
  Status TagEnd() { return p_.Expect(TokenKind::kStatementEnd, "", "%}"); }
  // The word that ended a Body, and the end of its tag.
  Status EndTag() {
    p_.Next();
    return TagEnd();
  }

  Result<std::unique_ptr<Statement>> OneStatement() {
    LP_ASSIGN_OR_RETURN(const std::string word, p_.Name());
    if (word == "if") return If();
    if (word == "for") return For();
    if (word == "set") return Set();
    if (word == "macro") return Macro();
    if (word == "generation") {  // transformers' mark of what the assistant says: prints as if it were not there
      auto out = Make(StatementKind::kBlock);
      LP_RETURN_IF_ERROR(TagEnd());
      LP_RETURN_IF_ERROR(Body({"endgeneration"}, out->body));
      LP_RETURN_IF_ERROR(EndTag());
      return out;
    }
    if (word == "break" || word == "continue") {
      auto out = Make(word == "break" ? StatementKind::kBreak : StatementKind::kContinue);
      LP_RETURN_IF_ERROR(TagEnd());
      return out;
    }
    const bool is_end = word.starts_with("end") || word == "else" || word == "elif";
    if (is_end) return p_.Fail(StrCat("{% ", Printable(word), " %} ends nothing"));
    return p_.Fail(StrCat("{% ", Printable(word),
                          " %} is not supported; supported: if, for, set, macro, break, "
                          "continue, generation"),
                   ErrorCode::kUnsupported);
  }

  // After "if" or "elif".
  Result<std::unique_ptr<Statement>> If() {
    auto out = Make(StatementKind::kIf);
    LP_ASSIGN_OR_RETURN(out->expr, p_.Tuple(true));
    LP_RETURN_IF_ERROR(TagEnd());
    LP_RETURN_IF_ERROR(Body({"elif", "else", "endif"}, out->body));
    if (p_.TakeName("elif")) {
      if (++nesting_ > kMaxNesting) return p_.Fail("statements are nested too deeply", ErrorCode::kUnsupported);
      LP_ASSIGN_OR_RETURN(auto rest, If());
      --nesting_;
      out->otherwise.push_back(std::move(rest));
      return out;  // the inner one took {% endif %}
    }
    if (p_.TakeName("else")) {
      LP_RETURN_IF_ERROR(TagEnd());
      LP_RETURN_IF_ERROR(Body({"endif"}, out->otherwise));
    }
    LP_RETURN_IF_ERROR(EndTag());
    return out;
  }

  Result<std::vector<std::string>> Names() {
    std::vector<std::string> out;
    const bool in_brackets = p_.TakeOperator("(");
    do {
      LP_ASSIGN_OR_RETURN(std::string name, p_.Name());
      out.push_back(std::move(name));
    } while (p_.TakeOperator(","));
    if (in_brackets) LP_RETURN_IF_ERROR(p_.Expect(TokenKind::kOperator, ")", "\")\""));
    return out;
  }

  Result<std::unique_ptr<Statement>> For() {
    auto out = Make(StatementKind::kFor);
    LP_ASSIGN_OR_RETURN(out->names, Names());
    LP_RETURN_IF_ERROR(p_.Expect(TokenKind::kName, "in", "\"in\""));
    LP_ASSIGN_OR_RETURN(out->expr, p_.Tuple(false));
    if (p_.TakeName("if")) {
      LP_ASSIGN_OR_RETURN(out->condition, p_.Expression());
    }
    if (p_.IsName("recursive")) return p_.Fail("recursive loops are not supported", ErrorCode::kUnsupported);
    LP_RETURN_IF_ERROR(TagEnd());
    LP_RETURN_IF_ERROR(Body({"else", "endfor"}, out->body));
    if (p_.TakeName("else")) {
      LP_RETURN_IF_ERROR(TagEnd());
      LP_RETURN_IF_ERROR(Body({"endfor"}, out->otherwise));
    }
    LP_RETURN_IF_ERROR(EndTag());
    return out;
  }

  Result<std::unique_ptr<Statement>> Set() {
    auto out = Make(StatementKind::kSet);
    LP_ASSIGN_OR_RETURN(out->names, Names());
    if (out->names.size() == 1 && p_.TakeOperator(".")) {
      LP_ASSIGN_OR_RETURN(out->attribute, p_.Name());
    }
    if (p_.TakeOperator("=")) {
      LP_ASSIGN_OR_RETURN(out->expr, p_.Tuple(true));
      LP_RETURN_IF_ERROR(TagEnd());
      return out;
    }
    if (out->names.size() != 1 || !out->attribute.empty()) return p_.Unexpected("\"=\"");
    if (p_.IsOperator("|")) return p_.Fail("filters on {% set %} blocks are not supported", ErrorCode::kUnsupported);
    out->kind = StatementKind::kSetBlock;
    LP_RETURN_IF_ERROR(TagEnd());
    LP_RETURN_IF_ERROR(Body({"endset"}, out->body));
    LP_RETURN_IF_ERROR(EndTag());
    return out;
  }

  Result<std::unique_ptr<Statement>> Macro() {
    auto out = Make(StatementKind::kMacro);
    LP_ASSIGN_OR_RETURN(out->text, p_.Name());
    LP_RETURN_IF_ERROR(p_.Expect(TokenKind::kOperator, "(", "\"(\""));
    while (!p_.TakeOperator(")")) {
      LP_ASSIGN_OR_RETURN(std::string name, p_.Name());
      out->names.push_back(std::move(name));
      ExprPtr value;
      if (p_.TakeOperator("=")) {
        LP_ASSIGN_OR_RETURN(value, p_.Expression());
      }
      out->defaults.push_back(std::move(value));
      if (!p_.TakeOperator(",") && !p_.IsOperator(")")) return p_.Unexpected("\",\" or \")\"");
    }
    LP_RETURN_IF_ERROR(TagEnd());
    LP_RETURN_IF_ERROR(Body({"endmacro"}, out->body));
    LP_RETURN_IF_ERROR(EndTag());
    return out;
  }

  ExpressionParser p_;
  size_t nesting_ = 0;
};

}  // namespace

Result<Block> Parse(std::string_view source) {
  LP_ASSIGN_OR_RETURN(std::vector<TemplateToken> tokens, Lex(source));
  return Parser(std::move(tokens)).Run();
}

}  // namespace lp::chat
