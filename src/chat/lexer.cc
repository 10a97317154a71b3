#include "chat/lexer.h"

#include <algorithm>
#include <cctype>

#include "base/str_cat.h"
#include "base/utf8.h"
#include "gguf/describe.h"

namespace lp::chat {
namespace {

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool IsNameStart(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  Result<std::vector<TemplateToken>> Run() {
    while (at_ < source_.size()) {
      const size_t tag = NextTag();
      Text(tag);
      if (tag == source_.size()) break;
      const char kind = source_[tag + 1];
      at_ = tag + 2;
      if (at_ < source_.size() && (source_[at_] == '-' || source_[at_] == '+')) ++at_;
      if (kind == '#') {
        LP_RETURN_IF_ERROR(Comment());
      } else {
        LP_RETURN_IF_ERROR(Tag(kind == '%'));
      }
    }
    Push(TokenKind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  size_t NextTag() const {
    for (size_t i = at_; i + 1 < source_.size(); ++i) {
      if (source_[i] == '{' && (source_[i + 1] == '{' || source_[i + 1] == '%' || source_[i + 1] == '#')) return i;
    }
    return source_.size();
  }

  void Push(TokenKind kind, std::string text) { tokens_.push_back({kind, std::move(text), line_}); }
  Error Fail(std::string message) const { return {ErrorCode::kCorrupt, std::move(message), StrCat("line ", line_)}; }
  void Skip(size_t to) {
    line_ += static_cast<size_t>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                            source_.begin() + static_cast<std::ptrdiff_t>(to), '\n'));
    at_ = to;
  }

  // Text up to the tag at `tag`, less what the tag strips in front of it.
  void Text(size_t tag) {
    size_t end = tag;
    const char sign = tag + 2 < source_.size() ? source_[tag + 2] : ' ';
    if (tag < source_.size() && sign == '-') {
      while (end > at_ && IsSpace(source_[end - 1])) --end;
    } else if (tag < source_.size() && sign != '+' && source_[tag + 1] != '{') {
      size_t line_start = end;
      while (line_start > at_ && source_[line_start - 1] != '\n' && IsSpace(source_[line_start - 1])) --line_start;
      const bool begins_line = line_start > at_ ? source_[line_start - 1] == '\n' : at_line_start_;
      if (begins_line) end = line_start;
    }
    if (end > at_) Push(TokenKind::kText, std::string(source_.substr(at_, end - at_)));
    Skip(tag);
  }

  // After a tag, from `-`, `+` or nothing in front of its end: what the end swallows.
  void AfterTag(char sign, bool is_print) {
    const size_t begin = at_;
    size_t end = at_;
    if (sign == '-') {
      while (end < source_.size() && IsSpace(source_[end])) ++end;
    } else if (sign != '+' && !is_print && end < source_.size() && source_[end] == '\n') {
      ++end;
    }
    Skip(end);
    at_line_start_ = at_ > begin && source_[at_ - 1] == '\n';
  }

  Status Comment() {
    const size_t end = source_.find("#}", at_);
    if (end == source_.npos) return Fail("a comment does not end");
    const char sign = end > at_ ? source_[end - 1] : ' ';
    Skip(end + 2);
    AfterTag(sign, false);
    return Ok();
  }

  Status Tag(bool is_statement) {
    Push(is_statement ? TokenKind::kStatementBegin : TokenKind::kPrintBegin, "");
    const std::string_view close = is_statement ? "%}" : "}}";
    size_t nesting = 0;  // brackets: the }} of a dict in a dict ends no tag
    for (;;) {
      while (at_ < source_.size() && IsSpace(source_[at_])) Skip(at_ + 1);
      if (at_ >= source_.size()) return Fail(StrCat("a tag does not end with ", close));
      const std::string_view rest = source_.substr(at_);
      const bool has_sign = rest.size() > 1 && (rest[0] == '-' || rest[0] == '+') && rest.substr(1).starts_with(close);
      if (nesting == 0 && (has_sign || rest.starts_with(close))) {
        Push(is_statement ? TokenKind::kStatementEnd : TokenKind::kPrintEnd, "");
        Skip(at_ + 2 + has_sign);
        AfterTag(has_sign ? rest[0] : ' ', !is_statement);
        return Ok();
      }
      LP_RETURN_IF_ERROR(Word(rest, nesting));
    }
  }

  Status Word(std::string_view rest, size_t& nesting) {
    const char c = rest[0];
    if (c == '"' || c == '\'') return String(c);
    size_t n = 1;
    if (IsNameStart(c)) {
      while (n < rest.size() && (IsNameStart(rest[n]) || IsDigit(rest[n]))) ++n;
      Push(TokenKind::kName, std::string(rest.substr(0, n)));
    } else if (IsDigit(c)) {
      n = Number(rest);
    } else {
      constexpr std::string_view kTwo[] = {"**", "//", "==", "!=", "<=", ">="};
      constexpr std::string_view kOne = "+-*/%~<>=.,:|()[]{}";
      if (std::find(std::begin(kTwo), std::end(kTwo), rest.substr(0, 2)) != std::end(kTwo)) {
        n = 2;
      } else if (kOne.find(c) == kOne.npos) {
        return Fail(StrCat("\"", Printable(rest.substr(0, 1)), "\" is no part of an expression"));
      }
      if (c == '(' || c == '[' || c == '{') ++nesting;
      if ((c == ')' || c == ']' || c == '}') && nesting > 0) --nesting;
      Push(TokenKind::kOperator, std::string(rest.substr(0, n)));
    }
    at_ += n;
    return Ok();
  }

  size_t Number(std::string_view rest) {
    size_t n = 0;
    bool is_float = false;
    while (n < rest.size() && (IsDigit(rest[n]) || rest[n] == '_')) ++n;
    if (n + 1 < rest.size() && rest[n] == '.' && IsDigit(rest[n + 1])) {
      is_float = true;
      for (++n; n < rest.size() && IsDigit(rest[n]);) ++n;
    }
    if (size_t e = n; e < rest.size() && (rest[e] | 32) == 'e') {
      if (++e < rest.size() && (rest[e] == '+' || rest[e] == '-')) ++e;
      if (e < rest.size() && IsDigit(rest[e])) {
        is_float = true;
        for (n = e; n < rest.size() && IsDigit(rest[n]);) ++n;
      }
    }
    std::string digits(rest.substr(0, n));
    digits.erase(std::remove(digits.begin(), digits.end(), '_'), digits.end());
    Push(is_float ? TokenKind::kFloat : TokenKind::kInteger, std::move(digits));
    return n;
  }

  Status String(char quote) {
    std::string text;
    size_t i = at_ + 1;
    for (;; ++i) {
      if (i >= source_.size()) return Fail("a string does not end");
      const char c = source_[i];
      if (c == quote) break;
      if (c != '\\') {
        text += c;
        continue;
      }
      if (++i >= source_.size()) return Fail("a string does not end");
      i = Escape(i, text);
    }
    Push(TokenKind::kString, std::move(text));
    Skip(i + 1);
    return Ok();
  }

  // The escape whose letter is at i, as Python has them; returns the index of its last character.
  size_t Escape(size_t i, std::string& text) {
    constexpr std::string_view kLetters = "ntrbfav0\\'\"", kMeaning{"\n\t\r\b\f\a\v\0\\'\"", 11};
    const char c = source_[i];
    if (const size_t at = kLetters.find(c); at != kLetters.npos) {
      text += kMeaning[at];
      return i;
    }
    const size_t n = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    char32_t code = 0;
    for (size_t k = 1; k <= n; ++k) {
      if (i + k >= source_.size() || !std::isxdigit(static_cast<unsigned char>(source_[i + k]))) {
        text += '\\';
        text += c;
        return i;
      }
      const char h = source_[i + k];
      code = code << 4 | static_cast<char32_t>(IsDigit(h) ? h - '0' : (h | 32) - 'a' + 10);
    }
    if (n != 0) {
      AppendUtf8(text, code <= 0x10FFFF ? code : 0xFFFD);
    } else if (c != '\n') {  // a line continued
      text += '\\';
      text += c;
    }
    return i + n;
  }

  std::string_view source_;
  size_t at_ = 0, line_ = 1;
  bool at_line_start_ = true;
  std::vector<TemplateToken> tokens_;
};

}  // namespace

Result<std::vector<TemplateToken>> Lex(std::string_view source) {
  // Newlines as Jinja has them: all "\n", and one at the very end does not count.
  std::string text;
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      text += source[i];
    } else if (i + 1 == source.size() || source[i + 1] != '\n') {
      text += '\n';
    }
  }
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return Lexer(text).Run();
}

}  // namespace lp::chat
