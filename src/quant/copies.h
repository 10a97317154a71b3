// Copies of matrices in memory of one's own: in the order that decoding reads them, where that is not the file's.
//
// In a file, the numbers of a row follow each other. With 4 bits each, a product with one vector then spends half its time beside
// the numbers: on scales that lie 18 bytes apart, and on adding up lanes that belong to one row. So eight rows of such a type lie
// interleaved in a copy, a strip: a lane of a vector is a row, eight scales are one load, and nothing is left to add up. The numbers
// are the same, and a product is the same bit for bit.
//
// All other types are copied as they are. What a copy can have and a mapped file often cannot are huge pages.
#pragma once

#include <cstddef>
#include <cstdint>

#include "quant/matrix.h"

namespace lp {

inline constexpr size_t kStripRows = 8;

// Bytes of a copy of w: its own, or those of its strips, of which the last is filled up with rows of zeros.
size_t CopyBytes(const WeightMatrix& w);

// What a copy of w at `to` looks like; w is as the file has it.
WeightMatrix CopyAt(const WeightMatrix& w, const uint8_t* to);

// Copies rows [row_begin, row_end) of w, row_begin a multiple of kStripRows, row_end too or w.rows.
//   to: [CopyBytes(w)], of which only what belongs to these rows is written
// Different ranges may be copied at the same time by different threads.
void CopyRows(const WeightMatrix& w, size_t row_begin, size_t row_end, uint8_t* to);

}  // namespace lp
