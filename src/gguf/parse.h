// The two halves of a GGUF file's header, read in order from one cursor. Only gguf.cc uses this.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/byte_reader.h"
#include "base/result.h"
#include "gguf/gguf.h"

namespace lp::internal {

struct GgufHeader {
  uint32_t version = 0;
  uint64_t n_tensors = 0, n_metadata = 0;  // as claimed; only compared with what the file could hold
};

Result<GgufHeader> ReadHeader(ByteReader& reader);
Result<std::vector<GgufEntry>> ReadMetadata(ByteReader& reader, uint64_t count);
// The table only: data still empty, file_offset still relative to the data section.
Result<std::vector<GgufTensor>> ReadTensorTable(ByteReader& reader, uint64_t count);
// Fills data and file_offset. `table_end` is where the table ends; the data begins at the next multiple of `alignment`.
Status PlaceTensors(std::span<const uint8_t> file, size_t table_end, uint64_t alignment,
                    std::vector<GgufTensor>& tensors);

}  // namespace lp::internal
