#include "gguf/gguf.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>

#include "base/byte_reader.h"
#include "base/str_cat.h"
#include "gguf/describe.h"
#include "gguf/parse.h"

namespace lp {
namespace {

constexpr std::string_view kAlignmentKey = "general.alignment";

Error Missing(std::string_view key) {
  return Error{ErrorCode::kNotFound, "this key is missing from the file; convert the model again", std::string(key)};
}

Error WrongType(const GgufEntry& entry, std::string_view wanted) {
  return Error{ErrorCode::kCorrupt,
               StrCat("is ", FormatValue(entry, 2), " (", ValueTypeName(entry.type), ") where ", wanted,
                      " is needed; convert the model again"),
               std::string(entry.key)};
}

Result<uint64_t> AsUint(const GgufEntry& entry) {
  if (const auto* u = std::get_if<uint64_t>(&entry.value)) return *u;
  const auto* i = std::get_if<int64_t>(&entry.value);
  if (i != nullptr && *i >= 0) return static_cast<uint64_t>(*i);
  return WrongType(entry, "a whole number of at least 0");
}

template <class T>
Result<T> As(const GgufEntry& entry, std::string_view wanted) {
  if (const T* value = std::get_if<T>(&entry.value)) return *value;
  return WrongType(entry, wanted);
}

// Indices of `items` sorted by `name(item)`.
template <class T, class Name>
std::vector<uint32_t> SortedBy(const std::vector<T>& items, Name name) {
  std::vector<uint32_t> order(items.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return name(items[a]) < name(items[b]); });
  return order;
}

template <class T, class Name>
const T* FindSorted(const std::vector<T>& items, const std::vector<uint32_t>& order, Name name,
                    std::string_view wanted) {
  const auto it = std::lower_bound(order.begin(), order.end(), wanted,
                                   [&](uint32_t index, std::string_view w) { return name(items[index]) < w; });
  return it != order.end() && name(items[*it]) == wanted ? &items[*it] : nullptr;
}

template <class T, class Name>
Status CheckUnique(const std::vector<T>& items, const std::vector<uint32_t>& order, Name name, std::string_view kind) {
  const auto it = std::adjacent_find(order.begin(), order.end(),
                                     [&](uint32_t a, uint32_t b) { return name(items[a]) == name(items[b]); });
  if (it == order.end()) return Ok();
  return Error{ErrorCode::kCorrupt, "appears twice in the file: it is damaged; download or convert it again",
               StrCat(kind, " ", Printable(name(items[*it])))};
}

constexpr auto kKey = [](const GgufEntry& entry) { return entry.key; };
constexpr auto kName = [](const GgufTensor& tensor) { return tensor.name; };

template <class T>
std::optional<std::vector<int32_t>> NarrowInts(std::span<const uint8_t> bytes, uint64_t size) {
  std::vector<int32_t> out;
  out.reserve(static_cast<size_t>(size));
  ByteReader reader(bytes);
  for (uint64_t i = 0; i < size; ++i) {
    const auto value = reader.Read<T>();
    if (!value) return std::nullopt;
    if constexpr (sizeof(T) >= sizeof(int32_t)) {
      if (*value > static_cast<T>(std::numeric_limits<int32_t>::max())) return std::nullopt;
      if constexpr (std::is_signed_v<T>) {
        if (*value < static_cast<T>(std::numeric_limits<int32_t>::min())) return std::nullopt;
      }
    }
    out.push_back(static_cast<int32_t>(*value));
  }
  return out;
}

}  // namespace

std::optional<std::vector<std::string_view>> GgufArray::Strings() const {
  if (type_ != GgufValueType::kString) return std::nullopt;
  std::vector<std::string_view> out;
  out.reserve(static_cast<size_t>(size_));
  ByteReader reader(bytes_);
  for (uint64_t i = 0; i < size_; ++i) {
    const auto length = reader.Read<uint64_t>();
    const auto bytes = length ? reader.ReadBytes(*length) : std::nullopt;
    if (!bytes) return std::nullopt;
    out.emplace_back(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  }
  return out;
}

std::optional<std::vector<float>> GgufArray::Floats() const {
  if (type_ != GgufValueType::kFloat32) return std::nullopt;
  std::vector<float> out;
  out.reserve(static_cast<size_t>(size_));
  ByteReader reader(bytes_);
  for (uint64_t i = 0; i < size_; ++i) {
    const auto value = reader.Read<float>();
    if (!value) return std::nullopt;
    out.push_back(*value);
  }
  return out;
}

std::optional<std::vector<int32_t>> GgufArray::Ints() const {
  switch (type_) {
    case GgufValueType::kUint8:
      return NarrowInts<uint8_t>(bytes_, size_);
    case GgufValueType::kInt8:
      return NarrowInts<int8_t>(bytes_, size_);
    case GgufValueType::kUint16:
      return NarrowInts<uint16_t>(bytes_, size_);
    case GgufValueType::kInt16:
      return NarrowInts<int16_t>(bytes_, size_);
    case GgufValueType::kUint32:
      return NarrowInts<uint32_t>(bytes_, size_);
    case GgufValueType::kInt32:
      return NarrowInts<int32_t>(bytes_, size_);
    case GgufValueType::kUint64:
      return NarrowInts<uint64_t>(bytes_, size_);
    case GgufValueType::kInt64:
      return NarrowInts<int64_t>(bytes_, size_);
    default:
      return std::nullopt;
  }
}

Result<GgufFile> GgufFile::Parse(std::span<const uint8_t> bytes) {
  GgufFile file;
  ByteReader reader(bytes);
  LP_ASSIGN_OR_RETURN(const internal::GgufHeader header, internal::ReadHeader(reader));
  file.version_ = header.version;
  LP_ASSIGN_OR_RETURN(file.metadata_, internal::ReadMetadata(reader, header.n_metadata));
  file.by_key_ = SortedBy(file.metadata_, kKey);
  LP_RETURN_IF_ERROR(CheckUnique(file.metadata_, file.by_key_, kKey, "key"));

  LP_ASSIGN_OR_RETURN(file.alignment_, file.GetUint(kAlignmentKey, file.alignment_));
  if (file.alignment_ == 0 || (file.alignment_ & (file.alignment_ - 1)) != 0) {
    return Error{ErrorCode::kCorrupt,
                 StrCat("is ", file.alignment_, " and must be a power of two: the file is damaged; download it again"),
                 std::string(kAlignmentKey)};
  }

  LP_ASSIGN_OR_RETURN(file.tensors_, internal::ReadTensorTable(reader, header.n_tensors));
  file.by_name_ = SortedBy(file.tensors_, kName);
  LP_RETURN_IF_ERROR(CheckUnique(file.tensors_, file.by_name_, kName, "tensor"));
  LP_RETURN_IF_ERROR(internal::PlaceTensors(bytes, reader.offset(), file.alignment_, file.tensors_));
  return file;
}

const GgufEntry* GgufFile::Find(std::string_view key) const { return FindSorted(metadata_, by_key_, kKey, key); }

const GgufTensor* GgufFile::FindTensor(std::string_view name) const {
  return FindSorted(tensors_, by_name_, kName, name);
}

Result<uint64_t> GgufFile::GetUint(std::string_view key) const {
  const GgufEntry* entry = Find(key);
  return entry != nullptr ? AsUint(*entry) : Missing(key);
}

Result<uint64_t> GgufFile::GetUint(std::string_view key, uint64_t fallback) const {
  const GgufEntry* entry = Find(key);
  return entry != nullptr ? AsUint(*entry) : fallback;
}

Result<double> GgufFile::GetFloat(std::string_view key) const {
  const GgufEntry* entry = Find(key);
  return entry != nullptr ? As<double>(*entry, "a float") : Missing(key);
}

Result<double> GgufFile::GetFloat(std::string_view key, double fallback) const {
  const GgufEntry* entry = Find(key);
  return entry != nullptr ? As<double>(*entry, "a float") : fallback;
}

Result<bool> GgufFile::GetBool(std::string_view key, bool fallback) const {
  const GgufEntry* entry = Find(key);
  return entry != nullptr ? As<bool>(*entry, "true or false") : fallback;
}

Result<std::string_view> GgufFile::GetString(std::string_view key) const {
  const GgufEntry* entry = Find(key);
  return entry != nullptr ? As<std::string_view>(*entry, "a string") : Missing(key);
}

Result<std::string_view> GgufFile::GetString(std::string_view key, std::string_view fallback) const {
  const GgufEntry* entry = Find(key);
  return entry != nullptr ? As<std::string_view>(*entry, "a string") : fallback;
}

Result<GgufArray> GgufFile::GetArray(std::string_view key) const {
  const GgufEntry* entry = Find(key);
  return entry != nullptr ? As<GgufArray>(*entry, "an array") : Missing(key);
}

}  // namespace lp
