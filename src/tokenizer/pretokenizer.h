// Cuts text into pre-tokens, the pieces inside which byte-level BPE may merge: words with their space, numbers,
// punctuation.
//
// The rules are regular expressions that each model's publisher defined; the file only names them (tokenizer.ggml.pre).
// A wrong rule gives plausible but wrong ids, so a name that is not in the table is refused, never guessed.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lp {

// One rule and the names it goes by in files.
struct PretokenizerRule {
  std::span<const std::string_view> names;
  std::span<const std::string_view>
      patterns;  // applied one after the other, each inside the pieces the ones before have made
  bool ignore_merges =
      false;  // a pre-token that is a token as a whole is taken as it is, whatever the merges would make of it
  bool adds_bos = false;  // what a file without add_bos_token means
};

// nullptr for an unknown name.
const PretokenizerRule* FindPretokenizerRule(std::string_view name);
std::string PretokenizerNames();  // all names, for a message

class Pretokenizer {
 public:
  // Compiles the patterns. Fails only if PCRE2 does (out of memory, or built without Unicode). `use_jit`: to machine
  // code where PCRE2 can, five times as fast; without, as in WASM, the same pieces come out.
  static Result<Pretokenizer> Make(const PretokenizerRule& rule, bool use_jit = true);

  Pretokenizer(Pretokenizer&&) noexcept;
  Pretokenizer& operator=(Pretokenizer&&) noexcept;
  ~Pretokenizer();

  // Consecutive views that make up `text`, none empty. Any bytes: each run that is no UTF-8 is a piece of its own, and
  // the rules see the text between such runs. Fails only where PCRE2 gives up. Safe from several threads.
  Result<std::vector<std::string_view>> Split(std::string_view text) const;

 private:
  struct Patterns;
  explicit Pretokenizer(std::unique_ptr<Patterns> patterns);
  std::unique_ptr<Patterns> patterns_;
};

}  // namespace lp
