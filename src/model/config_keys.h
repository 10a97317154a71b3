// Numbers of a model's metadata, read with their limits. For model/config*.cc only.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/str_cat.h"
#include "gguf/gguf.h"

namespace lp {

inline constexpr std::string_view kDamagedFile = "the file is damaged or was converted wrongly";

// Reads keys `<architecture>.<name>`. `file` must outlive it.
class ConfigKeys {
 public:
  ConfigKeys(const GgufFile& file, std::string prefix) : file_(file), prefix_(std::move(prefix)) {}

  const GgufFile& file() const { return file_; }
  std::string Key(std::string_view name) const { return StrCat(prefix_, ".", name); }
  bool Has(std::string_view name) const { return file_.Find(Key(name)) != nullptr; }

  // A count in [1, max]. Without fallback the key must be there.
  Result<uint32_t> Count(std::string_view name, uint64_t max, std::optional<uint64_t> fallback = std::nullopt) const {
    const std::string key = Key(name);
    LP_ASSIGN_OR_RETURN(const uint64_t n, fallback ? file_.GetUint(key, *fallback) : file_.GetUint(key));
    if (n == 0 || n > max) {
      return Error{ErrorCode::kCorrupt, StrCat("is ", n, " where 1 to ", max, " makes sense: ", kDamagedFile), key};
    }
    return static_cast<uint32_t>(n);
  }

  // A finite number above 0.
  Result<float> Positive(std::string_view name, std::optional<double> fallback = std::nullopt) const {
    LP_ASSIGN_OR_RETURN(const float f, Float(name, fallback));
    if (!(f > 0)) return Senseless(name, f, "a positive number");
    return f;
  }

  // A finite number, at least 0; 0 where the key is missing and nothing else is said.
  Result<float> NotNegative(std::string_view name, double fallback = 0) const {
    LP_ASSIGN_OR_RETURN(const float f, Float(name, fallback));
    if (!(f >= 0)) return Senseless(name, f, "0 or a positive number");
    return f;
  }

 private:
  Result<float> Float(std::string_view name, std::optional<double> fallback) const {
    const std::string key = Key(name);
    LP_ASSIGN_OR_RETURN(const double v, fallback ? file_.GetFloat(key, *fallback) : file_.GetFloat(key));
    const auto f = static_cast<float>(v);
    if (!std::isfinite(f)) return Senseless(name, v, "a finite number");
    return f;
  }
  Error Senseless(std::string_view name, double is, std::string_view needed) const {
    return {ErrorCode::kCorrupt, StrCat("is ", is, " where ", needed, " is needed: ", kDamagedFile), Key(name)};
  }

  const GgufFile& file_;
  std::string prefix_;
};

// Rotation and sliding windows: config.rope, window_rope, window, window_period and what they say of n_ctx. Needs
// head_dim and n_ctx.
Status ReadRope(const ConfigKeys& keys, uint64_t context, struct ModelConfig& config);

}  // namespace lp
