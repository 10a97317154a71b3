// llama.cpp: common/sampling.cpp (common_sampler_init), src/llama-sampling.cpp. Ollama's GGUF runner is the same chain with
// other defaults.
#include <algorithm>

#include "base/str_cat.h"
#include "dialect/llama_chain.h"
#include "dialect/resolver.h"

namespace lp {
namespace {

using S = Settings;

// The letters of --sampler-seq and the names of --samplers.
struct SamplerName {
  char letter;
  std::string_view name;
};
constexpr SamplerName kSamplers[] = {{'e', "penalties"}, {'d', "dry"},   {'s', "top_n_sigma"}, {'k', "top_k"}, {'y', "typ_p"},
                                     {'p', "top_p"},     {'m', "min_p"}, {'x', "xtc"},         {'t', "temperature"},
                                       {'a', "adaptive_p"}};
constexpr std::string_view kDefaultOrder = "edskypmxt";

// As letters; what llama.cpp cannot match it skips with a warning, and so do we with a note.
std::string ParseOrder(Resolver& r, const std::string& text) {
  std::string letters;
  const auto skip = [&](const std::string& name) {
    if (name == "i" || name == "infill") r.Note("infill looks at the text of tokens: it is not part of a chain here and was left out");
    else r.Note(StrCat("llama.cpp skips the unknown sampler \"", name, '"'));
  };
  const auto find = [](const auto& same) { return std::find_if(std::begin(kSamplers), std::end(kSamplers), same); };
  if (text.find(';') == std::string::npos &&
      std::none_of(std::begin(kSamplers), std::end(kSamplers), [&](const SamplerName& s) { return s.name == text; })) {
    for (const char c : text) {
      if (find([&](const SamplerName& s) { return s.letter == c; }) != std::end(kSamplers)) letters += c;
      else skip(std::string(1, c));
    }
    return letters;
  }
  std::string rest = text + ";";
  while (!rest.empty()) {
    std::string name = rest.substr(0, rest.find(';'));
    rest.erase(0, name.size() + 1);
    std::replace(name.begin(), name.end(), '-', '_');
    if (name == "typical_p" || name == "typical" || name == "typ") name = "typ_p";
    if (name == "nucleus") name = "top_p";
    if (name == "temp") name = "temperature";
    const auto at = find([&](const SamplerName& s) { return s.name == name; });
    if (at != std::end(kSamplers)) letters += at->letter;
    else if (!name.empty()) skip(name);
  }
  return letters;
}

void AddTemperature(Resolver& r, double t) {
  const double range = r.Given(&S::dynatemp_range).value_or(0);
  if (range > 0 && t + range > 0) {
    r.Add(DynamicTemperature{std::max(0.0, t - range), t + range, r.Get(&S::dynatemp_exponent, 1.0)});
  } else {
    r.Given(&S::dynatemp_exponent);
    r.Add(Temperature{std::max(0.0, t)});  // below 0 is greedy, too
  }
}

// Stages that only a setting brings in are left out while it is not set: nothing to see.
void AddSampler(Resolver& r, char letter, const LlamaDefaults& d, int64_t min_keep) {
  const Scope scope{.last_n = r.Get(&S::repeat_last_n, d.repeat_last_n)};
  switch (letter) {
    case 'e':
      r.Add(RepetitionPenalty{r.Get(&S::repetition_penalty, d.repetition_penalty), scope});
      if (const auto& p = r.Given(&S::frequency_penalty)) r.Add(FrequencyPenalty{*p, scope});
      if (const auto& p = r.Given(&S::presence_penalty)) r.Add(PresencePenalty{*p, scope});
      return;
    case 'd':
      if (const double m = r.Given(&S::dry_multiplier).value_or(0); m != 0) {
        r.Add(Dry{m, r.Get(&S::dry_base, 1.75), r.Get<int64_t>(&S::dry_allowed_length, 2),
                  {.last_n = r.Get<int64_t>(&S::dry_penalty_last_n, d.dry_last_n)},
                  r.Given(&S::dry_sequence_breakers).value_or(std::vector<TokenSequence>{})});
      } else {
        IgnoreWhileDryIsOff(r);
      }
      return;
    case 's':
      if (const auto& n = r.Given(&S::top_n_sigma)) r.Add(TopNSigma{*n});
      return;
    case 'k':
      r.Add(TopK{std::max<int64_t>(0, r.Get(&S::top_k, d.top_k)), Ties::kLowerId});  // it takes no min_keep
      return;
    case 'y':
      if (const auto& p = r.Given(&S::typical_p)) r.Add(TypicalP{std::clamp(*p, 0.0, 1.0), MassRule::kBeforeLessOrEqual, Ties::kLowerId, min_keep});
      return;
    case 'p':
      r.Add(TopP{std::clamp(r.Get(&S::top_p, d.top_p), 0.0, 1.0), MassRule::kBeforeLess, MassArithmetic::kFloat32Descending, min_keep});
      return;
    case 'm':
      // Above 1 nothing but the best token passes, as at 1 without ties.
      r.Add(MinP{std::clamp(r.Get(&S::min_p, d.min_p), 0.0, 1.0), true, min_keep});
      return;
    case 'x':
      if (const auto& p = r.Given(&S::xtc_probability)) r.Add(Xtc{std::clamp(*p, 0.0, 1.0), r.Get(&S::xtc_threshold, 0.1), min_keep});
      else r.Ignore(&S::xtc_threshold, kXtcIsOff);
      return;
    case 't':
      AddTemperature(r, r.Get(&S::temperature, d.temperature));
      return;
    case 'a':  // takes the place of the draw, wherever it stands: AddLlamaChain
      return;
    default:
      LP_CHECK(false);
  }
}

// mirostat takes the place of everything after the biases: temp -> mirostat.
void AddMirostat(Resolver& r, int64_t version, const LlamaDefaults& d) {
  const std::string reason = StrCat("mirostat ", version, " replaces the samplers: only the temperature still acts");
  r.Ignore(&S::repetition_penalty, reason);
  r.Ignore(&S::frequency_penalty, reason);
  r.Ignore(&S::presence_penalty, reason);
  r.Ignore(&S::repeat_last_n, reason);
  r.Ignore(&S::dry_multiplier, reason);
  r.Ignore(&S::top_n_sigma, reason);
  r.Ignore(&S::top_k, reason);
  r.Ignore(&S::typical_p, reason);
  r.Ignore(&S::top_p, reason);
  r.Ignore(&S::min_p, reason);
  r.Ignore(&S::xtc_probability, reason);
  r.Ignore(&S::samplers, reason);
  r.Ignore(&S::dynatemp_range, reason);
  r.Ignore(&S::dynatemp_exponent, reason);
  r.Ignore(&S::adaptive_target, reason);
  r.Ignore(&S::adaptive_decay, reason);
  r.Ignore(&S::min_keep, reason);
  r.Ignore(&S::xtc_threshold, reason);
  IgnoreWhileDryIsOff(r, reason);
  r.Add(Temperature{std::max(0.0, r.Get(&S::temperature, d.temperature))});
  const double tau = r.Get(&S::mirostat_tau, 5.0), eta = r.Get(&S::mirostat_eta, 0.1), mu = r.Given(&S::mirostat_mu).value_or(-1);
  if (version == 1) r.Add(Mirostat1{.tau = tau, .eta = eta, .mu = mu});
  else r.Add(Mirostat2{.tau = tau, .eta = eta, .mu = mu});
}

}  // namespace

Status AddLlamaChain(Resolver& r, const LlamaDefaults& d) {
  r.Draw(DrawRule::kLlamaCpp);
  if (const auto& bias = r.Given(&S::logit_bias)) r.Add(LogitBias{*bias});
  const int64_t version = r.Given(&S::mirostat).value_or(0);
  if (version < 0 || version > 2) return Refuses("mirostat", StrCat("llama.cpp: mirostat is 0, 1 or 2, not ", version));
  if (version > 0) {
    AddMirostat(r, version, d);
    return Ok();
  }
  r.Given(&S::mirostat_tau);
  r.Given(&S::mirostat_eta);
  r.Given(&S::mirostat_mu);
  const int64_t last_n = r.Get(&S::repeat_last_n, d.repeat_last_n);
  if (last_n < -1) return Refuses("repeat_last_n", StrCat("llama.cpp: error: invalid repeat-last-n = ", last_n));
  const int64_t min_keep = r.Given(&S::min_keep).value_or(0);
  const std::string order = ParseOrder(r, r.Given(&S::samplers).value_or(std::string(kDefaultOrder)));
  for (const char letter : order) AddSampler(r, letter, d, min_keep);
  if (order.find('a') == std::string::npos) {
    r.Ignore(&S::adaptive_target, StrCat("adaptive-p acts only where the order names it (samplers = \"", order, "a\")"));
    r.Ignore(&S::adaptive_decay, "adaptive-p is not in the order");
  } else if (const auto& target = r.Given(&S::adaptive_target); target && *target >= 0) {
    r.Add(AdaptiveP{std::min(*target, 1.0), std::clamp(r.Get(&S::adaptive_decay, 0.9), 0.0, 0.99)});
  } else {
    r.Ignore(&S::adaptive_decay, "adaptive_target is not given: adaptive-p is off");
  }
  const size_t sigma = order.find('s'), typical = order.find('y');
  if (r.Has(&S::top_n_sigma) && r.Has(&S::typical_p) && sigma < typical) {
    r.Note("after top_n_sigma llama.cpp's typical_p adds up 0 log 0 of the tokens that were cut and comes to NaN: which tokens it keeps is arbitrary there; here it is the definition");
  }
  // A sampler that is not in the order does not act, whatever its setting.
  const auto missing = [&](char letter, auto member) {
    if (order.find(letter) == std::string::npos) r.Ignore(member, StrCat("its sampler is not in the order \"", order, '"'));
  };
  missing('e', &S::repetition_penalty);
  missing('e', &S::frequency_penalty);
  missing('e', &S::presence_penalty);
  missing('d', &S::dry_multiplier);
  missing('s', &S::top_n_sigma);
  missing('k', &S::top_k);
  missing('y', &S::typical_p);
  missing('p', &S::top_p);
  missing('m', &S::min_p);
  missing('x', &S::xtc_probability);
  missing('t', &S::temperature);
  return Ok();
}

Result<Resolved> ResolveLlamaCpp(const Settings& settings, const ModelFacts& facts) {
  Resolver r(Dialect::kLlamaCpp, settings, facts);
  LP_RETURN_IF_ERROR(AddLlamaChain(r, LlamaDefaults{}));
  if (settings.repeat_last_n == -1) r.Note("repeat_last_n = -1 is taken as the whole context; versions of llama.cpp differ (some clamp it to 0)");
  return r.Finish("llama.cpp");
}

}  // namespace lp
