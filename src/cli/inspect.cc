#include <fmt/format.h>

#include <algorithm>
#include <map>

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

// Elements and bytes of a type.
struct Share {
  size_t tensors = 0;
  uint64_t elements = 0, bytes = 0;
};

// What there is of each type, the most first; what most people want to know of a file.
void PrintTypes(const GgufFile& file) {
  std::map<std::string, Share> by_type;
  for (const GgufTensor& tensor : file.tensors()) {
    Share& share = by_type[TypeName(tensor.type)];
    ++share.tensors, share.elements += tensor.n_elements(), share.bytes += tensor.data.size();
  }
  std::vector<std::pair<std::string, Share>> types(by_type.begin(), by_type.end());
  std::stable_sort(types.begin(), types.end(), [](const auto& a, const auto& b) { return a.second.bytes > b.second.bytes; });
  for (const auto& [name, share] : types) {
    fmt::print("{:<7} {:>5} tensors {:>9.1f} M weights {:>9.1f} MiB\n", name, share.tensors, static_cast<double>(share.elements) / 1e6,
               static_cast<double>(share.bytes) / (1 << 20));
  }
}

void PrintTensors(const GgufFile& file) {
  size_t columns = 0;
  for (const GgufTensor& tensor : file.tensors()) columns = std::max(columns, Columns(Escaped(tensor.name)));
  for (const GgufTensor& tensor : file.tensors()) {
    fmt::print("{}  {:<7} {:<18} {:>12} bytes at {}\n", PadRight(Escaped(tensor.name), columns), TypeName(tensor.type),
               FormatShape(tensor), tensor.data.size(), tensor.file_offset);
  }
}

}  // namespace

Status RunInspect(const CommonOptions& common, const std::string& argument, bool list_tensors) {
  LP_ASSIGN_OR_RETURN(const std::string path, ResolveModel(argument));
  LP_ASSIGN_OR_RETURN(const MappedFile mapped, MappedFile::Open(path));
  auto file = GgufFile::Parse(mapped.bytes());
  if (!file.ok()) return file.error().Within(path);
  if (common.json) {
    fmt::print("{}\n", Dump(InspectJson(path, *file, mapped.bytes().size()), 1));
    return Ok();
  }
  const Terminal terminal;
  fmt::print("{}\nGGUF version {} | {:.1f} MiB | {} metadata keys | {} tensors\n\n", terminal.Bold(Escaped(path)),
             file->version(), static_cast<double>(mapped.bytes().size()) / (1 << 20), file->metadata().size(),
             file->tensors().size());
  size_t columns = 0;
  for (const GgufEntry& entry : file->metadata()) columns = std::max(columns, Columns(Escaped(entry.key)));
  for (const GgufEntry& entry : file->metadata()) {
    fmt::print("{}  {}\n", PadRight(Escaped(entry.key), columns), FormatValue(entry, kItems));
  }
  fmt::print("\n");
  list_tensors ? PrintTensors(*file) : PrintTypes(*file);
  const std::string problem = DescribeModel({.name = path, .path = path, .place = {}}).problem;
  fmt::print("\n{}\n", problem.empty() ? "logitpeek runs it" : "logitpeek cannot run it: " + problem);
  return Ok();
}

}  // namespace lp
