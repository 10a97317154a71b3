// Hugging Face transformers: generation/utils.py, _get_logits_processor; generation/logits_process.py.
#include <algorithm>

#include "base/str_cat.h"
#include "dialect/resolver.h"

namespace lp {
namespace {

using S = Settings;

Status Refusals(const Settings& s) {
  const auto refuse = [](bool bad, const char* setting, const char* what, const std::string& must, const std::string& value) -> Status {
    if (!bad) return Ok();
    return Refuses(setting, StrCat("transformers: `", what, "` has to be ", must, ", but is ", value));
  };
  const bool sample = s.do_sample.value_or(true);
  if (s.repetition_penalty) LP_RETURN_IF_ERROR(refuse(!(*s.repetition_penalty > 0), "repetition_penalty", "penalty", "a strictly positive float", PythonFloat(*s.repetition_penalty)));
  if (s.encoder_repetition_penalty) LP_RETURN_IF_ERROR(refuse(!(*s.encoder_repetition_penalty > 0), "encoder_repetition_penalty", "penalty", "a strictly positive float", PythonFloat(*s.encoder_repetition_penalty)));
  if (s.no_repeat_ngram_size) LP_RETURN_IF_ERROR(refuse(*s.no_repeat_ngram_size < 0, "no_repeat_ngram_size", "ngram_size", "a strictly positive integer", StrCat(*s.no_repeat_ngram_size)));
  if (!sample) return Ok();
  if (s.temperature && !(*s.temperature > 0)) {
    return Refuses("temperature", StrCat("transformers: `temperature` (=", PythonFloat(*s.temperature),
                                         ") has to be a strictly positive float, otherwise your next token scores will be invalid. If you're "
                                         "looking for greedy decoding strategies, set `do_sample=False`"));
  }
  if (s.top_k) LP_RETURN_IF_ERROR(refuse(*s.top_k < 0, "top_k", "top_k", "a strictly positive integer", StrCat(*s.top_k)));
  if (s.top_p) LP_RETURN_IF_ERROR(refuse(*s.top_p < 0, "top_p", "top_p", "a float > 0 and < 1", PythonFloat(*s.top_p)));
  if (s.min_p) LP_RETURN_IF_ERROR(refuse(!(*s.min_p >= 0 && *s.min_p <= 1), "min_p", "min_p", "a float in the [0, 1] interval", PythonFloat(*s.min_p)));
  if (s.typical_p) LP_RETURN_IF_ERROR(refuse(!(*s.typical_p > 0), "typical_p", "typical_p", "a float > 0 and < 1", PythonFloat(*s.typical_p)));
  if (s.top_h) LP_RETURN_IF_ERROR(refuse(!(*s.top_h > 0 && *s.top_h <= 1), "top_h", "top_h", "in the range (0, 1]", PythonFloat(*s.top_h)));
  return Ok();
}

// Outside (0, 1) the cutoffs are not even built; nor are top_p and typical_p from 1 on, so that no range is checked there.
double Cutoff(const std::optional<double>& epsilon) { return epsilon && *epsilon > 0 && *epsilon < 1 ? *epsilon : 0; }

// The end of the text is no bad word: NoBadWordsLogitsProcessor drops it.
std::vector<TokenSequence> WithoutEnds(std::vector<TokenSequence> words, const std::vector<TokenId>& ends) {
  std::erase_if(words, [&](const TokenSequence& word) { return word.size() == 1 && std::find(ends.begin(), ends.end(), word[0]) != ends.end(); });
  return words;
}

void IgnoreWarpers(Resolver& r) {
  const std::string reason = "do_sample=False: greedy search uses the penalties and none of the warpers";
  r.Ignore(&S::temperature, reason);
  r.Ignore(&S::top_k, reason);
  r.Ignore(&S::top_p, reason);
  r.Ignore(&S::min_p, reason);
  r.Ignore(&S::typical_p, reason);
  r.Ignore(&S::epsilon_cutoff, reason);
  r.Ignore(&S::eta_cutoff, reason);
  r.Ignore(&S::top_h, reason);
}

}  // namespace

Result<Resolved> ResolveTransformers(const Settings& settings, const ModelFacts& facts) {
  LP_RETURN_IF_ERROR(Refusals(settings));
  Resolver r(Dialect::kTransformers, settings, facts);
  r.Draw(DrawRule::kExponentialRace);
  if (const auto& bias = r.Given(&S::sequence_bias)) r.Add(SequenceBias{*bias});
  if (const auto& p = r.Given(&S::encoder_repetition_penalty)) r.Add(RepetitionPenalty{*p, {.prompt_only = true}, true});
  r.Add(RepetitionPenalty{r.Get(&S::repetition_penalty, 1.0), {}});
  if (const auto& n = r.Given(&S::no_repeat_ngram_size)) r.Add(NoRepeatNgram{*n, {}});
  if (const auto& n = r.Given(&S::encoder_no_repeat_ngram_size)) r.Add(NoRepeatNgram{*n, {.prompt_only = true}});
  const auto& ends = r.Given(&S::eos_token_id);
  if (const auto& words = r.Given(&S::bad_words_ids)) r.Add(BadWords{WithoutEnds(*words, ends.value_or(facts.end_tokens))});
  if (const auto& n = r.Given(&S::min_new_tokens)) r.Add(BannedTokens{ends.value_or(facts.end_tokens), *n});
  if (const auto& ids = r.Given(&S::suppress_tokens)) r.Add(BannedTokens{*ids});
  r.Ignore(&S::logit_bias, "transformers has no logit_bias; sequence_bias with sequences of one token is the same");

  const bool sample = r.Get(&S::do_sample, true);
  if (!sample) {
    IgnoreWarpers(r);
    r.Add(Greedy{});
    return r.Finish("transformers");
  }
  if (!settings.do_sample) r.Note("do_sample is taken as True here; transformers itself decodes greedily unless it is set");
  r.Add(Temperature{r.Get(&S::temperature, 1.0)});
  if (const auto& h = r.Given(&S::top_h)) r.Add(TopH{.alpha = *h, .n_max = 100});
  r.Add(TopK{r.Get<int64_t>(&S::top_k, 50), Ties::kKeepAll});
  r.Add(TopP{.p = std::min(r.Get(&S::top_p, 1.0), 1.0), .arithmetic = MassArithmetic::kFloat32Ascending});
  if (const auto& p = r.Given(&S::min_p)) r.Add(MinP{.p = *p});
  if (const auto& p = r.Given(&S::typical_p)) r.Add(TypicalP{.p = std::min(*p, 1.0)});
  if (const auto& e = r.Given(&S::epsilon_cutoff)) r.Add(EpsilonCutoff{Cutoff(e)});
  if (const auto& e = r.Given(&S::eta_cutoff)) r.Add(EtaCutoff{Cutoff(e)});
  r.Note("torch.multinomial's random bits depend on device and generator: the draw here is the same race with this project's own");
  return r.Finish("transformers");
}

}  // namespace lp
