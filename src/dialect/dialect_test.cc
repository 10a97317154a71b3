// Dialects: the worked figures of docs/dialects.md (numbered there), defaults, refusals, what is ignored.
#include "dialect/dialect.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>

#include "metrics/compare.h"
#include "metrics/metrics.h"
#include "sampling/trace.h"

namespace lp {
namespace {

std::vector<float> LogOf(const std::vector<double>& p) {
  std::vector<float> x;
  for (const double v : p) x.push_back(static_cast<float>(std::log(v)));
  return x;
}

Resolved Said(const std::string& text, const ModelFacts& facts = {}) {
  const auto wanted = ParseDialectSettings(text);
  LP_CHECK(wanted.ok());
  auto resolved = Resolve(*wanted, facts);
  LP_CHECK(resolved.ok());
  return std::move(resolved).value();
}

Trace RunIn(const std::string& settings, const std::vector<float>& logits, const Step& step = {}) {
  auto trace = Trace::Run(logits, step, Said(settings).chain);
  LP_CHECK(trace.ok());
  return std::move(trace).value();
}
size_t Kept(const std::string& settings, const std::vector<float>& logits) { return RunIn(settings, logits).n_kept(); }
double Top(const std::string& settings, const std::vector<float>& logits) { return RunIn(settings, logits).Row(1).prob; }

const std::string kNoCuts = ",top_k=0,top_p=1,min_p=0";

// 2. The order of temperature and top-p.
TEST(WorkedFacts, OrderOfTemperatureAndTopP) {
  const std::vector<float> x = {3, 2, 1};
  EXPECT_EQ(Kept("dialect=llama.cpp,temp=0.5,top_p=0.8,min_p=0,top_k=0", x), 2u);
  EXPECT_EQ(Kept("dialect=transformers,temperature=0.5,top_p=0.8,top_k=0", x), 1u);
  EXPECT_EQ(Kept("dialect=vllm,temperature=0.5,top_p=0.8", x), 1u);
  EXPECT_EQ(Kept("dialect=logitpeek,temperature=0.5,top_p=0.8", x), 1u);
}

// 3. top_p = 0.9 and min_p = 0.1 over temperatures: kept sets, the leader's probability, total variation.
TEST(WorkedFacts, TopPAndMinPOverTemperatures) {
  const std::vector<float> x = {5, 4, 3.5f, 3, 2.2f, 1.5f, 0.5f, -1};
  const struct {
    const char* t;
    size_t hf_top_p, hf_min_p;
    double p_llama, p_hf, tv;
  } kCases[] = {{"0.5", 2, 2, 0.8310, 0.8808, 0.057},
                {"0.8", 3, 3, 0.6571, 0.6945, 0.054},
                {"1", 4, 4, 0.5793, 0.5793, 0},
                {"1.5", 5, 5, 0.4662, 0.4349, 0.067},
                {"2", 6, 7, 0.4087, 0.3488, 0.147}};
  for (const auto& c : kCases) {
    const std::string t = c.t;
    const std::string llama = "dialect=llama.cpp,top_k=0,min_p=0,top_p=0.9,temp=" + t, hf = "dialect=transformers,top_k=0,top_p=0.9,temperature=" + t,
                      vllm = "dialect=vllm,top_p=0.9,temperature=" + t;
    EXPECT_EQ(Kept(llama, x), 4u) << t;
    EXPECT_EQ(Kept(hf, x), c.hf_top_p) << t;
    EXPECT_EQ(Kept(vllm, x), c.hf_top_p) << t;
    EXPECT_NEAR(Top(llama, x), c.p_llama, 5e-5) << t;
    EXPECT_NEAR(Top(hf, x), c.p_hf, 5e-5) << t;
    EXPECT_NEAR(Compare(RunIn(llama, x), RunIn(hf, x)).total_variation, c.tv, 5e-4) << t;
    EXPECT_EQ(Kept("dialect=llama.cpp,top_k=0,top_p=1,min_p=0.1,temp=" + t, x), 4u) << t;
    EXPECT_EQ(Kept("dialect=transformers,top_k=0,min_p=0.1,temperature=" + t, x), c.hf_min_p) << t;
  }
}

// 4. min_p = 0.05: the gap of logits that is allowed.
TEST(WorkedFacts, MinPGaps) {
  const auto allows = [](const std::string& settings, double gap) {
    return Kept(settings, {0, -static_cast<float>(gap)}) == 2;
  };
  const struct {
    double t, gap;
  } kCases[] = {{0.5, 1.498}, {0.8, 2.397}, {1, 2.996}, {1.5, 4.494}, {2, 5.991}};
  for (const auto& [t, gap] : kCases) {
    const std::string at = ",temperature=" + std::to_string(t);
    EXPECT_TRUE(allows("dialect=llama.cpp,top_k=0,top_p=1,min_p=0.05" + at, 2.9957 - 1e-3));
    EXPECT_FALSE(allows("dialect=llama.cpp,top_k=0,top_p=1,min_p=0.05" + at, 2.9957 + 1e-3));
    for (const std::string dialect : {"dialect=transformers,top_k=0", "dialect=vllm"}) {
      EXPECT_TRUE(allows(dialect + ",min_p=0.05" + at, gap - 1e-3)) << dialect << t;
      EXPECT_FALSE(allows(dialect + ",min_p=0.05" + at, gap + 1e-3)) << dialect << t;
    }
  }
}

// 5. Ties at k.
TEST(WorkedFacts, Ties) {
  const std::vector<float> x = {2, 1, 1, 1, 0};
  for (const std::string dialect : {"transformers", "vllm"}) {
    EXPECT_EQ(Kept("dialect=" + dialect + ",top_k=2", x), 4u);
    EXPECT_NEAR(Top("dialect=" + dialect + ",top_k=2", x), 0.4754, 5e-5);
  }
  for (const std::string dialect : {"llama.cpp", "ollama", "ollama-mlx"}) {
    EXPECT_EQ(Kept("dialect=" + dialect + ",top_k=2,top_p=1,min_p=0,temperature=1", x), 2u);
    EXPECT_NEAR(Top("dialect=" + dialect + ",top_k=2,top_p=1,min_p=0,temperature=1", x), 0.7311, 5e-5);
  }
}

// 7. What float32 makes of the same rule: llama.cpp / transformers / vLLM / MLX.
TEST(WorkedFacts, Float32Sums) {
  const auto kept = [](std::string dialect, std::string p, const std::vector<double>& probabilities) {
    return Kept("dialect=" + std::move(dialect) + ",temperature=1" + kNoCuts.substr(0, 8) + ",min_p=0,top_p=" + std::move(p), LogOf(probabilities));
  };
  const std::vector<double> three = {0.5, 0.3, 0.2}, ten(10, 0.1);
  const char* kDialects[] = {"llama.cpp", "transformers", "vllm", "ollama-mlx"};
  const auto all = [&](const std::string& p, const std::vector<double>& x) {
    std::vector<size_t> n;
    for (const char* dialect : kDialects) n.push_back(kept(dialect, p, x));
    return n;
  };
  EXPECT_EQ(all("0.3", ten), (std::vector<size_t>{3, 4, 4, 3}));
  EXPECT_EQ(all("0.8", ten), (std::vector<size_t>{8, 8, 9, 8}));
  EXPECT_EQ(all("0.9", ten), (std::vector<size_t>{9, 9, 9, 9}));
  // Each engine may keep 2 or 3 of these, by its own rounding of ln and exp; all must say that it was close.
  for (const char* dialect : kDialects) {
    const Trace trace = RunIn(std::string("dialect=") + dialect + ",temperature=1,top_k=0,min_p=0,top_p=0.8", LogOf(three));
    EXPECT_TRUE(std::any_of(trace.stages().begin(), trace.stages().end(), [](const StageRecord& r) { return r.boundary; })) << dialect;
  }
}

// 8. min-p before or after top-p.
TEST(WorkedFacts, MinPAndTopP) {
  const std::vector<float> x = LogOf({0.40, 0.22, 0.12, 0.09, 0.06, 0.05, 0.03, 0.03});
  EXPECT_EQ(Kept("dialect=transformers,top_k=0,top_p=0.85,min_p=0.2", x), 4u);
  EXPECT_EQ(Kept("dialect=vllm,top_p=0.85,min_p=0.2", x), 3u);
}

// 9. top-k before top-p, which renormalises.
TEST(WorkedFacts, TopKThenTopP) {
  const std::vector<float> x = LogOf({0.1, 0.2, 0.3, 0.4});
  EXPECT_EQ(Kept("dialect=vllm,top_k=2,top_p=0.5", x), 1u);
  auto other = Trace::Run(x, {}, *ParseChain("top_p=0.5;top_k=2"));
  EXPECT_EQ(other->n_kept(), 2u);
}

// 10. Defaults on a Zipf(1.1) vocabulary of 1000: kept, the leader's probability, entropy in bits.
TEST(WorkedFacts, DefaultsOnZipf) {
  std::vector<float> x;
  for (int rank = 1; rank <= 1000; ++rank) x.push_back(static_cast<float>(-1.1 * std::log(rank)));
  const struct {
    const char* settings;
    size_t kept;
    double top, bits;
  } kCases[] = {{"dialect=llama.cpp", 15, 0.4317, 2.82},
                {"dialect=ollama", 24, 0.4054, 3.18},
                {"dialect=ollama-mlx", 17, 0.4239, 2.92},
                {"dialect=transformers,do_sample=true", 50, 0.2612, 4.37},
                {"dialect=vllm", 1000, 0.1794, 6.80},
                {"dialect=llama.cpp,temp=100", 15, 0.0, 3.91}};
  for (const auto& c : kCases) {
    const Trace trace = RunIn(c.settings, x);
    EXPECT_EQ(trace.n_kept(), c.kept) << c.settings;
    if (c.top > 0) {
      EXPECT_NEAR(trace.Row(1).prob, c.top, 5e-5) << c.settings;
    }
    EXPECT_NEAR(NatsToBits(ComputeMetrics(trace).entropy), c.bits, 5e-3) << c.settings;
  }
}

// 12. The scope of presence and frequency penalties: token 1 three times in the prompt, never in the output.
TEST(WorkedFacts, PenaltyScope) {
  const std::vector<float> x = {0, 0, 0};
  const std::vector<TokenId> history = {1, 1, 1, 2};
  const Step step{history, 3, 4};
  const auto change = [&](const std::string& dialect) {
    const Trace trace = RunIn("dialect=" + dialect + ",temperature=1,frequency_penalty=0.5,presence_penalty=0.5", x, step);
    return std::log(trace.final().Probability(1) / trace.final().Probability(0));
  };
  EXPECT_NEAR(change("openai"), 0, 1e-9);
  EXPECT_NEAR(change("vllm"), 0, 1e-9);
  for (const std::string dialect : {"llama.cpp", "ollama", "ollama-mlx"}) {
    EXPECT_NEAR(change(dialect + ",top_k=0,top_p=1,min_p=0"), -2, 1e-6) << dialect;
  }
}

// 13. A grammar by rejection, as llama.cpp does it: the chain runs first; if the draw is illegal, again on masked logits.
TEST(WorkedFacts, GrammarByRejection) {
  const std::vector<float> x = LogOf({0.6, 0.3, 0.1});
  const std::string settings = "dialect=llama.cpp,temp=1,top_k=0,min_p=0,top_p=0.85";
  const Trace first = RunIn(settings, x);
  EXPECT_EQ(first.n_kept(), 2u);
  EXPECT_NEAR(first.RowOf(0).prob, 0.6667, 5e-5);
  const Trace masked = RunIn(settings + ",logit_bias=0:-inf", x);
  EXPECT_NEAR(masked.RowOf(1).prob, 0.75, 1e-6);
  const double a = first.RowOf(1).prob + first.RowOf(0).prob * masked.RowOf(1).prob;
  EXPECT_NEAR(a, 0.8333, 5e-5);
}

// What llama.cpp's penalties see: the last 64 tokens, prompt included; transformers and vLLM see everything.
TEST(Dialects, RepetitionWindows) {
  std::vector<TokenId> history(100, 2);
  history[0] = 1;  // 99 tokens ago
  const std::vector<float> x = {1, 1, 1, 1};
  const auto lowered = [&](const std::string& settings) {
    return RunIn(settings + ",temperature=1,repetition_penalty=2", x, Step::After(history)).Shaped().Value(1) < 1;
  };
  EXPECT_FALSE(lowered("dialect=llama.cpp"));
  EXPECT_FALSE(lowered("dialect=ollama"));
  EXPECT_TRUE(lowered("dialect=llama.cpp,repeat_last_n=-1"));
  EXPECT_TRUE(lowered("dialect=transformers"));
  EXPECT_TRUE(lowered("dialect=vllm"));
  EXPECT_TRUE(lowered("dialect=logitpeek"));
  EXPECT_FALSE(lowered("dialect=logitpeek,repeat_last_n=0"));
}

TEST(Dialects, TemperatureZero) {
  const std::vector<float> x = {1, 3, 3, 2};
  for (const std::string dialect : {"logitpeek", "llama.cpp", "vllm", "ollama", "ollama-mlx", "openai"}) {
    const Trace trace = RunIn("dialect=" + dialect + ",temperature=0", x);
    EXPECT_EQ(trace.n_kept(), 1u) << dialect;
    EXPECT_TRUE(trace.final().Has(1)) << dialect;
  }
  const Resolved greedy = Said("dialect=transformers,do_sample=false,top_p=0.5,temperature=0.3");
  EXPECT_EQ(Trace::Run(x, {}, greedy.chain)->n_kept(), 1u);
  ASSERT_EQ(greedy.ignored.size(), 2u);
  EXPECT_EQ(greedy.ignored[0].setting, "temperature");
  EXPECT_NE(greedy.ignored[0].reason.find("do_sample=False"), std::string::npos);
  // llama.cpp: the best of what the chain left, so a chain that cannot reach it does not give it
  EXPECT_EQ(Kept("dialect=llama.cpp,temp=-1", x), 1u);
  EXPECT_EQ(Kept("dialect=llama.cpp,temp=-1,dynatemp_range=0.5,top_k=0,top_p=1,min_p=0", {1, 3, 2.9f, 2}), 1u);
  EXPECT_EQ(Kept("dialect=llama.cpp,temp=-1,dynatemp_range=3,top_k=0,top_p=1,min_p=0", {1, 3, 2.9f, 2}), 4u);
}

// At top_h = 1 transformers still looks at no more than its first 100 tokens.
TEST(Dialects, TopHLooksAtAHundredTokens) {
  std::vector<float> x;
  for (int i = 0; i < 150; ++i) x.push_back(-0.01f * static_cast<float>(i));
  EXPECT_EQ(Kept("dialect=transformers,top_k=0,top_h=1", x), 100u);
  EXPECT_EQ(Kept("dialect=logitpeek,top_h=1", x), 150u);
}

// vLLM: sampling_params.py, __post_init__ and from_optional; v1/sample/ops/bad_words.py.
TEST(Dialects, WhatVllmChangesBeforeItSamples) {
  const std::vector<float> x = {0, 0.01f, -3};
  const Trace cold = RunIn("dialect=vllm,temperature=0.000001", x);  // raised to 0.01, not greedy
  EXPECT_NEAR(cold.RowOf(0).prob / cold.RowOf(1).prob, std::exp(-1), 1e-6);
  const Resolved biased = Said("dialect=vllm,logit_bias=1:-inf;2:200");
  const auto& bias = std::get<LogitBias>(biased.chain.stages[0]).bias;
  EXPECT_EQ(bias[0].second, -100.0f);
  EXPECT_EQ(bias[1].second, 100.0f);
  EXPECT_NE(biased.notes[0].find("clamps"), std::string::npos);
  // A bad word that began in the prompt is not seen: it looks at the output.
  const std::vector<TokenId> history = {2, 2};
  for (const size_t prompt : {2u, 1u}) {
    const Step step{history, prompt, 2};
    EXPECT_EQ(RunIn("dialect=vllm,bad_words_ids=2/1", x, step).final().Has(1), prompt == 2) << prompt;
    EXPECT_FALSE(RunIn("dialect=transformers,bad_words_ids=2/1", x, step).final().Has(1)) << prompt;
  }
}

// What an engine says no to, in its words.
TEST(Dialects, Refusals) {
  const struct {
    const char *settings, *part;
  } kCases[] = {{"dialect=transformers,temperature=0", "has to be a strictly positive float"},
                {"dialect=transformers,top_p=-0.5", "`top_p` has to be a float > 0 and < 1, but is -0.5"},
                {"dialect=transformers,min_p=2", "`min_p` has to be a float in the [0, 1] interval"},
                {"dialect=transformers,repetition_penalty=0", "strictly positive float"},
                {"dialect=vllm,top_p=0", "top_p must be in (0, 1], got 0.0"},
                {"dialect=vllm,temperature=-1", "temperature must be non-negative, got -1.0"},
                {"dialect=vllm,top_k=-2", "top_k must be 0 (disable), or at least 1, got -2"},
                {"dialect=vllm,min_p=1.5", "min_p must be in [0, 1]"},
                {"dialect=vllm,presence_penalty=3", "presence_penalty must be in [-2, 2], got 3.0"},
                {"dialect=openai,temperature=2.5", "temperature"},
                {"dialect=openai,frequency_penalty=-3", "frequency_penalty"},
                {"dialect=logitpeek,top_p=0", "top_p must be in (0, 1], not 0"},
                {"dialect=logitpeek,min_p=1.5", "min_p must be in [0, 1], not 1.5"},
                {"dialect=logitpeek,mirostat=3", "mirostat must be 0, 1 or 2"}};
  for (const auto& c : kCases) {
    const auto wanted = ParseDialectSettings(c.settings);
    ASSERT_TRUE(wanted.ok()) << c.settings;
    const auto resolved = Resolve(*wanted, {});
    ASSERT_FALSE(resolved.ok()) << c.settings;
    EXPECT_NE(resolved.error().message.find(c.part), std::string::npos) << resolved.error().message;
    EXPECT_NE(FindSetting(resolved.error().where), nullptr) << resolved.error().where;
  }
  // The same words where another engine takes them.
  EXPECT_EQ(Kept("dialect=llama.cpp,top_p=0", {3, 2, 1}), 1u);
  EXPECT_EQ(Kept("dialect=transformers,top_p=0", {3, 2, 1}), 1u);
  EXPECT_EQ(Kept("dialect=transformers,top_p=1.5,typical_p=2", {3, 2, 1}), 3u);  // neither is built: nothing checks it
  EXPECT_EQ(Kept("dialect=ollama-mlx,top_p=0,temperature=1", {3, 2, 1}), 3u);
  EXPECT_EQ(Kept("dialect=llama.cpp,min_p=2,temp=1", {3, 2, 1}), 1u);
}

TEST(Dialects, WhatIsIgnoredIsListedWithAReason) {
  const struct {
    const char *settings, *ignored;
  } kCases[] = {{"dialect=vllm,typical_p=0.9", "typical_p"},
                {"dialect=vllm,repeat_last_n=64", "repeat_last_n"},
                {"dialect=transformers,presence_penalty=1", "presence_penalty"},
                {"dialect=transformers,logit_bias=1:2", "logit_bias"},
                {"dialect=llama.cpp,do_sample=true", "do_sample"},
                {"dialect=llama.cpp,mirostat=2,top_k=40", "top_k"},
                {"dialect=llama.cpp,samplers=kt,top_p=0.5", "top_p"},
                {"dialect=llama.cpp,adaptive_target=0.5", "adaptive_target"},
                {"dialect=llama.cpp,mirostat=2,dynatemp_range=0.5", "dynatemp_range"},
                {"dialect=llama.cpp,mirostat=1,min_keep=3", "min_keep"},
                {"dialect=ollama,xtc_probability=0.5", "xtc_probability"},
                {"dialect=ollama-mlx,typical_p=0.5", "typical_p"},
                {"dialect=openai,top_k=40", "top_k"},
                {"dialect=logitpeek,samplers=kt", "samplers"},
                {"dialect=llama.cpp,dry_base=2", "dry_base"},
                {"dialect=logitpeek,xtc_threshold=0.2", "xtc_threshold"}};
  for (const auto& c : kCases) {
    const Resolved resolved = Said(c.settings);
    ASSERT_EQ(resolved.ignored.size(), 1u) << c.settings;
    EXPECT_EQ(resolved.ignored[0].setting, c.ignored);
    EXPECT_FALSE(resolved.ignored[0].reason.empty());
    EXPECT_FALSE(IsSet(resolved.effective, *FindSetting(c.ignored))) << "ignored settings are not in force";
  }
  for (const Dialect dialect : kAllDialects) EXPECT_TRUE(Resolve(dialect, {}, {})->ignored.empty()) << DialectName(dialect);
}

// Mutation: push_back without looking for the name -> red (llama.cpp asks for repeat_last_n at every letter of its order).
TEST(Dialects, WhatWasFilledInIsListedOnce) {
  for (const Dialect dialect : kAllDialects) {
    std::vector<std::string> names = Resolve(dialect, {}, {})->defaulted;
    EXPECT_FALSE(names.empty()) << DialectName(dialect);
    std::sort(names.begin(), names.end());
    EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end()) << DialectName(dialect);
  }
}

std::string Order(const Resolved& resolved) {
  std::string order;
  for (const Stage& stage : resolved.chain.stages) order += (order.empty() ? "" : " ") + std::string(StageName(stage));
  return order;
}

TEST(Dialects, Orders) {
  const std::string all = ",repetition_penalty=1.1,presence_penalty=0.1,frequency_penalty=0.1,temperature=0.7,top_k=40,top_p=0.9,min_p=0.05";
  EXPECT_EQ(Order(Said("dialect=logitpeek" + all)), "repetition_penalty presence_penalty frequency_penalty temperature top_k top_p min_p");
  EXPECT_EQ(Order(Said("dialect=vllm" + all)), "repetition_penalty frequency_penalty presence_penalty temperature min_p top_k top_p");
  EXPECT_EQ(Order(Said("dialect=llama.cpp,dry_multiplier=0.8,top_n_sigma=1,typical_p=0.9,xtc_probability=0.1" + all)),
            "repetition_penalty frequency_penalty presence_penalty dry top_n_sigma top_k typical_p top_p min_p xtc temperature");
  EXPECT_EQ(Order(Said("dialect=llama.cpp,samplers=temperature;top_k;min_p")), "temperature top_k min_p");
  EXPECT_EQ(Order(Said("dialect=llama.cpp,mirostat=2")), "temperature mirostat_2");
  // adaptive-p takes the place of the draw, wherever the order names it
  EXPECT_EQ(Order(Said("dialect=llama.cpp,samplers=atk,adaptive_target=0.5")), "temperature top_k adaptive_p");
  EXPECT_EQ(Order(Said("dialect=llama.cpp,samplers=temp;nucleus;typical-p;adaptive-p,typical_p=0.5,adaptive_target=0.5")),
            "temperature top_p typical_p adaptive_p");
  EXPECT_EQ(Order(Said("dialect=ollama-mlx" + all)), "repetition_penalty presence_penalty frequency_penalty top_k temperature top_p min_p");
  EXPECT_EQ(Order(Said("dialect=transformers,typical_p=0.9,epsilon_cutoff=0.01,eta_cutoff=0.01,top_h=0.5,no_repeat_ngram_size=3,repetition_penalty=1.2,"
                       "temperature=0.7,top_k=40,top_p=0.9,min_p=0.05")),
            "repetition_penalty no_repeat_ngram temperature top_h top_k top_p min_p typical_p epsilon_cutoff eta_cutoff");
  EXPECT_EQ(Order(Said("dialect=openai,presence_penalty=0.1,frequency_penalty=0.1,logit_bias=1:2")), "logit_bias frequency_penalty presence_penalty temperature top_p");
}

TEST(Dialects, UnknownsAreSaid) {
  const Resolved openai = Said("dialect=openai");
  ASSERT_FALSE(openai.notes.empty());
  EXPECT_NE(openai.notes[0].find("assumed"), std::string::npos);
  EXPECT_NE(Said("dialect=transformers").notes[0].find("do_sample"), std::string::npos);
}

TEST(SettingsText, NamesAliasesAndMistakes) {
  for (const char* name : {"temp", "--temperature", "TEMPERATURE", "top-k", "repeat_penalty", "penalty_repeat", "typical", "min-p", "tfs_z", "nucleus"}) {
    EXPECT_NE(FindSetting(name), nullptr) << name;
  }
  EXPECT_NE(UnknownSetting("temprature").message.find("did you mean temperature"), std::string::npos);
  EXPECT_NE(UnknownSetting("top_q").message.find("top_"), std::string::npos);
  EXPECT_NE(UnknownSetting("frobnicate").message.find("docs/dialects.md"), std::string::npos);
  for (const char* bad : {"temperature=warm", "top_k=1.5", "do_sample=maybe", "logit_bias=5", "seed=-1", "top_p", "dialect=klingon", "suppress_tokens=a/b"}) {
    const auto parsed = ParseDialectSettings(bad);
    ASSERT_FALSE(parsed.ok()) << bad;
    EXPECT_EQ(parsed.error().message.find('\n'), std::string::npos);
  }
}

// docs/dialects.md names every setting and every alias, and says rightly who acts on it.
TEST(SettingsText, AreDocumented) {
  std::ifstream file(LP_SOURCE_DIR "/docs/dialects.md");
  std::map<std::string, std::string> who;  // by setting: the letters of its row
  std::string aliases;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("| `")) continue;
    const size_t second = line.find('|', 1), third = line.find('|', second + 1);
    if (third == std::string::npos) continue;
    aliases += line.substr(second, third - second) + ",";
    for (size_t at = line.find('`'); at < second; at = line.find('`', at + 1)) {
      const size_t end = line.find('`', at + 1);
      who[line.substr(at + 1, end - at - 1)] = line.substr(third + 1);
      at = end;
    }
  }
  constexpr const char* kLetters = "LTCVOMA";
  for (const SettingSpec& spec : AllSettings()) {
    const std::string name(spec.name);
    ASSERT_TRUE(who.contains(name)) << name;
    for (const std::string_view alias : spec.aliases) EXPECT_NE(aliases.find(alias), std::string::npos) << alias;
    if (name == "seed") continue;  // all
    for (size_t d = 0; d < std::size(kAllDialects); ++d) {
      const auto acts_on = SettingsOf(kAllDialects[d]);
      const bool acts = std::find(acts_on.begin(), acts_on.end(), name) != acts_on.end();
      EXPECT_EQ(acts, who[name].find(kLetters[d]) != std::string::npos) << name << " in " << DialectName(kAllDialects[d]);
    }
  }
}

// Every setting survives its own text.
TEST(SettingsText, RoundTrip) {
  const std::string text =
      "dialect=llama.cpp, temperature=0.75,top_k=12,seed=18446744073709551615,do_sample=false,logit_bias=5:-1.5;7:-inf,"
      "bad_words_ids=1/2;3,suppress_tokens=4/5,samplers=edk,sequence_bias=1/2:3.5";
  const auto parsed = ParseDialectSettings(text);
  ASSERT_TRUE(parsed.ok()) << parsed.error().ToString();
  std::string again = "dialect=" + std::string(DialectName(parsed->dialect));
  for (const SettingSpec& spec : AllSettings()) {
    if (IsSet(parsed->settings, spec)) again += "," + std::string(spec.name) + "=" + SettingText(parsed->settings, spec);
  }
  const auto twice = ParseDialectSettings(again);
  ASSERT_TRUE(twice.ok()) << again << ": " << twice.error().ToString();
  EXPECT_EQ(twice->settings, parsed->settings) << again;
}

TEST(ChainText, SpellsAnyOrder) {
  const auto chain = ParseChain("temperature=0.7 ; top_k=40,ties=all; top_p=0.9,min_keep=2;repetition_penalty=1.1,last_n=64,scope=output; greedy");
  ASSERT_TRUE(chain.ok()) << chain.error().ToString();
  ASSERT_EQ(chain->stages.size(), 5u);
  EXPECT_EQ(std::get<TopK>(chain->stages[1]).ties, Ties::kKeepAll);
  EXPECT_EQ(std::get<TopP>(chain->stages[2]).min_keep, 2);
  EXPECT_TRUE(std::get<RepetitionPenalty>(chain->stages[3]).scope.output_only);
  const struct {
    const char *text, *part;
  } kBad[] = {{"top_q=3", "there is no stage \"top_q\""}, {"top_k=many", "takes a number"}, {"top_k=1.5", "takes a number"},
              {"top_k=4,foo=1", "no parameter \"foo\""},   {"top_k=4,ties=some", "ties takes"}, {"top_k=4,5", "has no value"}};
  for (const auto& c : kBad) {
    const auto parsed = ParseChain(c.text);
    ASSERT_FALSE(parsed.ok()) << c.text;
    EXPECT_NE(parsed.error().message.find(c.part), std::string::npos) << parsed.error().message;
  }
  DialectSettings both{.settings = {.temperature = 1.0}, .chain = "top_k=4"};
  EXPECT_FALSE(Resolve(both, {}).ok());
}

}  // namespace
}  // namespace lp
