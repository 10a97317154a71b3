// The tensor table and where each tensor's bytes lie.
#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>

#include "base/str_cat.h"
#include "gguf/describe.h"
#include "gguf/parse.h"

namespace lp::internal {
namespace {

// The least a line of the table takes: an empty name's length, one dimension, type, offset.
constexpr uint64_t kMinTensorBytes = 8 + 4 + 8 + 4 + 8;
constexpr uint32_t kMaxDims = 4;
constexpr std::string_view kDamaged = "the file is damaged; download it again";
constexpr std::string_view kCutShort = "the file is cut short or damaged; download it again";

// Types that ggml has or had and that are not in GgmlType, so that the message can name them.
std::string_view NameOfUnsupportedType(uint32_t number) {
  switch (number) {
    case 4:
      return "Q4_2";
    case 5:
      return "Q4_3";
    case 31:
      return "Q4_0_4_4";
    case 32:
      return "Q4_0_4_8";
    case 33:
      return "Q4_0_8_8";
    case 34:
      return "TQ1_0";
    case 35:
      return "TQ2_0";
    case 36:
      return "IQ4_NL_4_4";
    case 37:
      return "IQ4_NL_4_8";
    case 38:
      return "IQ4_NL_8_8";
    case 39:
      return "MXFP4";
    default:
      return "";
  }
}

std::string KnownTypes() {
  std::string out;
  for (uint32_t number = 0; number <= static_cast<uint32_t>(GgmlType::kBF16); ++number) {
    if (const GgmlTypeInfo* info = FindGgmlType(number)) out += StrCat(out.empty() ? "" : ", ", info->name);
  }
  return out;
}

std::string AtTensor(std::string_view name) { return StrCat("tensor ", Printable(name)); }

std::optional<uint64_t> Multiply(uint64_t a, uint64_t b) {
  if (b != 0 && a > std::numeric_limits<uint64_t>::max() / b) return std::nullopt;
  return a * b;
}

// Bytes of the tensor, or why its shape and type cannot be.
Result<uint64_t> TensorBytes(const GgufTensor& tensor) {
  const GgmlTypeInfo& info = *FindGgmlType(static_cast<uint32_t>(tensor.type));
  if (tensor.shape[0] % info.block_size != 0) {
    return Error{ErrorCode::kCorrupt,
                 StrCat("rows of ", tensor.shape[0], " elements are no multiple of the ", info.block_size,
                        " that a block of ", info.name, " holds: ", kDamaged),
                 AtTensor(tensor.name)};
  }
  std::optional<uint64_t> bytes = Multiply(tensor.shape[0] / info.block_size, info.block_bytes);
  for (uint32_t i = 1; i < kMaxDims && bytes; ++i) bytes = Multiply(*bytes, tensor.shape[i]);
  // The number of elements can be larger than that of bytes, and n_elements() must not overflow either.
  std::optional<uint64_t> elements = tensor.shape[0];
  for (uint32_t i = 1; i < kMaxDims && elements; ++i) elements = Multiply(*elements, tensor.shape[i]);
  if (!bytes || !elements) {
    return Error{ErrorCode::kCorrupt,
                 StrCat("the shape ", FormatShape(tensor), " is larger than any file can be: ", kDamaged),
                 AtTensor(tensor.name)};
  }
  return *bytes;
}

Error EndsInside(const ByteReader& reader, std::string where) {
  return Error{ErrorCode::kCorrupt,
               StrCat("the file ends inside the tensor table at byte ", reader.offset(), ": ", kCutShort),
               std::move(where)};
}

Result<GgufTensor> ReadTensorInfo(ByteReader& reader) {
  std::string where = StrCat("byte ", reader.offset());
  const auto length = reader.Read<uint64_t>();
  if (!length) return EndsInside(reader, where);
  const auto name = reader.ReadBytes(*length);
  if (!name) {
    return Error{ErrorCode::kCorrupt,
                 StrCat("a tensor name claims ", *length, " bytes but only ", reader.remaining(),
                        " are left in the file: ", kCutShort),
                 where};
  }
  GgufTensor tensor;
  tensor.name = {reinterpret_cast<const char*>(name->data()), name->size()};
  where = AtTensor(tensor.name);
  const auto n_dims = reader.Read<uint32_t>();
  if (!n_dims) return EndsInside(reader, where);
  if (*n_dims < 1 || *n_dims > kMaxDims) {
    return Error{ErrorCode::kCorrupt, StrCat("has ", *n_dims, " dimensions where 1 to 4 are allowed: ", kDamaged),
                 where};
  }
  tensor.n_dims = *n_dims;
  for (uint32_t i = 0; i < *n_dims; ++i) {
    const auto n = reader.Read<uint64_t>();
    if (!n) return EndsInside(reader, where);
    if (*n == 0) return Error{ErrorCode::kCorrupt, StrCat("dimension ", i, " is 0: ", kDamaged), where};
    tensor.shape[i] = *n;
  }
  const auto type = reader.Read<uint32_t>();
  const auto offset = type ? reader.Read<uint64_t>() : std::nullopt;
  if (!offset) return EndsInside(reader, where);
  if (FindGgmlType(*type) == nullptr) {
    const std::string_view type_name = NameOfUnsupportedType(*type);
    return Error{ErrorCode::kUnsupported,
                 StrCat("tensor type ", *type, type_name.empty() ? "" : " (", type_name, type_name.empty() ? "" : ")",
                        " is not supported; use a file with one of ", KnownTypes()),
                 where};
  }
  tensor.type = static_cast<GgmlType>(*type);
  tensor.file_offset = *offset;
  return tensor;
}

Status CheckOverlap(const std::vector<GgufTensor>& tensors) {
  std::vector<uint32_t> order(tensors.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return tensors[a].file_offset < tensors[b].file_offset; });
  for (size_t i = 1; i < order.size(); ++i) {
    const GgufTensor &before = tensors[order[i - 1]], &after = tensors[order[i]];
    if (before.file_offset + before.data.size() > after.file_offset) {
      return Error{ErrorCode::kCorrupt,
                   StrCat("its data at byte ", after.file_offset, " lies inside that of tensor ",
                          Printable(before.name), ": ", kDamaged),
                   AtTensor(after.name)};
    }
  }
  return Ok();
}

}  // namespace

Result<std::vector<GgufTensor>> ReadTensorTable(ByteReader& reader, uint64_t count) {
  if (count > reader.remaining() / kMinTensorBytes) {
    return Error{ErrorCode::kCorrupt,
                 StrCat("the file claims ", count, " tensors but only ", reader.remaining(), " bytes follow at byte ",
                        reader.offset(), ": ", kCutShort),
                 "byte 8"};
  }
  std::vector<GgufTensor> tensors;
  tensors.reserve(std::min<uint64_t>(count, 1024));
  for (uint64_t i = 0; i < count; ++i) {
    LP_ASSIGN_OR_RETURN(GgufTensor tensor, ReadTensorInfo(reader));
    tensors.push_back(tensor);
  }
  return tensors;
}

Status PlaceTensors(std::span<const uint8_t> file, size_t table_end, uint64_t alignment,
                    std::vector<GgufTensor>& tensors) {
  if (tensors.empty()) return Ok();  // a vocabulary alone may end right after its metadata
  const uint64_t padding = (alignment - table_end % alignment) % alignment;
  for (GgufTensor& tensor : tensors) {
    LP_ASSIGN_OR_RETURN(const uint64_t n_bytes, TensorBytes(tensor));
    if (tensor.file_offset % alignment != 0) {
      return Error{ErrorCode::kCorrupt,
                   StrCat("its offset ", tensor.file_offset, " is no multiple of the file's alignment ", alignment,
                          ": ", kDamaged),
                   AtTensor(tensor.name)};
    }
    // Compared step by step, because the sum may not fit in 64 bits.
    uint64_t left = file.size() - table_end;
    const bool inside =
        padding <= left && tensor.file_offset <= (left -= padding) && n_bytes <= (left -= tensor.file_offset);
    if (!inside) {
      return Error{ErrorCode::kCorrupt,
                   StrCat("its ", n_bytes, " bytes at offset ", tensor.file_offset,
                          " of the data do not fit in the file of ", file.size(), " bytes: ", kCutShort),
                   AtTensor(tensor.name)};
    }
    tensor.file_offset += table_end + padding;
    tensor.data = file.subspan(static_cast<size_t>(tensor.file_offset), static_cast<size_t>(n_bytes));
  }
  return CheckOverlap(tensors);
}

}  // namespace lp::internal
