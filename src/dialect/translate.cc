// Three steps. Say the same words in the other dialect, with min_p moved across the temperature by algebra, or in llama.cpp
// with the order of its samplers. If the two chains then are the same for any logits, that is the answer. If not, fit: the
// target's top_p so that it keeps what the source keeps, and the temperature where the source's logits cannot be had, to the
// least KL(source || translated).
#include "dialect/translate.h"

#include <algorithm>
#include <cmath>

#include "base/str_cat.h"
#include "dialect/fit.h"
#include "dialect/normal_form.h"

namespace lp {
namespace {

using S = Settings;

// A nucleus of this mass holds one token, whatever the vocabulary.
constexpr double kKeepsOne = 1e-6;

// Where in a chain the temperature has acted when min-p looks.
double TemperatureAtMinP(const Chain& chain) {
  double t = 1;
  for (const Stage& stage : chain.stages) {
    if (const auto* s = std::get_if<Temperature>(&stage); s != nullptr && s->temperature > 0) t *= s->temperature;
    if (std::holds_alternative<MinP>(stage)) return t;
  }
  return t;
}

// Takes out what says nothing: settings at which every dialect does nothing.
void DropNeutral(Settings& s) {
  if (s.repetition_penalty == 1.0) s.repetition_penalty.reset();
  if (s.presence_penalty == 0.0) s.presence_penalty.reset();
  if (s.frequency_penalty == 0.0) s.frequency_penalty.reset();
  if (s.typical_p == 1.0) s.typical_p.reset();
  if (!s.repetition_penalty && !s.presence_penalty && !s.frequency_penalty) s.repeat_last_n.reset();
}

// The best token, whatever the cuts: none of them stands before something that could remove it.
bool IsGreedy(const Chain& chain) {
  const bool cold = std::any_of(chain.stages.begin(), chain.stages.end(), [](const Stage& stage) {
    const auto* t = std::get_if<Temperature>(&stage);
    return std::holds_alternative<Greedy>(stage) || (t != nullptr && t->temperature <= 0);
  });
  if (!cold) return false;  // one token may be left all the same: its settings have words of their own
  const NormalForm form = Normalise(chain);
  return form.temperature == 0 && std::none_of(form.items.begin(), form.items.end(), [](const NormalForm::Item& item) {
           return item.kind == TypicalP::kName || item.kind == Xtc::kName || KeepsTheBest(item.kind);
         });
}

// A chain's stages as settings, as far as settings have words for them.
Settings SettingsOf(const Chain& chain, std::vector<std::string>& notes) {
  Settings s;
  for (const Stage& stage : chain.stages) {
    if (const auto* x = std::get_if<Temperature>(&stage)) s.temperature = s.temperature.value_or(1) * x->temperature;
    else if (const auto* k = std::get_if<TopK>(&stage)) s.top_k = k->k;
    else if (const auto* p = std::get_if<TopP>(&stage)) s.top_p = p->p;
    else if (const auto* m = std::get_if<MinP>(&stage)) s.min_p = m->p;
    else if (const auto* y = std::get_if<TypicalP>(&stage)) s.typical_p = y->p;
    else if (const auto* n = std::get_if<TopNSigma>(&stage)) s.top_n_sigma = n->n;
    else if (const auto* r = std::get_if<RepetitionPenalty>(&stage)) s.repetition_penalty = r->penalty, s.repeat_last_n = r->scope.last_n;
    else if (const auto* q = std::get_if<PresencePenalty>(&stage)) s.presence_penalty = q->penalty;
    else if (const auto* f = std::get_if<FrequencyPenalty>(&stage)) s.frequency_penalty = f->penalty;
    else if (std::holds_alternative<Greedy>(stage)) s.temperature = 0;
    else if (!IsOff(stage)) notes.push_back(StrCat("the stage ", StageName(stage), " of the chain has no setting"));
  }
  return s;
}

Translation Answer(const Fit::Candidate& candidate, bool exact, std::string how, std::vector<std::string> notes) {
  const Comparison& c = candidate.comparison;
  return {candidate.settings, exact, std::move(how), c.kl_a_b, c.kl_b_a, c.total_variation, std::move(notes)};
}

// What was in force, where that differs from what was said: a top_p of 0 that keeps one token here and switches top-p off
// there, a temperature that was raised.
void TakeFromChain(Settings& s, const Chain& chain) {
  std::vector<std::string> unsaid;
  const Settings meant = SettingsOf(chain, unsaid);
  if (meant.temperature && s.temperature) s.temperature = meant.temperature;
  if (meant.top_k && s.top_k) s.top_k = meant.top_k;
  if (meant.top_p && s.top_p) s.top_p = std::max(*meant.top_p, kKeepsOne);
  if (meant.min_p && s.min_p) s.min_p = meant.min_p;
  if (meant.typical_p && s.typical_p) s.typical_p = std::max(*meant.typical_p, kKeepsOne);
  for (const Stage& stage : chain.stages) {
    if (const auto* bias = std::get_if<LogitBias>(&stage); bias != nullptr && s.logit_bias) s.logit_bias = bias->bias;
  }
}

// To the nearest that the target takes.
void Clamp(Settings& s, Dialect to, std::vector<std::string>& notes) {
  if (to != Dialect::kVllm && to != Dialect::kOpenAi) return;
  const auto clamp = [&](std::optional<double> Settings::*member, std::string_view name, double low, double high) {
    if (!(s.*member) || (*(s.*member) >= low && *(s.*member) <= high)) return;
    s.*member = std::clamp(*(s.*member), low, high);
    notes.push_back(StrCat(DialectName(to), " takes ", name, " from ", low, " to ", high, " only"));
  };
  const bool raised = to == Dialect::kVllm && s.temperature && *s.temperature > 0 && *s.temperature < 0.01;  // it would do so itself
  clamp(&S::temperature, "temperature", raised ? 0.01 : 0, 2);
  clamp(&S::presence_penalty, "presence_penalty", -2, 2);
  clamp(&S::frequency_penalty, "frequency_penalty", -2, 2);
  if (to != Dialect::kOpenAi || !s.logit_bias) return;
  bool clamped = false;
  for (auto& [id, bias] : *s.logit_bias) {
    clamped = clamped || !(bias >= -100 && bias <= 100);
    bias = std::clamp(bias, -100.0f, 100.0f);
  }
  if (clamped) notes.push_back("openai takes logit_bias from -100 to 100 only");
}

// llama.cpp's letters for a chain's order; empty where it has no letter for a stage, or one stage stands in two places.
std::string LlamaOrder(const Chain& chain) {
  std::string order;
  for (const Stage& stage : chain.stages) {
    if (IsOff(stage) || std::holds_alternative<LogitBias>(stage)) continue;
    const std::string_view kind = StageName(stage);
    const char letter = kind == RepetitionPenalty::kName || kind == FrequencyPenalty::kName || kind == PresencePenalty::kName ? 'e'
                        : kind == Dry::kName                                                                                  ? 'd'
                        : kind == TopNSigma::kName                                                                            ? 's'
                        : kind == TopK::kName                                                                                 ? 'k'
                        : kind == TypicalP::kName                                                                             ? 'y'
                        : kind == TopP::kName                                                                                 ? 'p'
                        : kind == MinP::kName                                                                                 ? 'm'
                        : kind == Xtc::kName                                                                                  ? 'x'
                        : kind == Temperature::kName || kind == DynamicTemperature::kName                                     ? 't'
                        : kind == AdaptiveP::kName                                                                            ? 'a'
                                                                                                                              : '?';
    if (letter == '?') return "";
    if (!order.empty() && order.back() == letter) continue;
    if (order.find(letter) != std::string::npos) return "";
    order += letter;
  }
  return order;
}

// Takes out what the target ignores: no part of the answer.
void DropIgnored(Settings& s, const Resolved& target, std::vector<std::string>& notes) {
  for (const Ignored& ignored : target.ignored) {
    const bool off = (ignored.setting == "top_k" && s.top_k == 0) || (ignored.setting == "top_p" && s.top_p == 1.0) ||
                     (ignored.setting == "min_p" && s.min_p == 0.0) || (ignored.setting == "temperature" && s.temperature == 1.0);
    if (!off) notes.push_back(StrCat(ignored.setting, " is ignored there: ", ignored.reason));
    const SettingSpec* spec = FindSetting(ignored.setting);
    std::visit([&](const auto member) { (s.*member).reset(); }, spec->member);
  }
}

// What a chain comes to, all said out loud: what an engine fills in by itself must be said in another.
Settings Words(const DialectSettings& from, const Resolved& source, std::vector<std::string>& notes) {
  Settings s = from.chain.empty() ? source.effective : SettingsOf(source.chain, notes);
  TakeFromChain(s, source.chain);
  s.samplers.reset();
  s.do_sample.reset();
  DropNeutral(s);
  if (!s.temperature) s.temperature = 1.0;
  if (!s.top_k) s.top_k = 0;
  if (!s.top_p) s.top_p = 1.0;
  if (!s.min_p) s.min_p = 0.0;
  return s;
}

// The same stages in the same order, which llama.cpp alone can be told.
Result<std::optional<Settings>> InLlamaOrder(Settings s, const Resolved& source, const ModelFacts& facts) {
  s.samplers = LlamaOrder(source.chain);
  if (s.samplers->empty()) return std::optional<Settings>();
  LP_ASSIGN_OR_RETURN(const Resolved target, Resolve(Dialect::kLlamaCpp, s, facts));
  std::vector<std::string> notes;
  DropIgnored(s, target, notes);
  if (!notes.empty() || !Equivalent(Normalise(source.chain), Normalise(target.chain))) return std::optional<Settings>();
  return std::optional(std::move(s));
}

}  // namespace

Result<Translation> Translate(const DialectSettings& from, Dialect to, std::span<const float> logits, const Step& step,
                              const ModelFacts& facts) {
  LP_ASSIGN_OR_RETURN(const Resolved source, Resolve(from, facts));
  LP_ASSIGN_OR_RETURN(const Trace trace, Trace::Run(logits, step, source.chain));
  const Fit fit(trace, to, logits, step, facts);
  std::vector<std::string> notes;

  const Settings words = Words(from, source, notes);
  Settings s = words;
  if (s.adaptive_target && to == Dialect::kLlamaCpp) s.samplers = "edskypmxta";
  if (IsGreedy(source.chain)) {
    s.temperature = 0.0;
    s.top_k = 0, s.top_p = 1.0, s.min_p = 0.0;
  }
  if (to == Dialect::kTransformers) {
    s.do_sample = *s.temperature > 0;
    if (!*s.do_sample) s.temperature.reset();
  }
  Clamp(s, to, notes);
  LP_ASSIGN_OR_RETURN(Resolved target, Resolve(to, s, facts));
  constexpr const char* kSameWords = "the same chain in the other dialect's words";
  std::string how = kSameWords;
  if (*s.min_p > 0) {
    // p is a ratio of probabilities, exp(-gap / T) for a gap of logits: p' = p^(T / T').
    const double power = TemperatureAtMinP(source.chain) / TemperatureAtMinP(target.chain);
    if (power != 1) {
      s.min_p = std::pow(*s.min_p, power);
      how = StrCat("min_p' = min_p^", power, ": the same gap of logits, seen at another temperature");
    }
    LP_ASSIGN_OR_RETURN(target, Resolve(to, s, facts));
  }
  DropIgnored(s, target, notes);
  if (!s.min_p) how = kSameWords;

  LP_ASSIGN_OR_RETURN(Fit::Candidate best, fit.Try(s));
  if (Equivalent(Normalise(source.chain), Normalise(target.chain))) return Answer(best, true, std::move(how), std::move(notes));
  if (to == Dialect::kLlamaCpp) {
    LP_ASSIGN_OR_RETURN(const std::optional<Settings> ordered, InLlamaOrder(words, source, facts));
    if (ordered) {
      LP_ASSIGN_OR_RETURN(const Fit::Candidate candidate, fit.Try(*ordered));
      return Answer(candidate, true, StrCat("samplers = ", *ordered->samplers, ": the same stages in the same order"), {});
    }
  }
  if (!(best.comparison.total_variation > 1e-9)) {
    return Answer(best, false, StrCat(how, "; the same distribution on these logits, not on all"), std::move(notes));
  }
  LP_ASSIGN_OR_RETURN(Fit::Candidate fitted, fit.WithNucleus(s));
  std::string fitted_how = StrCat("top_p = ", fitted.settings.top_p.value_or(1), " keeps what the source keeps of these logits");
  if (fitted.comparison.total_variation > 1e-6) {
    LP_ASSIGN_OR_RETURN(Fit::Candidate tempered, fit.WithTemperature(s));
    if (Fit::Worse(fitted, tempered)) {
      fitted = std::move(tempered);
      fitted_how = StrCat("temperature = ", fitted.settings.temperature.value_or(1));
      if (fitted.settings.top_p) fitted_how += StrCat(" and top_p = ", *fitted.settings.top_p);
    }
  }
  if (!Fit::Worse(best, fitted)) {
    fitted = std::move(best);
    fitted_how = "the same words; no other setting comes closer on these logits";
  } else if (fitted.comparison.total_variation <= 1e-9) {
    fitted_how += "; the same distribution here, found on these logits";
  } else {
    fitted_how += std::isinf(fitted.comparison.kl_a_b) ? "; the least total variation found on these logits" : "; the minimiser of KL(source || translated) on these logits";
  }
  if (std::isinf(fitted.comparison.kl_a_b)) notes.push_back("KL(source || translated) is infinite: the source keeps tokens that the target's chain cannot keep");
  return Answer(fitted, false, std::move(fitted_how), std::move(notes));
}

}  // namespace lp
