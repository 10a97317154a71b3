#include "cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "base/utf8.h"

namespace lp {
namespace {

bool IsWide(char32_t c) {
  return (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
         (c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x20000 && c <= 0x3FFFD);
}

}  // namespace

Terminal::Terminal() {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  colour_ = ::isatty(STDOUT_FILENO) == 1 && (no_colour == nullptr || *no_colour == '\0') && !dumb;
  struct winsize size {};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) width_ = size.ws_col;
}

std::string Terminal::Wrap(std::string_view code, std::string_view text) const {
  return colour_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

std::string Terminal::Surprised(std::string_view text, double surprisal_bits) const {
  // 256-colour backgrounds from green-grey over sand to rust, with dark text; the steps are the page's.
  constexpr std::array<std::pair<double, int>, 5> kSteps = {{{1, 151}, {3, 187}, {5, 222}, {8, 215}, {1e9, 209}}};
  for (const auto& [limit, background] : kSteps) {
    if (surprisal_bits < limit) return Wrap(fmt::format("38;5;16;48;5;{}", background), text);
  }
  return std::string(text);
}

std::string Terminal::Bar(double fraction, size_t columns) const {
  if (!colour_) return "";
  constexpr std::array<std::string_view, 8> kEighths = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto eighths =
      static_cast<size_t>(std::lround(std::clamp(fraction, 0.0, 1.0) * static_cast<double>(8 * columns)));
  std::string bar;
  for (size_t i = 0; i < eighths / 8; ++i) bar += "█";
  bar += kEighths[eighths % 8];
  return Wrap("36", bar);
}

Progress::Progress(std::string_view what, std::string_view unit)
    : what_(what), unit_(unit), shown_(::isatty(STDERR_FILENO) == 1) {}

void Progress::Show(std::string_view more) const {
  if (shown_) fmt::print(stderr, "\r{}{}\x1b[K", what_, more);
}

void Progress::Show(size_t done, size_t total) const {
  if (shown_) fmt::print(stderr, "\r{} {} of {} {}\x1b[K", what_, done, total, unit_);
}

void Progress::Clear() const {
  if (shown_) fmt::print(stderr, "\r\x1b[K");
}

std::string Escaped(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    const Utf8Step step = DecodeUtf8(bytes);
    const char32_t c = step.code_point;
    if (!step.valid) {
      for (const char b : bytes.substr(0, step.length)) out += fmt::format("<{:02X}>", static_cast<uint8_t>(b));
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c < 0x20 || (c >= 0x7F && c < 0xA0)) {
      out += fmt::format("<{:02X}>", static_cast<uint32_t>(c));
    } else {
      out += bytes.substr(0, step.length);
    }
    bytes.remove_prefix(step.length);
  }
  return out;
}

std::string Quoted(const TokenPiece& piece) {
  if (piece.special) return Escaped(piece.name);
  std::string inside;
  for (const char c : Escaped(piece.bytes)) {
    if (c == '"') inside += '\\';
    inside += c;
  }
  return fmt::format("\"{}\"", inside);
}

size_t Columns(std::string_view text) {
  size_t columns = 0;
  while (!text.empty()) {
    const Utf8Step step = DecodeUtf8(text);
    columns += IsWide(step.code_point) ? 2u : 1u;
    text.remove_prefix(step.length);
  }
  return columns;
}

std::string PadRight(std::string text, size_t columns) {
  const size_t used = Columns(text);
  if (used < columns) text.append(columns - used, ' ');
  return text;
}

std::string Percent(double p) {
  if (p <= 0) return "0 %";
  if (p >= 0.0995) return fmt::format("{:.1f} %", 100 * p);
  if (p >= 0.0000095) return fmt::format("{:.2g} %", 100 * p);
  return fmt::format("{:.0e} %", 100 * p);
}

}  // namespace lp
