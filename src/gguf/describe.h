// GGUF values as people read them: one line each, always printable UTF-8, whatever bytes the file holds.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "gguf/gguf.h"

namespace lp {

// `bytes` cut to at most `max_bytes` (never inside a character) with … where something was cut; what is no UTF-8 or is
// a control character becomes \xNN, \n, \t or \r. Without quotes.
std::string Printable(std::string_view bytes, size_t max_bytes = 60);

// "u32", "f32", "str", ...; "type 99" for a number that is none.
std::string ValueTypeName(GgufValueType type);

// One metadata value on one line: `4096`, `1e-05`, `true`, `"llama"`, `[str x 32000] "<unk>", "<s>", …`. At most
// `max_items` of an array are written, strings shortened to 60 bytes.
std::string FormatValue(const GgufEntry& entry, size_t max_items);

// "{64, 512}": the shape of a tensor without its trailing ones.
std::string FormatShape(const GgufTensor& tensor);

}  // namespace lp
