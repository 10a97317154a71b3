// Requests: JSON -> settings.
#include <cmath>

#include "base/str_cat.h"
#include "wire/wire.h"

namespace lp {
namespace {

template <class T>
constexpr const char* Wanted() {
  if constexpr (std::is_same_v<T, double>) return "a number";
  else if constexpr (std::is_same_v<T, int64_t>) return "a whole number";
  else if constexpr (std::is_same_v<T, uint64_t>) return "a whole number from 0 to 2^64 - 1";
  else if constexpr (std::is_same_v<T, bool>) return "true or false";
  else if constexpr (std::is_same_v<T, std::string>) return "a string";
  else if constexpr (std::is_same_v<T, std::vector<TokenId>>) return "an array of token ids";
  else if constexpr (std::is_same_v<T, std::vector<TokenSequence>>) return "an array of arrays of token ids";
  else return "an array of {\"tokens\", \"bias\"} (a bias of null is -inf)";
}

bool Take(const Json& json, double& out) { return json.is_number() && (out = json.get<double>(), std::isfinite(out)); }
bool Take(const Json& json, int64_t& out) {
  if (!json.is_number_integer() || (json.is_number_unsigned() && json.get<uint64_t>() > INT64_MAX)) return false;
  out = json.get<int64_t>();
  return true;
}
bool Take(const Json& json, uint64_t& out) {
  if (!json.is_number_unsigned() && !(json.is_number_integer() && json.get<int64_t>() >= 0)) return false;
  out = json.get<uint64_t>();
  return true;
}
bool Take(const Json& json, bool& out) { return json.is_boolean() && (out = json.get<bool>(), true); }
bool Take(const Json& json, std::string& out) { return json.is_string() && (out = json.get<std::string>(), true); }
bool Take(const Json& json, TokenId& out) {
  int64_t wide = 0;
  if (!Take(json, wide) || wide < 0 || wide > INT32_MAX) return false;
  out = static_cast<TokenId>(wide);
  return true;
}
template <class T>
bool Take(const Json& json, std::vector<T>& out);
// {"tokens": 5 or [5] or [5, 6], "bias": -1.5}
template <class Key>
bool Take(const Json& json, std::pair<Key, float>& out) {
  if (!json.is_object() || json.size() != 2 || !json.contains("tokens") || !json.contains("bias")) return false;
  TokenSequence tokens;
  const Json& given = json["tokens"];
  TokenId one = 0;
  if (Take(given, one)) tokens = {one};
  else if (!Take(given, tokens)) return false;
  if constexpr (std::is_same_v<Key, TokenId>) {
    if (tokens.size() != 1) return false;
    out.first = tokens[0];
  } else {
    out.first = std::move(tokens);
  }
  double bias = 0;
  if (json["bias"].is_null()) out.second = -std::numeric_limits<float>::infinity();
  else if (Take(json["bias"], bias)) out.second = static_cast<float>(bias);
  else return false;
  return true;
}
template <class T>
bool Take(const Json& json, std::vector<T>& out) {
  if (!json.is_array()) return false;
  for (const Json& item : json) {
    T value{};
    if (!Take(item, value)) return false;
    out.push_back(std::move(value));
  }
  return true;
}
// OpenAI's and vLLM's form of logit_bias: {"15043": -1.5}.
bool TakeMap(const Json& json, std::vector<std::pair<TokenId, float>>& out) {
  for (const auto& [key, value] : json.items()) {
    double bias = 0;
    if (key.empty() || key.size() > 9 || key.find_first_not_of("0123456789") != std::string::npos || !Take(value, bias)) return false;
    out.emplace_back(static_cast<TokenId>(std::stol(key)), static_cast<float>(bias));
  }
  return true;
}

Status TakeSetting(const std::string& key, const Json& value, const std::string& where, Settings& settings) {
  const SettingSpec* spec = FindSetting(key);
  if (spec == nullptr) return Error{ErrorCode::kInvalidArgument, UnknownSetting(key).message, where};
  return std::visit(
      [&]<class T>(std::optional<T> Settings::*member) -> Status {
        if (value.is_null()) return Ok();  // "not set", as a form sends it
        T taken{};
        bool ok = false;
        if constexpr (std::is_same_v<T, std::vector<std::pair<TokenId, float>>>) ok = value.is_object() && TakeMap(value, taken);
        if (!ok) ok = Take(value, taken);
        if (!ok) return Error{ErrorCode::kInvalidArgument, StrCat(spec->name, " must be ", Wanted<T>(), ", not ", Dump(value)), where};
        settings.*member = std::move(taken);
        return Ok();
      },
      spec->member);
}

}  // namespace

Result<DialectSettings> ParseSampler(const Json& json, std::string_view pointer) {
  DialectSettings wanted;
  if (!json.is_object()) {
    return Error{ErrorCode::kInvalidArgument, "sampler must be an object of settings", std::string(pointer)};
  }
  for (const auto& [key, value] : json.items()) {
    const std::string where = StrCat(pointer, "/", key);
    if (key == "dialect" || key == "chain") {
      if (!value.is_string()) return Error{ErrorCode::kInvalidArgument, StrCat(key, " must be a string, not ", Dump(value)), where};
      if (key == "chain") {
        wanted.chain = value.get<std::string>();
        continue;
      }
      const auto dialect = ParseDialect(value.get<std::string>());
      if (!dialect.ok()) return Error{ErrorCode::kInvalidArgument, dialect.error().message, where};
      wanted.dialect = *dialect;
      continue;
    }
    LP_RETURN_IF_ERROR(TakeSetting(key, value, where, wanted.settings));
  }
  return wanted;
}

}  // namespace lp
