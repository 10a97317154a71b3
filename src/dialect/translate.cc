// Three steps. Say the same words in the other dialect, with min_p moved across the temperature by algebra. If the two
// chains then are the same for any logits, that is the answer. If not, fit: the target's top_p so that it keeps what the
// source keeps, and the temperature where the source's logits cannot be had, to the least KL(source || translated).
#include "dialect/translate.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/str_cat.h"
#include "dialect/normal_form.h"
#include "metrics/compare.h"

namespace lp {
namespace {

using S = Settings;

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

bool IsGreedy(const Chain& chain) { return Normalise(chain).temperature == 0; }

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

// The shortest decimal in (low, high].
double ShortestWithin(double low, double high) {
  double scale = 1;
  for (int digits = 1; digits <= 15; ++digits) {
    scale *= 10;
    const double x = std::floor(high * scale) / scale;
    if (x > low && x <= high) {
      const double middle = std::round((low + high) / 2 * scale) / scale;  // as short, and further from both ends
      return middle > low && middle < high ? middle : x;
    }
  }
  return high;
}

class Fit {
 public:
  Fit(const Trace& source, Dialect to, std::span<const float> logits, const Step& step, const ModelFacts& facts)
      : source_(source), to_(to), logits_(logits), step_(step), facts_(facts) {}

  struct Candidate {
    Settings settings;
    Comparison comparison;
  };

  Result<Candidate> Try(const Settings& settings) const {
    LP_ASSIGN_OR_RETURN(const Resolved resolved, Resolve(to_, settings, facts_));
    LP_ASSIGN_OR_RETURN(const Trace trace, Trace::Run(logits_, step_, resolved.chain));
    return Candidate{settings, Compare(source_, trace)};
  }

  // With top_p chosen so that the target keeps the shortest prefix of its own order that holds all the source keeps;
  // unchanged where that cannot be done.
  Result<Candidate> WithNucleus(Settings settings) const {
    settings.top_p = 1.0;
    LP_ASSIGN_OR_RETURN(const Resolved resolved, Resolve(to_, settings, facts_));
    LP_ASSIGN_OR_RETURN(const Trace open, Trace::Run(logits_, step_, resolved.chain));
    size_t at = 0;
    while (at < resolved.chain.stages.size() && !std::holds_alternative<TopP>(resolved.chain.stages[at])) ++at;
    if (at == resolved.chain.stages.size()) return Try(settings);
    const State& before = open.Before(at);
    const size_t n = RankOfLast(before);
    if (n == 0 || n >= before.n()) return Try(settings);
    const auto mass = [&](size_t k) {
      return k == 0 ? 0.0 : std::exp(before.KeepTop(k).sums().LogSumExp() - before.sums().LogSumExp());
    };
    settings.top_p = ShortestWithin(mass(n - 1), std::min(mass(n), 1.0));
    return Try(settings);
  }

  // The temperature of least divergence, each with its own nucleus.
  Result<Candidate> WithTemperature(Settings settings) const {
    const double start = settings.temperature.value_or(1);
    LP_ASSIGN_OR_RETURN(Candidate best, WithNucleus(settings));
    if (!(start > 0)) return best;
    const auto at = [&](double log_t) {
      Settings tried = settings;
      tried.temperature = std::exp(log_t);
      return WithNucleus(tried);
    };
    // Golden section between half and twice the source's temperature; divergence has one minimum in T there.
    constexpr double kGolden = 0.6180339887498949;
    double low = std::log(start / 2), high = std::log(std::min(start * 2, 2.0));
    for (int i = 0; i < 24 && high > low; ++i) {
      const double a = high - kGolden * (high - low), b = low + kGolden * (high - low);
      LP_ASSIGN_OR_RETURN(const Candidate first, at(a));
      LP_ASSIGN_OR_RETURN(const Candidate second, at(b));
      if (Worse(best, first)) best = first;
      if (Worse(best, second)) best = second;
      (Worse(second, first) ? high : low) = Worse(second, first) ? b : a;
    }
    return best;
  }

  // By KL(source || translated); where both are infinite, by total variation.
  static bool Worse(const Candidate& a, const Candidate& b) {
    if (a.comparison.kl_a_b != b.comparison.kl_a_b) return a.comparison.kl_a_b > b.comparison.kl_a_b;
    return a.comparison.total_variation > b.comparison.total_variation;
  }

 private:
  // How far down `order` the source's kept tokens reach; 0 where one of them is not there.
  size_t RankOfLast(const State& order) const {
    const State& kept = source_.final();
    lp::Candidate last{-1, std::numeric_limits<float>::infinity()};
    const auto see = [&](TokenId id) {
      const lp::Candidate c{id, order.Value(id)};
      if (last.id < 0 || RanksBefore(last, c)) last = c;
    };
    if (kept.narrow()) {
      for (const lp::Candidate& c : kept.list()) see(c.id);
    } else {
      for (size_t i = 0; i < kept.n_vocab(); ++i) {
        if (kept.values()[i] > kMasked) see(static_cast<TokenId>(i));
      }
    }
    if (last.value == kMasked) return 0;
    if (order.narrow()) {
      const auto list = order.list();
      return static_cast<size_t>(std::lower_bound(list.begin(), list.end(), last, RanksBefore) - list.begin()) + 1;
    }
    return RanksOf(order.values(), std::span(&last.id, 1))[0];
  }

  const Trace& source_;
  Dialect to_;
  std::span<const float> logits_;
  Step step_;
  ModelFacts facts_;
};

Translation Answer(const Fit::Candidate& candidate, bool exact, std::string how, std::vector<std::string> notes) {
  const Comparison& c = candidate.comparison;
  return {candidate.settings, exact, std::move(how), c.kl_a_b, c.kl_b_a, c.total_variation, std::move(notes)};
}

}  // namespace

Result<Translation> Translate(const DialectSettings& from, Dialect to, std::span<const float> logits, const Step& step,
                              const ModelFacts& facts) {
  LP_ASSIGN_OR_RETURN(const Resolved source, Resolve(from, facts));
  LP_ASSIGN_OR_RETURN(const Trace trace, Trace::Run(logits, step, source.chain));
  std::vector<std::string> notes;

  // The same words. What an engine fills in by itself must be said out loud in another.
  Settings s = from.chain.empty() ? source.effective : SettingsOf(source.chain, notes);
  s.samplers.reset();
  s.do_sample.reset();
  DropNeutral(s);
  if (!s.temperature) s.temperature = 1.0;
  if (!s.top_k) s.top_k = 0;
  if (!s.top_p) s.top_p = 1.0;
  if (!s.min_p) s.min_p = 0.0;
  if (IsGreedy(source.chain)) {
    s.temperature = 0.0;
    s.top_k = 0, s.top_p = 1.0, s.min_p = 0.0;
    if (to == Dialect::kTransformers) s.temperature.reset(), s.do_sample = false;
  } else if (to == Dialect::kTransformers) {
    s.do_sample = true;
  }
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
  // What the target ignores is no part of the answer.
  for (const Ignored& ignored : target.ignored) {
    const bool off = (ignored.setting == "top_k" && s.top_k == 0) || (ignored.setting == "top_p" && s.top_p == 1.0) ||
                     (ignored.setting == "min_p" && s.min_p == 0.0);
    if (!off) notes.push_back(StrCat(ignored.setting, " is ignored there: ", ignored.reason));
    if (ignored.setting == "min_p") how = kSameWords;
    const SettingSpec* spec = FindSetting(ignored.setting);
    std::visit([&](const auto member) { (s.*member).reset(); }, spec->member);
  }

  const Fit fit(trace, to, logits, step, facts);
  LP_ASSIGN_OR_RETURN(Fit::Candidate best, fit.Try(s));
  if (Equivalent(Normalise(source.chain), Normalise(target.chain))) return Answer(best, true, std::move(how), std::move(notes));
  if (!(best.comparison.total_variation > 1e-9)) {
    return Answer(best, false, StrCat(how, "; the same distribution on these logits, not on all"), std::move(notes));
  }
  LP_ASSIGN_OR_RETURN(Fit::Candidate fitted, fit.WithNucleus(s));
  std::string fitted_how = StrCat("top_p = ", fitted.settings.top_p.value_or(1), " keeps what the source keeps of these logits");
  if (fitted.comparison.total_variation > 1e-6) {
    LP_ASSIGN_OR_RETURN(Fit::Candidate tempered, fit.WithTemperature(s));
    if (Fit::Worse(fitted, tempered)) {
      fitted = std::move(tempered);
      fitted_how = StrCat("temperature = ", fitted.settings.temperature.value_or(1), " and top_p = ", fitted.settings.top_p.value_or(1));
    }
  }
  if (!Fit::Worse(best, fitted)) return Answer(best, false, "the same words; no other setting comes closer on these logits", std::move(notes));
  const bool same = fitted.comparison.total_variation <= 1e-9;
  return Answer(fitted, false,
                StrCat(fitted_how, same ? "; the same distribution here, found on these logits" : "; the minimiser of KL(source || translated) on these logits"),
                std::move(notes));
}

}  // namespace lp
