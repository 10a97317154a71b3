// Requests: JSON -> settings.
#include <cmath>

#include "base/str_cat.h"
#include "wire/wire.h"

namespace lp {
namespace {

// One field of the sampler object: how to take it, and what to say when it is of the wrong type.
Status TakeField(const std::string& key, const Json& value, const std::string& where, SamplerSettings& s) {
  const auto wrong = [&](const char* wanted) {
    return Error{ErrorCode::kInvalidArgument, StrCat(key, " must be ", wanted, ", not ", Dump(value)), where};
  };
  const auto number = [&](double& out) -> Status {
    if (!value.is_number()) return wrong("a number");
    out = value.get<double>();
    return Ok();
  };
  const auto integer = [&](int64_t& out) -> Status {
    if (!value.is_number_integer()) return wrong("a whole number");
    if (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX) return wrong("a smaller whole number");
    out = value.get<int64_t>();
    return Ok();
  };
  if (key == "repetition_penalty") return number(s.repetition_penalty);
  if (key == "repeat_last_n") return integer(s.repeat_last_n);
  if (key == "temperature") return number(s.temperature);
  if (key == "top_k") return integer(s.top_k);
  if (key == "top_p") return number(s.top_p);
  if (key == "seed") {
    if (!value.is_number_unsigned() && !(value.is_number_integer() && value.get<int64_t>() >= 0)) {
      return wrong("a whole number from 0 to 2^64 - 1");
    }
    s.seed = value.get<uint64_t>();
    return Ok();
  }
  return Error{ErrorCode::kInvalidArgument,
               StrCat("there is no sampler setting \"", key,
                      "\"; there are repetition_penalty, repeat_last_n, temperature, top_k, top_p and seed"),
               where};
}

}  // namespace

Result<SamplerSettings> ParseSettings(const Json& json, std::string_view pointer) {
  SamplerSettings settings;
  if (!json.is_object()) {
    return Error{ErrorCode::kInvalidArgument, "sampler must be an object of settings", std::string(pointer)};
  }
  for (const auto& [key, value] : json.items()) {
    LP_RETURN_IF_ERROR(TakeField(key, value, StrCat(pointer, "/", key), settings));
  }
  if (const Status valid = Validate(settings); !valid.ok()) {
    Error error = valid.error();
    error.where = StrCat(pointer, "/", error.where);
    return error;
  }
  return settings;
}

}  // namespace lp
