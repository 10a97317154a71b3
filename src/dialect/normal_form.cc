#include "dialect/normal_form.h"

#include <algorithm>
#include <cmath>

namespace lp {
namespace {

bool Close(double a, double b) { return a == b || std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b)); }

std::vector<double> ScopeNumbers(double value, const Scope& scope) {
  return {value, static_cast<double>(scope.last_n), scope.output_only ? 1.0 : 0.0, scope.prompt_only ? 1.0 : 0.0};
}

void Append(std::vector<double>& numbers, const std::vector<TokenId>& ids) {
  numbers.push_back(static_cast<double>(ids.size()));
  numbers.insert(numbers.end(), ids.begin(), ids.end());
}

// What StageParams gives by its length only.
std::vector<double> ListsOf(const Stage& stage) {
  std::vector<double> numbers;
  const auto biases = [&](const auto& bias) {
    for (const auto& [tokens, b] : bias) {
      if constexpr (std::is_same_v<std::decay_t<decltype(tokens)>, TokenId>) numbers.push_back(tokens);
      else Append(numbers, tokens);
      numbers.push_back(static_cast<double>(b));
    }
  };
  if (const auto* a = std::get_if<LogitBias>(&stage)) biases(a->bias);
  else if (const auto* b = std::get_if<SequenceBias>(&stage)) biases(b->bias);
  else if (const auto* c = std::get_if<AllowedTokens>(&stage)) Append(numbers, c->ids);
  else if (const auto* d = std::get_if<BannedTokens>(&stage)) Append(numbers, d->ids);
  else if (const auto* e = std::get_if<BadWords>(&stage)) for (const auto& word : e->words) Append(numbers, word);
  else if (const auto* f = std::get_if<Dry>(&stage)) for (const auto& breaker : f->breakers) Append(numbers, breaker);
  return numbers;
}

bool IsBan(std::string_view kind) {
  return kind == AllowedTokens::kName || kind == BannedTokens::kName || kind == BadWords::kName || kind == NoRepeatNgram::kName;
}

bool Adds(std::string_view kind) {
  return kind == LogitBias::kName || kind == SequenceBias::kName || kind == PresencePenalty::kName || kind == FrequencyPenalty::kName || kind == Dry::kName;
}

// Sums commute; a ban commutes with whatever changes single logits; top-k and min-p keep a prefix that does not depend on what
// else is cut.
bool Commute(std::string_view a, std::string_view b) {
  const auto edits = [](std::string_view kind) { return IsBan(kind) || Adds(kind) || kind == RepetitionPenalty::kName; };
  const auto prefix = [](std::string_view kind) { return kind == TopK::kName || kind == MinP::kName; };
  return (Adds(a) && Adds(b)) || (IsBan(a) && edits(b)) || (edits(a) && IsBan(b)) || (prefix(a) && prefix(b));
}

// The best token and no other, but for ties: as greedy. A vocabulary of a million has a token of 1e-6.
bool KeepsOne(const Stage& stage) {
  if (const auto* k = std::get_if<TopK>(&stage)) return std::max(k->k, k->min_keep) <= 1;
  if (const auto* p = std::get_if<TopP>(&stage)) return p->p <= 1e-6 && p->min_keep <= 1;
  if (const auto* m = std::get_if<MinP>(&stage)) return m->p >= 1 && m->min_keep <= 1;
  return false;
}

}  // namespace

bool KeepsTheBest(const std::string& kind) {
  for (const std::string_view cut : {TopK::kName, TopP::kName, MinP::kName, TopNSigma::kName, EpsilonCutoff::kName, EtaCutoff::kName, TopA::kName,
                                     TopH::kName, TailFree::kName}) {
    if (kind == cut) return true;
  }
  return false;
}

NormalForm Normalise(const Chain& chain) {
  NormalForm form;
  double& t = form.temperature;
  for (const Stage& stage : chain.stages) {
    if (IsOff(stage)) continue;
    const std::string kind(StageName(stage));
    const auto add = [&](std::vector<double> numbers, double at) { form.items.push_back({kind, std::move(numbers), at}); };
    if (const auto* s = std::get_if<Temperature>(&stage)) {
      t *= std::max(0.0, s->temperature);
      if (t == 0) break;  // one token is left: nothing after it can matter
    } else if (std::holds_alternative<Greedy>(stage)) {
      t = 0;
      break;
    } else if (KeepsOne(stage)) {
      t = 0;
      break;
    } else if (const auto* k = std::get_if<TopK>(&stage)) {
      add({static_cast<double>(std::max(k->k, k->min_keep))}, 1);
    } else if (const auto* m = std::get_if<MinP>(&stage)) {
      add({-std::log(m->p) * t, static_cast<double>(std::max<int64_t>(m->min_keep, 1))}, 1);
    } else if (const auto* p = std::get_if<TopP>(&stage)) {
      add({p->p, static_cast<double>(std::max<int64_t>(p->min_keep, 1))}, t);
    } else if (const auto* r = std::get_if<RepetitionPenalty>(&stage)) {
      add(ScopeNumbers(r->reward ? 1 / r->penalty : r->penalty, r->scope), t);
    } else if (const auto* q = std::get_if<PresencePenalty>(&stage)) {
      add(ScopeNumbers(q->penalty, q->scope), t);
    } else if (const auto* f = std::get_if<FrequencyPenalty>(&stage)) {
      add(ScopeNumbers(f->penalty, f->scope), t);
    } else {
      std::vector<double> numbers = ListsOf(stage);
      for (const StageParam& param : StageParams(stage)) numbers.push_back(param.value);
      add(std::move(numbers), t);
    }
  }
  if (t == 0) {  // greedy: a cut that keeps the best token matters only to what comes after it
    while (!form.items.empty() && KeepsTheBest(form.items.back().kind)) form.items.pop_back();
  }
  for (bool swapped = true; swapped;) {
    swapped = false;
    for (size_t i = 0; i + 1 < form.items.size(); ++i) {
      NormalForm::Item &a = form.items[i], &b = form.items[i + 1];
      if (!Commute(a.kind, b.kind) || a.kind <= b.kind) continue;
      std::swap(a, b);
      swapped = true;
    }
  }
  return form;
}

bool Equivalent(const NormalForm& a, const NormalForm& b) {
  if (!Close(a.temperature, b.temperature)) return false;
  return std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(),
                    [](const NormalForm::Item& x, const NormalForm::Item& y) {
                      return x.kind == y.kind && Close(x.temperature, y.temperature) &&
                             std::equal(x.numbers.begin(), x.numbers.end(), y.numbers.begin(), y.numbers.end(), Close);
                    });
}

}  // namespace lp
