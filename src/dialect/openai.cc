// OpenAI's API: what its documentation says. The sampler itself is closed: the order of its stages and the rule of its
// nucleus are not known, and what is assumed here is said in the notes.
#include <cmath>

#include "base/str_cat.h"
#include "dialect/resolver.h"

namespace lp {
namespace {

using S = Settings;

Status Refusals(const Settings& s) {
  const auto between = [](const std::optional<double>& x, const char* name, double low, double high) -> Status {
    if (!x || (*x >= low && *x <= high)) return Ok();
    return Refuses(name, StrCat("OpenAI: Invalid '", name, "': ", PythonFloat(*x), " is outside the allowed range ", low, " to ", high));
  };
  LP_RETURN_IF_ERROR(between(s.temperature, "temperature", 0, 2));
  LP_RETURN_IF_ERROR(between(s.top_p, "top_p", 0, 1));
  LP_RETURN_IF_ERROR(between(s.presence_penalty, "presence_penalty", -2, 2));
  LP_RETURN_IF_ERROR(between(s.frequency_penalty, "frequency_penalty", -2, 2));
  if (s.logit_bias) {
    for (const auto& [id, bias] : *s.logit_bias) {
      LP_RETURN_IF_ERROR(between(static_cast<double>(bias), "logit_bias", -100, 100));
    }
  }
  return Ok();
}

}  // namespace

Result<Resolved> ResolveOpenAi(const Settings& settings, const ModelFacts& facts) {
  LP_RETURN_IF_ERROR(Refusals(settings));
  Resolver r(Dialect::kOpenAi, settings, facts);
  const Scope output{.output_only = true};
  if (const auto& bias = r.Given(&S::logit_bias)) r.Add(LogitBias{*bias});
  if (const auto& p = r.Given(&S::frequency_penalty)) r.Add(FrequencyPenalty{*p, output});
  if (const auto& p = r.Given(&S::presence_penalty)) r.Add(PresencePenalty{*p, output});
  r.Add(Temperature{r.Get(&S::temperature, 1.0)});
  r.Add(TopP{.p = r.Get(&S::top_p, 1.0)});
  r.Note("OpenAI does not say in which order its stages act nor how its nucleus treats its edge; assumed: bias, penalties over the output, temperature, top_p with the rule mass before < p");
  return r.Finish("OpenAI's API");
}

}  // namespace lp
