#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include "base/str_cat.h"
#include "gguf/describe.h"
#include "model/config.h"
#include "model/config_keys.h"

namespace lp {
namespace {

constexpr uint64_t kMaxHeadDim = 1 << 10, kMaxContext = 1 << 26;

Status ReadYarn(const ConfigKeys& keys, RopeConfig& rope) {
  rope.yarn = true;
  LP_ASSIGN_OR_RETURN(rope.factor, keys.Positive("rope.scaling.factor"));
  LP_ASSIGN_OR_RETURN(rope.original_context, keys.Count("rope.scaling.original_context_length", kMaxContext));
  LP_ASSIGN_OR_RETURN(rope.yarn_fast, keys.Positive("rope.scaling.yarn_beta_fast", 32.0));
  LP_ASSIGN_OR_RETURN(rope.yarn_slow, keys.Positive("rope.scaling.yarn_beta_slow", 1.0));
  if (rope.factor > 1) rope.magnitude *= 1 + 0.1f * std::log(rope.factor);  // the paper's "temperature"
  return Ok();
}

// Phi-3 with a long context has two sets of factors, for texts up to the length it was first trained for and for longer
// ones. Which set applies would depend on how long a text will become, and its keys with it: the promise that a token
// path has one set of logits holds only for one of them. So the context that was asked for decides, as in llama.cpp: the
// short set up to that length, else the long one.
Status ReadLongRope(const ConfigKeys& keys, uint64_t context, ModelConfig& c) {
  LP_ASSIGN_OR_RETURN(const uint32_t original,
                      keys.Count("rope.scaling.original_context_length", kMaxContext, c.n_ctx));
  c.rope.long_factors = context > original && c.n_ctx > original;
  if (!c.rope.long_factors) c.n_ctx = std::min(c.n_ctx, original);
  return Ok();
}

// Absent type with a factor means linear, as llama.cpp reads older files.
Status ReadScaling(const ConfigKeys& keys, uint64_t context, ModelConfig& c) {
  const bool has_short_factors = keys.file().FindTensor("rope_factors_short.weight") != nullptr;
  LP_ASSIGN_OR_RETURN(const std::string_view type,
                      keys.file().GetString(keys.Key("rope.scaling.type"), has_short_factors ? "longrope" : "linear"));
  LP_ASSIGN_OR_RETURN(c.rope.magnitude, keys.Positive("rope.scaling.attn_factor", 1.0));
  if (type == "none") return Ok();
  if (type == "yarn") return ReadYarn(keys, c.rope);
  if (type == "longrope" && has_short_factors) return ReadLongRope(keys, context, c);
  if (type != "linear") {
    return Error{ErrorCode::kUnsupported,
                 StrCat("positions scaled by \"", Printable(type),
                        "\" are not supported; supported: none, linear, yarn, longrope (with factors)"),
                 keys.Key("rope.scaling.type")};
  }
  const std::string_view name = keys.Has("rope.scaling.factor") ? "rope.scaling.factor" : "rope.scale_linear";
  LP_ASSIGN_OR_RETURN(const float factor, keys.NotNegative(name, 1.0));
  c.rope.factor = factor == 0 ? 1 : factor;  // 0: converters' way of saying that there is none
  return Ok();
}

Status ReadWindow(const ConfigKeys& keys, ModelConfig& c) {
  constexpr std::string_view kWindow = "attention.sliding_window", kPeriod = "attention.sliding_window_pattern";
  LP_ASSIGN_OR_RETURN(const uint64_t window, keys.file().GetUint(keys.Key(kWindow), c.arch->window));
  c.window = static_cast<uint32_t>(std::min(window, kMaxContext));
  c.window_period = c.arch->window_period;
  if (keys.Has(kPeriod)) {
    LP_ASSIGN_OR_RETURN(c.window_period, keys.Count(kPeriod, kMaxContext));
  }
  c.window_rope = c.rope;
  if (c.arch->window_rope_base != 0) {  // these layers never see far: their positions are not stretched
    c.window_rope.factor = 1;
    LP_ASSIGN_OR_RETURN(c.window_rope.base, keys.Positive("rope.freq_base_swa", c.arch->window_rope_base));
  }
  return Ok();
}

}  // namespace

Status ReadRope(const ConfigKeys& keys, uint64_t context, ModelConfig& c) {
  c.rope.kind = c.arch->rope;
  if (c.rope.kind != RopeKind::kNone) {
    LP_ASSIGN_OR_RETURN(c.rope.base, keys.Positive("rope.freq_base", 10000.0));
    LP_ASSIGN_OR_RETURN(c.rope.dim, keys.Count("rope.dimension_count", kMaxHeadDim, c.head_dim));
    if (c.rope.dim > c.head_dim || c.rope.dim % 2 != 0) {
      return Error{
          ErrorCode::kCorrupt,
          StrCat(c.rope.dim, " rotated dimensions are not an even part of a head's ", c.head_dim, ": ", kDamagedFile),
          keys.Key("rope.dimension_count")};
    }
    LP_RETURN_IF_ERROR(ReadScaling(keys, context, c));
  }
  return ReadWindow(keys, c);
}

}  // namespace lp
