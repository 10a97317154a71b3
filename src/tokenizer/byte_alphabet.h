// The alphabet that byte-level BPE files spell tokens in: every byte is one printable character, so that a vocabulary
// can be kept as text. Printable Latin-1 bytes stand for themselves; the other 68 are U+0100 upwards, in order. From
// GPT-2's encoder.py.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lp {

// "Ġhello" -> " hello"; nullopt where a character is none of the 256 (then the text is no byte-level spelling).
std::optional<std::string> BytesFromAlphabet(std::string_view spelled);

// " hello" -> "Ġhello". Any bytes.
std::string BytesToAlphabet(std::string_view bytes);

}  // namespace lp
