#include <fmt/format.h>

#include "base/utf8.h"
#include "cli/commands.h"
#include "engine/models.h"
#include "gguf/describe.h"
#include "gguf/gguf.h"
#include "wire/wire.h"

namespace lp {
namespace {

constexpr size_t kItems = 6;  // of an array, per line

std::string TypeName(GgmlType type) { return std::string(FindGgmlType(static_cast<uint32_t>(type))->name); }

Json ArrayJson(const GgufArray& array) {
  Json first = Json::array();
  const size_t n = std::min<size_t>(kItems, array.size());
  if (const auto strings = array.Strings()) {
    for (size_t i = 0; i < n; ++i) first.push_back(ToValidUtf8((*strings)[i]));
  } else if (const auto ints = array.Ints()) {
    for (size_t i = 0; i < n; ++i) first.push_back((*ints)[i]);
  } else if (const auto floats = array.Floats()) {
    for (size_t i = 0; i < n; ++i) first.push_back(NumberOrNull(static_cast<double>((*floats)[i])));
  }
  return {{"count", array.size()}, {"first", std::move(first)}};
}

Json ValueJson(const GgufValue& value) {
  if (const auto* array = std::get_if<GgufArray>(&value)) return ArrayJson(*array);
  if (const auto* text = std::get_if<std::string_view>(&value)) return ToValidUtf8(*text);
  if (const auto* number = std::get_if<double>(&value)) return NumberOrNull(*number);
  if (const auto* number = std::get_if<uint64_t>(&value)) return *number;
  if (const auto* number = std::get_if<int64_t>(&value)) return *number;
  return std::get<bool>(value);
}

Json InspectJson(const std::string& path, const GgufFile& file, size_t file_bytes) {
  Json metadata = Json::object(), tensors = Json::array();
  for (const GgufEntry& entry : file.metadata()) metadata[ToValidUtf8(entry.key)] = ValueJson(entry.value);
  for (const GgufTensor& tensor : file.tensors()) {
    tensors.push_back({{"name", ToValidUtf8(tensor.name)},
                       {"type", TypeName(tensor.type)},
                       {"shape", std::vector<uint64_t>(tensor.shape.begin(), tensor.shape.begin() + tensor.n_dims)},
                       {"offset", tensor.file_offset},
                       {"bytes", tensor.data.size()}});
  }
  return {{"file", path},
          {"file_bytes", file_bytes},
          {"version", file.version()},
          {"alignment", file.alignment()},
          {"metadata", std::move(metadata)},
          {"tensors", std::move(tensors)}};
}

}  // namespace

Status RunInspect(const CommonOptions& common, const std::string& argument) {
  LP_ASSIGN_OR_RETURN(const std::string path, ResolveModel(argument));
  LP_ASSIGN_OR_RETURN(const MappedFile mapped, MappedFile::Open(path));
  auto file = GgufFile::Parse(mapped.bytes());
  if (!file.ok()) return file.error().Within(path);
  if (common.json) {
    fmt::print("{}\n", Dump(InspectJson(path, *file, mapped.bytes().size()), 1));
    return Ok();
  }
  const Terminal terminal;
  fmt::print("{}\nGGUF version {} | {:.1f} MiB | {} metadata keys | {} tensors\n\n", terminal.Bold(path),
             file->version(), static_cast<double>(mapped.bytes().size()) / (1 << 20), file->metadata().size(),
             file->tensors().size());
  size_t columns = 0;
  for (const GgufEntry& entry : file->metadata()) columns = std::max(columns, Columns(Escaped(entry.key)));
  for (const GgufEntry& entry : file->metadata()) {
    fmt::print("{}  {}\n", PadRight(Escaped(entry.key), columns), FormatValue(entry, kItems));
  }
  fmt::print("\n");
  columns = 0;
  for (const GgufTensor& tensor : file->tensors()) columns = std::max(columns, Columns(Escaped(tensor.name)));
  for (const GgufTensor& tensor : file->tensors()) {
    fmt::print("{}  {:<6} {:<18} {:>12} bytes at {}\n", PadRight(Escaped(tensor.name), columns), TypeName(tensor.type),
               FormatShape(tensor), tensor.data.size(), tensor.file_offset);
  }
  return Ok();
}

}  // namespace lp
