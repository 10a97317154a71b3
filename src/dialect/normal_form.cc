#include "dialect/normal_form.h"

#include <algorithm>
#include <cmath>

namespace lp {
namespace {

bool Close(double a, double b) { return a == b || std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b)); }

std::vector<double> ScopeNumbers(double value, const Scope& scope) {
  return {value, static_cast<double>(scope.last_n), scope.output_only ? 1.0 : 0.0, scope.prompt_only ? 1.0 : 0.0};
}

// Both subtract; both keep a prefix that does not depend on what else is cut.
bool Commute(const std::string& a, const std::string& b) {
  const auto is = [](const std::string& x, std::string_view p, std::string_view q) { return x == p || x == q; };
  return (is(a, PresencePenalty::kName, FrequencyPenalty::kName) && is(b, PresencePenalty::kName, FrequencyPenalty::kName)) ||
         (is(a, TopK::kName, MinP::kName) && is(b, TopK::kName, MinP::kName));
}

}  // namespace

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
      std::vector<double> numbers;
      for (const StageParam& param : StageParams(stage)) numbers.push_back(param.value);
      add(std::move(numbers), t);
      // Lists are given by their length only; these stages look at more than their numbers.
      form.complete = form.complete && !std::holds_alternative<LogitBias>(stage) && !std::holds_alternative<SequenceBias>(stage) &&
                      !std::holds_alternative<AllowedTokens>(stage) && !std::holds_alternative<BannedTokens>(stage) &&
                      !std::holds_alternative<BadWords>(stage) && !std::holds_alternative<Dry>(stage);
    }
  }
  if (t == 0) {  // greedy: what changes the order of the logits still counts, cuts do not
    std::erase_if(form.items, [](const NormalForm::Item& item) {
      return item.kind == TopK::kName || item.kind == TopP::kName || item.kind == MinP::kName;
    });
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
  if (!a.complete || !b.complete || !Close(a.temperature, b.temperature)) return false;
  return std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(),
                    [](const NormalForm::Item& x, const NormalForm::Item& y) {
                      return x.kind == y.kind && Close(x.temperature, y.temperature) &&
                             std::equal(x.numbers.begin(), x.numbers.end(), y.numbers.begin(), y.numbers.end(), Close);
                    });
}

}  // namespace lp
