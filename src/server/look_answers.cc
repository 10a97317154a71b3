#include <algorithm>

#include "base/str_cat.h"
#include "sampling/draw.h"
#include "server/answers.h"

namespace lp {
namespace {

Json BitsOrNull(double nats) { return NumberOrNull(NatsToBits(nats)); }

// What a sweep or a path says of a whole distribution.
void AddMeasures(Json& json, const Metrics& m) {
  json["entropy_bits"] = BitsOrNull(m.entropy);
  json["perplexity"] = m.perplexity;
  json["n_kept"] = m.n_kept;
  json["top1_prob"] = m.top1_prob;
  json["kl_final_raw_bits"] = BitsOrNull(m.kl_final_raw);
  json["kl_raw_final_bits"] = BitsOrNull(m.kl_raw_final);
}

}  // namespace

Result<Json> SampleAnswer(Engine& engine, const Json& request) {
  constexpr size_t kMost = 100000;
  LP_ASSIGN_OR_RETURN(const TokenPath path, TakePath(request));
  LP_ASSIGN_OR_RETURN(const Sampler sampler, TakeSampler(request, "sampler", engine.facts()));
  LP_ASSIGN_OR_RETURN(const size_t n, TakeCount(request, "n", 1000, 1, kMost));
  LP_ASSIGN_OR_RETURN(const size_t top, TakeCount(request, "top", 20, 1, kMost));
  LP_ASSIGN_OR_RETURN(const Evaluation evaluation, engine.Evaluate(path.tokens));
  LP_ASSIGN_OR_RETURN(const Trace trace, Shape(evaluation, path, sampler.resolved, "sampler"));
  std::vector<DrawCount> drawn = DrawMany(trace, n);
  const size_t distinct = drawn.size();
  std::stable_sort(drawn.begin(), drawn.end(), [](const DrawCount& a, const DrawCount& b) { return a.n > b.n; });
  drawn.resize(std::min(drawn.size(), top));
  std::vector<TokenId> ids;
  for (const DrawCount& d : drawn) ids.push_back(d.id);
  Json rows = RowsOfJson(trace, ids, /*journey=*/false, PiecesOf(engine));
  for (size_t i = 0; i < drawn.size(); ++i) {
    rows[i]["count"] = drawn[i].n;
    rows[i]["expected"] = static_cast<double>(n) * rows[i]["prob"].get<double>();
  }
  return Json{{"n", n}, {"seed", trace.chain().seed}, {"distinct", distinct}, {"tokens", std::move(rows)}};
}

Result<Json> SearchAnswer(Engine& engine, const Json& request) {
  LP_ASSIGN_OR_RETURN(const TokenPath path, TakePath(request));
  LP_ASSIGN_OR_RETURN(const Sampler sampler, TakeSampler(request, "sampler", engine.facts()));
  LP_ASSIGN_OR_RETURN(const size_t limit, TakeCount(request, "limit", 20, 1, 1000));
  const auto query = request.find("query");
  if (query == request.end() || !query->is_string()) return BadRequest("query must be a string", "/query");
  LP_ASSIGN_OR_RETURN(const Evaluation evaluation, engine.Evaluate(path.tokens));
  LP_ASSIGN_OR_RETURN(const Trace trace, Shape(evaluation, path, sampler.resolved, "sampler"));
  std::vector<FoundToken> found = engine.search().Find(query->get_ref<const std::string&>());
  const std::vector<float>& logits = *evaluation.logits;
  const size_t shown = std::min(limit, found.size());
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(shown), found.end(), [&](const FoundToken& a, const FoundToken& b) {
    if (a.fit != b.fit) return a.fit < b.fit;
    const float x = logits[static_cast<size_t>(a.id)], y = logits[static_cast<size_t>(b.id)];
    return x != y ? x > y : a.id < b.id;
  });
  std::vector<TokenId> ids;
  for (size_t i = 0; i < shown; ++i) ids.push_back(found[i].id);
  return Json{{"query", *query}, {"matches", found.size()}, {"tokens", RowsOfJson(trace, ids, /*journey=*/true, PiecesOf(engine))}};
}

Result<Json> SweepAnswer(Engine& engine, const Json& request) {
  constexpr size_t kMost = 200;
  LP_ASSIGN_OR_RETURN(const TokenPath path, TakePath(request));
  const auto setting = request.find("setting");
  const SettingSpec* spec = setting != request.end() && setting->is_string() ? FindSetting(setting->get_ref<const std::string&>()) : nullptr;
  if (spec == nullptr) return BadRequest("setting must be the name of a setting", "/setting");
  const auto values = request.find("values");
  if (values == request.end() || !values->is_array() || values->empty() || values->size() > kMost)
    return BadRequest(StrCat("values must be an array of 1 to ", kMost, " numbers"), "/values");
  Json wanted = Json::object();
  if (const auto given = request.find("sampler"); given != request.end()) {
    if (!given->is_object()) return BadRequest("sampler must be an object of settings", "/sampler");
    for (const auto& [name, value] : given->items()) {
      if (FindSetting(name) != spec) wanted[name] = value;
    }
  }
  LP_ASSIGN_OR_RETURN(const Evaluation evaluation, engine.Evaluate(path.tokens));
  Json points = Json::array();
  for (size_t i = 0; i < values->size(); ++i) {
    const std::string where = StrCat("/values/", i);
    if (!(*values)[i].is_number()) return BadRequest("a value must be a number", where);
    wanted[std::string(spec->name)] = (*values)[i];
    const Json one = {{"sampler", wanted}};
    const auto sampler = TakeSampler(one, "sampler", engine.facts());
    if (!sampler.ok()) return Error{sampler.error().code, sampler.error().message, where};
    LP_ASSIGN_OR_RETURN(const Trace trace, Shape(evaluation, path, sampler->resolved, "sampler"));
    const Metrics m = ComputeMetrics(trace);
    Json point = {{"value", (*values)[i]}};
    AddMeasures(point, m);
    point["mass_cut"] = m.mass_cut;
    points.push_back(std::move(point));
  }
  return Json{{"setting", spec->name}, {"points", std::move(points)}};
}

Result<Json> PathAnswer(Engine& engine, const Json& request) {
  LP_ASSIGN_OR_RETURN(const TokenPath path, TakePath(request));
  LP_ASSIGN_OR_RETURN(const Sampler sampler, TakeSampler(request, "sampler", engine.facts()));
  if (path.tokens.size() < 2) return BadRequest("a path needs at least two tokens: the first has nothing before it", "/tokens");
  Json tokens = Json::array();
  double nll_raw = 0, nll = 0;
  Chain chain = sampler.resolved.chain;
  const std::span<const TokenId> before = std::span(path.tokens).first(path.tokens.size() - 1);
  // The last token's own logits are not asked for, but it must be one.
  if (const TokenId last = path.tokens.back(); static_cast<size_t>(last) >= engine.info().n_vocab)
    return BadRequest(StrCat("token id ", last, " is not in the vocabulary of ", engine.info().n_vocab, " tokens"), StrCat("/tokens/", path.tokens.size() - 1));
  const auto visit = [&](size_t i, const LogitsHandle& logits) -> Status {
    const std::span<const TokenId> history = before.first(i + 1);
    auto trace = Trace::Run(*logits, {history, std::min(path.prompt_length, history.size()), history.size()}, chain);
    if (!trace.ok()) return Under(trace.error(), "/sampler");
    const TokenId id = path.tokens[i + 1];
    const TokenRow row = trace->RowOf(id);
    const Metrics m = ComputeMetrics(*trace);
    nll_raw -= std::log(row.prob_raw), nll -= std::log(row.prob);
    Json token = TokenJson(engine.tokenizer().Piece(id));
    token["position"] = i + 1;
    token["surprisal_raw_bits"] = NumberOrNull(SurprisalBits(row.prob_raw));
    token["rank_raw"] = trace->RawRanksOf(std::span(&id, 1))[0];
    token["prob_raw"] = row.prob_raw;
    token["entropy_raw_bits"] = BitsOrNull(m.raw_entropy);
    token["prob"] = row.prob;
    token["surprisal_bits"] = NumberOrNull(SurprisalBits(row.prob));
    token["rank"] = row.rank;
    token["cut_by"] = CutByJson(*trace, row);
    AddMeasures(token, m);
    tokens.push_back(std::move(token));
    // What the draws of mirostat and adaptive-p would have left behind; a token that was cut leaves nothing.
    if (!row.cut_by && i + 1 >= path.prompt_length) chain = Advance(*trace, id);
    return Ok();
  };
  LP_RETURN_IF_ERROR(engine.EvaluateEach(before, 0, visit));
  const auto n = static_cast<double>(tokens.size());
  return Json{{"model", engine.info().name},
              {"tokens", std::move(tokens)},
              {"total_logprob_raw", NumberOrNull(-nll_raw)},
              {"total_logprob", NumberOrNull(-nll)},
              {"perplexity_raw", NumberOrNull(std::exp(nll_raw / n))},
              {"perplexity", NumberOrNull(std::exp(nll / n))}};
}

}  // namespace lp
