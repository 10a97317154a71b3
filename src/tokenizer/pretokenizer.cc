#include "tokenizer/pretokenizer.h"

#include <utility>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/str_cat.h"
#include "base/utf8.h"

namespace lp {
namespace {

// Unicode's White_Space. Not PCRE2's \s, which also has U+180E, a space only in Unicode versions before 6.3.
constexpr std::string_view kWhiteSpace =
    R"(\x{9}-\x{D}\x{20}\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})";

// Writes out \s and \S, which must not stand in one negated class together.
std::string ExpandWhiteSpace(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    const char escaped = c == '\\' && i + 1 < pattern.size() ? pattern[i + 1] : '\0';
    if (escaped == 's' || escaped == 'S') {
      out += in_class ? std::string(kWhiteSpace) : StrCat(escaped == 's' ? "[" : "[^", kWhiteSpace, "]");
      ++i;
    } else if (escaped != '\0') {
      out += c;
      out += escaped;
      ++i;
    } else {
      if (c == '[') in_class = true;
      if (c == ']') in_class = false;
      out += c;
    }
  }
  return out;
}

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeMatch {
  void operator()(pcre2_match_data* match) const { pcre2_match_data_free(match); }
};
using Code = std::unique_ptr<pcre2_code, FreeCode>;
using Match = std::unique_ptr<pcre2_match_data, FreeMatch>;

std::string PcreMessage(int code) {
  PCRE2_UCHAR buffer[128];
  if (pcre2_get_error_message(code, buffer, sizeof(buffer)) < 0) return StrCat("code ", code);
  return reinterpret_cast<const char*>(buffer);
}

Result<Code> Compile(std::string_view pattern, bool use_jit) {
  const std::string expanded = ExpandWhiteSpace(pattern);
  int error = 0;
  PCRE2_SIZE offset = 0;
  Code code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expanded.data()), expanded.size(), PCRE2_UTF | PCRE2_UCP, &error,
                          &offset, nullptr));
  if (code == nullptr) {
    return Error{ErrorCode::kUnsupported,
                 StrCat("PCRE2 cannot compile a pre-tokeniser pattern (", PcreMessage(error), " at ", offset,
                        "); it must be built with Unicode support"),
                 "tokenizer.ggml.pre"};
  }
  if (use_jit)
    (void)pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);  // no JIT on this platform: the interpreter runs
  return code;
}

// Appends the matches of `code` in `chunk` and what lies between them, in order. `chunk` is valid UTF-8, and to the
// pattern it is the whole text: $ and look-arounds end at its edges.
Status SplitChunk(const pcre2_code* code, std::string_view chunk, pcre2_match_data* match,
                  std::vector<std::string_view>& out) {
  size_t done = 0, from = 0;
  while (from < chunk.size()) {
    const int rc = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(chunk.data()), chunk.size(), from,
                               PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, match, nullptr);
    if (rc == PCRE2_ERROR_NOMATCH) break;
    if (rc < 0) {
      return Error{ErrorCode::kUnsupported,
                   StrCat("the pre-tokeniser gave up on this text (", PcreMessage(rc), "); try a shorter one"), ""};
    }
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(match);
    if (ends[0] > done) out.push_back(chunk.substr(done, ends[0] - done));
    out.push_back(chunk.substr(ends[0], ends[1] - ends[0]));
    done = from = ends[1];
  }
  if (done < chunk.size()) out.push_back(chunk.substr(done));
  return Ok();
}

struct Run {
  std::string_view text;
  bool valid = true;
};

// The longest prefix of `text` that is all valid UTF-8 or all invalid.
Run FirstRun(std::string_view text) {
  Run run;
  size_t length = 0;
  while (length < text.size()) {
    const Utf8Step step = DecodeUtf8(text.substr(length));
    if (length == 0) run.valid = step.valid;
    if (step.valid != run.valid) break;
    length += step.length;
  }
  run.text = text.substr(0, length);
  return run;
}

}  // namespace

struct Pretokenizer::Patterns {
  std::vector<Code> codes;
};

Pretokenizer::Pretokenizer(std::unique_ptr<Patterns> patterns) : patterns_(std::move(patterns)) {}
Pretokenizer::Pretokenizer(Pretokenizer&&) noexcept = default;
Pretokenizer& Pretokenizer::operator=(Pretokenizer&&) noexcept = default;
Pretokenizer::~Pretokenizer() = default;

Result<Pretokenizer> Pretokenizer::Make(const PretokenizerRule& rule, bool use_jit) {
  auto patterns = std::make_unique<Patterns>();
  for (const std::string_view pattern : rule.patterns) {
    LP_ASSIGN_OR_RETURN(Code code, Compile(pattern, use_jit));
    patterns->codes.push_back(std::move(code));
  }
  return Pretokenizer(std::move(patterns));
}

Result<std::vector<std::string_view>> Pretokenizer::Split(std::string_view text) const {
  std::vector<std::string_view> pieces;
  const Match match(pcre2_match_data_create(1, nullptr));
  if (match == nullptr) return Error{ErrorCode::kIo, "out of memory", ""};
  while (!text.empty()) {
    const Run run = FirstRun(text);
    text.remove_prefix(run.text.size());
    std::vector<std::string_view> chunks = {run.text}, next;
    for (const Code& code : patterns_->codes) {
      if (!run.valid) break;
      next.clear();
      for (const std::string_view chunk : chunks) LP_RETURN_IF_ERROR(SplitChunk(code.get(), chunk, match.get(), next));
      std::swap(chunks, next);
    }
    pieces.insert(pieces.end(), chunks.begin(), chunks.end());
  }
  return pieces;
}

}  // namespace lp
