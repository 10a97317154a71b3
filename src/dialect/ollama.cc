// Ollama: api/types.go (DefaultOptions). A GGUF model runs on llama.cpp's chain, an MLX model on Ollama's own
// (x/mlxrunner/sample/sample.go, distribution).
#include "base/str_cat.h"
#include "dialect/llama_chain.h"
#include "dialect/resolver.h"

namespace lp {
namespace {

using S = Settings;

// What llama.cpp could do and Ollama has no option for.
void IgnoreUnreachable(Resolver& r) {
  const std::string reason = "Ollama has no such option";
  r.Ignore(&S::logit_bias, reason);
  r.Ignore(&S::mirostat, "Ollama no longer passes mirostat on");
  r.Ignore(&S::mirostat_tau, "Ollama no longer passes mirostat on");
  r.Ignore(&S::mirostat_eta, "Ollama no longer passes mirostat on");
  r.Ignore(&S::mirostat_mu, "Ollama no longer passes mirostat on");
  r.Ignore(&S::samplers, "Ollama sends no order: llama.cpp's default");
  r.Ignore(&S::min_keep, reason);
  r.Ignore(&S::dry_multiplier, reason);
  r.Ignore(&S::dry_base, reason);
  r.Ignore(&S::dry_allowed_length, reason);
  r.Ignore(&S::dry_penalty_last_n, reason);
  r.Ignore(&S::dry_sequence_breakers, reason);
  r.Ignore(&S::top_n_sigma, reason);
  r.Ignore(&S::xtc_probability, reason);
  r.Ignore(&S::xtc_threshold, reason);
  r.Ignore(&S::dynatemp_range, reason);
  r.Ignore(&S::dynatemp_exponent, reason);
  r.Ignore(&S::adaptive_target, reason);
  r.Ignore(&S::adaptive_decay, reason);
}

constexpr LlamaDefaults kDefaults = {.top_p = 0.9, .min_p = 0.0};

// Settings as llama.cpp gets to see them.
Settings Reachable(Settings s) {
  Settings out;
  out.temperature = s.temperature;
  out.top_k = s.top_k;
  out.top_p = s.top_p;
  out.min_p = s.min_p;
  out.typical_p = s.typical_p;
  out.repetition_penalty = s.repetition_penalty;
  out.presence_penalty = s.presence_penalty;
  out.frequency_penalty = s.frequency_penalty;
  out.repeat_last_n = s.repeat_last_n;
  out.seed = s.seed;
  return out;
}

}  // namespace

Result<Resolved> ResolveOllama(const Settings& settings, const ModelFacts& facts) {
  const Settings reachable = Reachable(settings);
  Resolver chain(Dialect::kOllama, reachable, facts);
  LP_RETURN_IF_ERROR(AddLlamaChain(chain, kDefaults));
  Resolved resolved = chain.Finish("Ollama");
  Resolver all(Dialect::kOllama, settings, facts);
  IgnoreUnreachable(all);
  for (const auto member : {&S::temperature, &S::top_p, &S::min_p, &S::typical_p, &S::repetition_penalty, &S::presence_penalty, &S::frequency_penalty}) all.Given(member);
  all.Given(&S::top_k);
  all.Given(&S::repeat_last_n);
  resolved.ignored = all.Finish("Ollama").ignored;
  resolved.notes.push_back("a GGUF model in Ollama runs on llama.cpp's chain; Modelfile parameters and the request override these defaults");
  if (settings.repeat_last_n == -1) resolved.notes.push_back("repeat_last_n = -1 means num_ctx in Ollama: the whole context");
  return resolved;
}

Result<Resolved> ResolveOllamaMlx(const Settings& settings, const ModelFacts& facts) {
  Resolver r(Dialect::kOllamaMlx, settings, facts);
  const Scope scope{.last_n = r.Get(&S::repeat_last_n, kDefaults.repeat_last_n)};
  if (scope.last_n < -1) return Refuses("repeat_last_n", StrCat("repeat_last_n is -1 (all), 0 (none) or a number of tokens, not ", scope.last_n));
  r.Add(RepetitionPenalty{r.Get(&S::repetition_penalty, 1.0), scope});
  if (const auto& p = r.Given(&S::presence_penalty)) r.Add(PresencePenalty{*p, scope});
  if (const auto& p = r.Given(&S::frequency_penalty)) r.Add(FrequencyPenalty{*p, scope});
  const double t = r.Get(&S::temperature, 0.8);
  if (t <= 0) {
    const std::string reason = "temperature 0 takes the best token after the penalties";
    r.Ignore(&S::top_k, reason);
    r.Ignore(&S::top_p, reason);
    r.Ignore(&S::min_p, reason);
    r.Add(Greedy{});
  } else {
    r.Add(TopK{std::max<int64_t>(0, r.Get<int64_t>(&S::top_k, 40)), Ties::kLowerId});
    r.Add(Temperature{t});
    const double p = r.Get(&S::top_p, 0.9), min_p = r.Get(&S::min_p, 0.0);
    if (p <= 0) r.Note("top_p = 0 switches top_p off in Ollama's MLX runner; elsewhere it keeps one token");
    if (min_p > 1) r.Note("min_p above 1 switches min_p off in Ollama's MLX runner");
    r.Add(TopP{.p = p <= 0 || p > 1 ? 1 : p, .arithmetic = MassArithmetic::kFloat32DescendingBefore});
    r.Add(MinP{.p = min_p < 0 || min_p > 1 ? 0 : min_p});
  }
  r.Ignore(&S::typical_p, "Ollama's MLX runner has no typical_p");
  IgnoreUnreachable(r);
  r.Note("MLX's random bits are not reproduced: the draw is this project's own");
  return r.Finish("Ollama");
}

}  // namespace lp
