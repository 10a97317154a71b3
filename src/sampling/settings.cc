#include "sampling/settings.h"

#include <cmath>

#include "base/str_cat.h"

namespace lp {
namespace {

Error OutOfRange(const char* field, const std::string& message) {
  return Error{ErrorCode::kInvalidArgument, message, field};
}

}  // namespace

Status Validate(const SamplerSettings& s) {
  if (!(s.repetition_penalty > 0) || !std::isfinite(s.repetition_penalty)) {
    return OutOfRange("repetition_penalty",
                      StrCat("the repetition penalty is ", s.repetition_penalty, "; give a number above 0 (1 = off)"));
  }
  if (s.repeat_last_n < -1) {
    return OutOfRange("repeat_last_n", StrCat("the penalty window is ", s.repeat_last_n,
                                              "; give a number of tokens, -1 for the whole context or 0 for none"));
  }
  if (!(s.temperature >= 0) || !std::isfinite(s.temperature)) {
    return OutOfRange("temperature",
                      StrCat("the temperature is ", s.temperature, "; give a number of 0 (greedy) or above"));
  }
  if (s.top_k < 0) {
    return OutOfRange("top_k", StrCat("top-k is ", s.top_k, "; give a number of tokens, or 0 to switch it off"));
  }
  if (!(s.top_p > 0 && s.top_p <= 1)) {
    return OutOfRange("top_p", StrCat("top-p is ", s.top_p, "; give a number above 0 and at most 1 (1 = off)"));
  }
  return Ok();
}

}  // namespace lp
