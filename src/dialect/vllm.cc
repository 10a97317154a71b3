// vLLM V1: vllm/v1/sample/sampler.py (Sampler.forward), vllm/sampling_params.py (SamplingParams._verify_args).
#include <algorithm>
#include <cmath>

#include "base/str_cat.h"
#include "dialect/resolver.h"

namespace lp {
namespace {

using S = Settings;

Status Refusals(const Settings& s) {
  const auto refuse = [](bool bad, const char* setting, const std::string& must, const std::string& value) -> Status {
    if (!bad) return Ok();
    return Refuses(setting, StrCat("vLLM: ", setting, " must be ", must, ", got ", value));
  };
  if (s.presence_penalty) LP_RETURN_IF_ERROR(refuse(!(std::abs(*s.presence_penalty) <= 2), "presence_penalty", "in [-2, 2]", PythonFloat(*s.presence_penalty)));
  if (s.frequency_penalty) LP_RETURN_IF_ERROR(refuse(!(std::abs(*s.frequency_penalty) <= 2), "frequency_penalty", "in [-2, 2]", PythonFloat(*s.frequency_penalty)));
  if (s.repetition_penalty) LP_RETURN_IF_ERROR(refuse(!(*s.repetition_penalty > 0), "repetition_penalty", "greater than zero", PythonFloat(*s.repetition_penalty)));
  if (s.temperature) {
    LP_RETURN_IF_ERROR(refuse(!(*s.temperature >= 0), "temperature", "non-negative", PythonFloat(*s.temperature)));
    LP_RETURN_IF_ERROR(refuse(*s.temperature > 2, "temperature", "in [0, 2]", PythonFloat(*s.temperature)));
  }
  if (s.top_p) LP_RETURN_IF_ERROR(refuse(!(*s.top_p > 0 && *s.top_p <= 1), "top_p", "in (0, 1]", PythonFloat(*s.top_p)));
  if (s.top_k) LP_RETURN_IF_ERROR(refuse(*s.top_k < -1, "top_k", "0 (disable), or at least 1", StrCat(*s.top_k)));
  if (s.min_p) LP_RETURN_IF_ERROR(refuse(!(*s.min_p >= 0 && *s.min_p <= 1), "min_p", "in [0, 1]", PythonFloat(*s.min_p)));
  if (s.min_new_tokens) LP_RETURN_IF_ERROR(refuse(*s.min_new_tokens < 0, "min_new_tokens", "greater than or equal to 0", StrCat(*s.min_new_tokens)));
  return Ok();
}

// SamplingParams.from_optional, which is what its server calls.
std::vector<std::pair<TokenId, float>> Clamped(Resolver& r, std::vector<std::pair<TokenId, float>> bias) {
  bool clamped = false;
  for (auto& [id, x] : bias) {
    clamped = clamped || x < -100 || x > 100;
    x = std::clamp(x, -100.0f, 100.0f);
  }
  if (clamped) r.Note("vLLM's server clamps logit_bias to [-100, 100]: it does not quite ban a token");
  return bias;
}

// SamplingParams.__post_init__
double Raised(Resolver& r, double t) {
  constexpr double kLeast = 0.01;
  if (!(t > 0 && t < kLeast)) return t;
  r.Note(StrCat("vLLM raises a temperature of ", t, " to 0.01, against overflow"));
  return kLeast;
}

}  // namespace

Result<Resolved> ResolveVllm(const Settings& settings, const ModelFacts& facts) {
  LP_RETURN_IF_ERROR(Refusals(settings));
  Resolver r(Dialect::kVllm, settings, facts);
  r.Draw(DrawRule::kExponentialRace);
  const Scope output{.output_only = true};
  if (const auto& ids = r.Given(&S::allowed_token_ids)) r.Add(AllowedTokens{*ids});
  if (const auto& words = r.Given(&S::bad_words_ids)) r.Add(BadWords{*words, true});
  const auto& ends = r.Given(&S::eos_token_id);
  if (const auto& n = r.Given(&S::min_new_tokens)) r.Add(BannedTokens{ends.value_or(facts.end_tokens), *n});
  if (const auto& bias = r.Given(&S::logit_bias)) r.Add(LogitBias{Clamped(r, *bias)});
  r.Add(RepetitionPenalty{r.Get(&S::repetition_penalty, 1.0), {}});
  if (const auto& p = r.Given(&S::frequency_penalty)) r.Add(FrequencyPenalty{*p, output});
  if (const auto& p = r.Given(&S::presence_penalty)) r.Add(PresencePenalty{*p, output});
  if (const double t = Raised(r, r.Get(&S::temperature, 1.0)); t == 0) {
    const std::string reason = "temperature 0 means greedy in vLLM, which resets top_p, top_k and min_p";
    r.Ignore(&S::top_p, reason);
    r.Ignore(&S::top_k, reason);
    r.Ignore(&S::min_p, reason);
    r.Add(Greedy{});
    return r.Finish("vLLM");
  } else {
    r.Add(Temperature{t});
  }
  r.Add(MinP{.p = r.Get(&S::min_p, 0.0)});
  r.Add(TopK{std::max<int64_t>(0, r.Get<int64_t>(&S::top_k, 0)), Ties::kKeepAll});
  r.Add(TopP{.p = r.Get(&S::top_p, 1.0), .arithmetic = MassArithmetic::kFloat32AscendingFloat32P});
  r.Note("top_k keeps all ties, as vLLM's PyTorch path does; its Triton kernel keeps exactly k");
  r.Note("vLLM's random bits depend on device and kernel: the draw here is the same exponential race with this project's own");
  return r.Finish("vLLM");
}

}  // namespace lp
