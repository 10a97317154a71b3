// Laws of translation, over random settings from every dialect to every other.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "dialect/translate.h"
#include "metrics/compare.h"

namespace lp {
namespace {

class Random {
 public:
  explicit Random(uint32_t seed) : bits_(seed) {}
  double Uniform() { return static_cast<double>(bits_()) / 4294967296.0; }  // [0, 1)
  bool Chance(double p) { return Uniform() < p; }
  template <class T>
  T OneOf(std::initializer_list<T> values) { return values.begin()[static_cast<size_t>(Uniform() * static_cast<double>(values.size()))]; }

  std::vector<float> Logits(size_t n) {  // no ties
    const double scale = OneOf({1.0, 3.0, 6.0});
    std::vector<float> x;
    for (size_t i = 0; i < n; ++i) x.push_back(static_cast<float>(scale * std::sqrt(-2 * std::log(1 - Uniform())) * std::cos(6.283185307 * Uniform())));
    return x;
  }
  Settings AnySettings() {
    Settings s;
    if (Chance(0.8)) s.temperature = OneOf({0.0, 0.005, 0.3, 0.7, 1.0, 1.5, 2.0, 3.0, -1.0});
    if (Chance(0.6)) s.top_k = OneOf<int64_t>({0, 1, 3, 10, 40});
    if (Chance(0.6)) s.top_p = OneOf({0.0, 0.3, 0.8, 0.95, 1.0});
    if (Chance(0.6)) s.min_p = OneOf({0.0, 0.02, 0.1, 1.0, 2.0});
    if (Chance(0.3)) s.repetition_penalty = OneOf({1.0, 1.1, 1.5});
    if (Chance(0.2)) s.presence_penalty = OneOf({0.0, 0.5, -1.0, 3.0});
    if (Chance(0.2)) s.frequency_penalty = OneOf({0.0, 0.3});
    if (Chance(0.2)) s.repeat_last_n = OneOf<int64_t>({-1, 0, 4, 64});
    if (Chance(0.1)) s.typical_p = OneOf({0.5, 0.9});
    if (Chance(0.1)) s.top_n_sigma = OneOf({1.0, 2.0});
    if (Chance(0.1)) s.logit_bias = {{TokenId{3}, OneOf({2.5f, 150.0f})}};
    if (Chance(0.1)) s.suppress_tokens = {TokenId{0}};
    if (Chance(0.1)) s.no_repeat_ngram_size = 2;
    if (Chance(0.1)) s.epsilon_cutoff = 0.01;
    if (Chance(0.1)) s.dry_multiplier = 0.8;
    if (Chance(0.05)) s.mirostat = 2;
    if (Chance(0.1)) s.samplers = OneOf({"t", "tkpm", "ktp", "pkyt", "mtkpa"});
    if (Chance(0.05)) s.adaptive_target = 0.3;
    if (Chance(0.05)) s.xtc_probability = 1.0;
    if (Chance(0.05)) s.dynatemp_range = 0.4;
    if (Chance(0.05)) s.do_sample = false;
    return s;
  }

 private:
  std::mt19937 bits_;
};

std::string Text(const Settings& settings) {
  std::string text;
  for (const SettingSpec& spec : AllSettings()) {
    if (IsSet(settings, spec)) text += " " + std::string(spec.name) + "=" + SettingText(settings, spec);
  }
  return text;
}

// By total variation what the two are apart on these logits.
double Apart(const Resolved& a, const Resolved& b, const std::vector<float>& logits, const Step& step) {
  const auto first = Trace::Run(logits, step, a.chain), second = Trace::Run(logits, step, b.chain);
  if (first.ok() != second.ok()) return 1;
  return first.ok() ? Compare(*first, *second).total_variation : 0;
}

// Exact ones are the same on any logits without ties; no answer sets what its dialect ignores; none is farther than the settings as they were
// written. Mutation: the power of min_p upside down -> red; cuts dropped before typical_p at temperature 0 -> red.
TEST(TranslateLaws, AnySettingsToAnyDialect) {
  Random r(7);
  const std::vector<TokenId> history = {1, 5, 1, 7, 5, 1};
  size_t n_exact = 0, n_same = 0, n_fitted = 0;
  for (int i = 0; i < 4000; ++i) {
    const DialectSettings from{kAllDialects[static_cast<size_t>(r.Uniform() * 7)], r.AnySettings(), ""};
    const Dialect to = kAllDialects[static_cast<size_t>(r.Uniform() * 7)];
    const auto source = Resolve(from, {});
    if (!source.ok()) continue;
    const Step step{history, 4, 6};
    const std::vector<float> logits = r.Logits(60);
    const std::string what = std::string(DialectName(from.dialect)) + Text(from.settings) + " -> " + std::string(DialectName(to));
    const auto t = Translate(from, to, logits, step, {});
    if (!t.ok() && !Trace::Run(logits, step, source->chain).ok()) continue;  // nothing to translate: a ban of every token
    ASSERT_TRUE(t.ok()) << what << ": " << t.error().ToString();
    const std::string answer = what + ":" + Text(t->settings) + " (" + t->how + ")";
    const auto target = Resolve(to, t->settings, {});
    ASSERT_TRUE(target.ok()) << answer;
    for (const Ignored& ignored : target->ignored) ADD_FAILURE() << answer << " ignores " << ignored.setting;
    EXPECT_NEAR(Apart(*source, *target, logits, step), t->total_variation, 1e-9) << answer;
    if (t->exact) {
      ++n_exact;
      EXPECT_LT(t->total_variation, 1e-6) << answer;
      for (int k = 0; k < 5; ++k) EXPECT_LT(Apart(*source, *target, r.Logits(200), step), 2e-6) << answer << " on other logits";
    } else if (t->total_variation < 1e-9) {
      ++n_same;
    } else {
      ++n_fitted;
    }
    if (const auto naive = Resolve(to, from.settings, {}); naive.ok() && std::isfinite(t->kl_forward)) {
      const auto a = Trace::Run(logits, step, source->chain), b = Trace::Run(logits, step, naive->chain);
      if (b.ok()) {
        EXPECT_GE(Compare(*a, *b).kl_a_b, t->kl_forward - 1e-6) << answer << " is farther than the settings as they were written";
      }
    }
    if (from.dialect == to) {
      EXPECT_LT(t->total_variation, 1e-6) << answer;
      EXPECT_TRUE(t->exact) << answer;
    }
  }
  // Of seed 7: 1,959 exact, 1,073 the same on these logits, 256 fitted.
  EXPECT_GT(n_exact, 1800u);
  EXPECT_GT(n_same, 500u);
  EXPECT_GT(n_fitted, 100u);
}

}  // namespace
}  // namespace lp
