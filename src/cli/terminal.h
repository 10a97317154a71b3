// What goes to the terminal: colour and bars for people, plain text where the output is piped.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/token.h"

namespace lp {

class Terminal {
 public:
  // For stdout: colours where it is a terminal, NO_COLOR is unset and TERM is not "dumb".
  Terminal();

  bool colour() const { return colour_; }
  size_t width() const { return width_; }  // columns; 80 where unknown

  std::string Bold(std::string_view text) const { return Wrap("1", text); }
  std::string Dim(std::string_view text) const { return Wrap("2", text); }
  std::string Struck(std::string_view text) const { return Wrap("2;9", text); }
  // Text on the colour of its surprise: from calm (under 1 bit) to startled (over 8 bits). Plain where there is no
  // colour.
  std::string Surprised(std::string_view text, double surprisal_bits) const;
  // A bar of `fraction` of `columns` in eighths of a character; empty where there is no colour.
  std::string Bar(double fraction, size_t columns) const;

 private:
  std::string Wrap(std::string_view code, std::string_view text) const;

  bool colour_ = false;
  size_t width_ = 80;
};

// "scoring 1024 of 9000 tokens", rewritten in place on stderr and gone with the object; silent where stderr is no terminal.
class Progress {
 public:
  explicit Progress(std::string_view what, std::string_view unit = "");
  ~Progress() { Clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Show(std::string_view more = "") const;  // `what`, then `more`
  void Show(size_t done, size_t total) const;
  // What a long evaluation is told: shows how far it is and lets it go on. This must outlive it.
  std::function<bool(size_t, size_t)> Observer() const {
    return [this](size_t done, size_t total) {
      Show(done, total);
      return true;
    };
  }
  void Clear() const;

 private:
  std::string what_, unit_;
  bool shown_ = false;
};

// A token as it can be read in a list: quoted, escapes for what does not show, <E2><96> for bytes that are no
// character.
std::string Quoted(const TokenPiece& piece);
// Escapes for everything that would move the cursor or be no text; nothing quoted.
std::string Escaped(std::string_view bytes);
// Columns a terminal takes for UTF-8 text: code points, of which East Asian wide ones count twice.
size_t Columns(std::string_view text);
std::string PadRight(std::string text, size_t columns);

// A probability for people: "71.2 %", "0.0031 %", "0".
std::string Percent(double p);

}  // namespace lp
