// The order in which the mathematics is taught: biases and penalties change logits, the temperature divides them, softmax
// makes probabilities, cuts remove tokens. Every setting there is works here, and nothing happens that was not asked for.
#include <cmath>

#include "base/str_cat.h"
#include "dialect/resolver.h"

namespace lp {
namespace {

using S = Settings;

Status Check(bool ok, std::string_view name, std::string_view range, double value) {
  if (ok) return Ok();
  return Refuses(std::string(name), StrCat(name, " must be ", range, ", not ", value));
}

// Ranges of what can stand in the chain; Validate(Stage) has the rest.
Status CheckRanges(const Settings& s) {
  if (s.temperature) LP_RETURN_IF_ERROR(Check(*s.temperature >= 0 && std::isfinite(*s.temperature), "temperature", "a number >= 0 (0 = greedy)", *s.temperature));
  if (s.top_k) LP_RETURN_IF_ERROR(Check(*s.top_k >= 0, "top_k", "0 (off) or a number of tokens", static_cast<double>(*s.top_k)));
  if (s.repeat_last_n) LP_RETURN_IF_ERROR(Check(*s.repeat_last_n >= -1, "repeat_last_n", "-1 (all), 0 (none) or a number of tokens", static_cast<double>(*s.repeat_last_n)));
  if (s.repetition_penalty) LP_RETURN_IF_ERROR(Check(*s.repetition_penalty > 0 && std::isfinite(*s.repetition_penalty), "repetition_penalty", "a number > 0 (1 = off)", *s.repetition_penalty));
  if (s.mirostat) LP_RETURN_IF_ERROR(Check(*s.mirostat >= 0 && *s.mirostat <= 2, "mirostat", "0, 1 or 2", static_cast<double>(*s.mirostat)));
  const auto share = [](const std::optional<double>& p, std::string_view name, bool zero) -> Status {
    if (!p) return Ok();
    return Check(*p <= 1 && (zero ? *p >= 0 : *p > 0), name, zero ? "in [0, 1]" : "in (0, 1]", *p);
  };
  LP_RETURN_IF_ERROR(share(s.top_p, "top_p", false));
  LP_RETURN_IF_ERROR(share(s.min_p, "min_p", true));
  LP_RETURN_IF_ERROR(share(s.typical_p, "typical_p", false));
  LP_RETURN_IF_ERROR(share(s.epsilon_cutoff, "epsilon_cutoff", true));
  LP_RETURN_IF_ERROR(share(s.eta_cutoff, "eta_cutoff", true));
  LP_RETURN_IF_ERROR(share(s.top_a, "top_a", true));
  LP_RETURN_IF_ERROR(share(s.top_h, "top_h", false));
  LP_RETURN_IF_ERROR(share(s.tail_free, "tail_free", true));
  LP_RETURN_IF_ERROR(share(s.xtc_probability, "xtc_probability", true));
  return share(s.xtc_threshold, "xtc_threshold", true);
}

}  // namespace

Result<Resolved> ResolveLogitpeek(const Settings& settings, const ModelFacts& facts) {
  LP_RETURN_IF_ERROR(CheckRanges(settings));
  Resolver r(Dialect::kLogitpeek, settings, facts);
  const Scope scope{.last_n = r.Get<int64_t>(&S::repeat_last_n, -1)};
  const int64_t min_keep = r.Given(&S::min_keep).value_or(1);

  if (const auto& bias = r.Given(&S::logit_bias)) r.Add(LogitBias{*bias});
  if (const auto& bias = r.Given(&S::sequence_bias)) r.Add(SequenceBias{*bias});
  if (const auto& ids = r.Given(&S::allowed_token_ids)) r.Add(AllowedTokens{*ids});
  if (const auto& ids = r.Given(&S::suppress_tokens)) r.Add(BannedTokens{*ids});
  if (const auto& words = r.Given(&S::bad_words_ids)) r.Add(BadWords{*words});
  const auto& ends = r.Given(&S::eos_token_id);
  if (const auto& n = r.Given(&S::min_new_tokens)) r.Add(BannedTokens{ends.value_or(facts.end_tokens), *n});
  if (const auto& n = r.Given(&S::no_repeat_ngram_size)) r.Add(NoRepeatNgram{*n, {}});
  if (const auto& n = r.Given(&S::encoder_no_repeat_ngram_size)) r.Add(NoRepeatNgram{*n, {.prompt_only = true}});
  if (const auto& p = r.Given(&S::encoder_repetition_penalty)) r.Add(RepetitionPenalty{*p, {.prompt_only = true}, true});
  r.Add(RepetitionPenalty{r.Get(&S::repetition_penalty, 1.0), scope});
  if (const auto& p = r.Given(&S::presence_penalty)) r.Add(PresencePenalty{*p, scope});
  if (const auto& p = r.Given(&S::frequency_penalty)) r.Add(FrequencyPenalty{*p, scope});
  if (const auto& m = r.Given(&S::dry_multiplier)) {
    r.Add(Dry{*m, r.Get(&S::dry_base, 1.75), r.Get<int64_t>(&S::dry_allowed_length, 2),
              {.last_n = r.Get<int64_t>(&S::dry_penalty_last_n, -1)}, r.Given(&S::dry_sequence_breakers).value_or(std::vector<TokenSequence>{})});
  } else {
    IgnoreWhileDryIsOff(r);
  }

  double t = r.Get(&S::temperature, 1.0);
  if (const auto& sample = r.Given(&S::do_sample); sample && !*sample) {
    t = 0;
    r.Note("do_sample = false means greedy: as temperature 0");
  }
  if (const double range = r.Given(&S::dynatemp_range).value_or(0); range > 0) {
    r.Add(DynamicTemperature{std::max(0.0, t - range), t + range, r.Get(&S::dynatemp_exponent, 1.0)});
  } else {
    r.Add(Temperature{t});
  }
  r.Add(TopK{r.Get<int64_t>(&S::top_k, 0), Ties::kLowerId, min_keep});
  r.Add(TopP{.p = r.Get(&S::top_p, 1.0), .min_keep = min_keep});
  r.Add(MinP{.p = r.Get(&S::min_p, 0.0), .min_keep = min_keep});
  if (const auto& p = r.Given(&S::typical_p)) r.Add(TypicalP{.p = *p, .min_keep = min_keep});
  if (const auto& n = r.Given(&S::top_n_sigma)) r.Add(TopNSigma{*n, min_keep});
  if (const auto& e = r.Given(&S::epsilon_cutoff)) r.Add(EpsilonCutoff{*e, min_keep});
  if (const auto& e = r.Given(&S::eta_cutoff)) r.Add(EtaCutoff{*e, min_keep});
  if (const auto& a = r.Given(&S::top_a)) r.Add(TopA{*a, min_keep});
  if (const auto& h = r.Given(&S::top_h)) r.Add(TopH{.alpha = *h, .min_keep = min_keep});
  if (const auto& z = r.Given(&S::tail_free)) r.Add(TailFree{*z, min_keep});
  if (const auto& p = r.Given(&S::xtc_probability)) r.Add(Xtc{*p, r.Get(&S::xtc_threshold, 0.1), min_keep});
  else r.Ignore(&S::xtc_threshold, kXtcIsOff);
  if (const auto& version = r.Given(&S::mirostat); version && *version > 0) {
    const double tau = r.Get(&S::mirostat_tau, 5.0), eta = r.Get(&S::mirostat_eta, 0.1), mu = r.Given(&S::mirostat_mu).value_or(-1);
    if (*version == 1) r.Add(Mirostat1{.tau = tau, .eta = eta, .mu = mu});
    else r.Add(Mirostat2{.tau = tau, .eta = eta, .mu = mu});
  }
  r.Given(&S::mirostat_tau), r.Given(&S::mirostat_eta), r.Given(&S::mirostat_mu);  // waiting for mirostat
  if (const auto& target = r.Given(&S::adaptive_target); target && *target >= 0) r.Add(AdaptiveP{*target, r.Get(&S::adaptive_decay, 0.9)});
  r.Ignore(&S::samplers, "the order is fixed here; --chain spells out any other");
  return r.Finish("the logitpeek dialect");
}

}  // namespace lp
