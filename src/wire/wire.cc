#include "wire/wire.h"

#include <algorithm>
#include <cmath>

#include "base/utf8.h"

namespace lp {
namespace {

// The fields that every listed token has, whatever else is said about it.
void AddRow(Json& json, const Trace& trace, const TokenRow& row, size_t rank_raw) {
  json["rank"] = row.rank;
  json["rank_raw"] = rank_raw;
  json["logit"] = NumberOrNull(row.logit);
  json["prob_raw"] = row.prob_raw;
  json["prob"] = row.prob;
  json["cut_by"] = CutByJson(trace, row);
  json["margin"] = NumberOrNull(row.margin);
  json["surprisal_bits"] = NumberOrNull(SurprisalBits(row.prob_raw));
}

// A whole number as one: 40, not 40.0.
Json NumberJson(double value) {
  if (std::isfinite(value) && value == std::floor(value) && std::abs(value) < 9e15) return static_cast<int64_t>(value);
  return NumberOrNull(value);
}

Json SettingJson(const Settings& settings, const SettingSpec& spec) {
  return std::visit(
      [&](const auto member) -> Json {
        const auto& value = *(settings.*member);
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, double>) {
          return NumberOrNull(value);
        } else if constexpr (requires { value.front().second; }) {
          Json list = Json::array();
          for (const auto& [tokens, bias] : value) list.push_back({{"tokens", tokens}, {"bias", NumberOrNull(static_cast<double>(bias))}});
          return list;
        } else {
          return value;
        }
      },
      spec.member);
}

Json RowsToJson(const Trace& trace, const std::vector<TokenRow>& rows, bool with_journey, const PieceOf& pieces) {
  std::vector<TokenId> ids;
  for (const TokenRow& row : rows) ids.push_back(row.id);
  const std::vector<size_t> raw_ranks = trace.RawRanksOf(ids);
  const auto journeys = with_journey ? trace.Journeys(ids) : std::vector<std::optional<StageValue>>();
  const size_t n_stages = trace.stages().size();
  Json json = Json::array();
  for (size_t i = 0; i < rows.size(); ++i) {
    Json entry = TokenJson(pieces(rows[i].id));
    AddRow(entry, trace, rows[i], raw_ranks[i]);
    if (with_journey) {
      Json journey = Json::array();
      for (size_t stage = 0; stage < n_stages; ++stage) {
        const auto& value = journeys[i * n_stages + stage];
        journey.push_back(value ? Json{{"logit", NumberOrNull(value->logit)}, {"prob", value->prob}} : Json(nullptr));
      }
      entry["journey"] = std::move(journey);
    }
    json.push_back(std::move(entry));
  }
  return json;
}

size_t RowCount(const Trace& trace, const RowOptions& options) {
  return options.top == 0 ? trace.n_vocab() : std::min(options.top, trace.n_vocab());
}

}  // namespace

Json CutByJson(const Trace& trace, const TokenRow& row) {
  if (!row.cut_by) return nullptr;
  if (*row.cut_by == TokenRow::kMasked) return "mask";
  return StageName(trace.chain().stages[*row.cut_by]);
}

std::string Dump(const Json& json, int indent) { return json.dump(indent, ' ', false, Json::error_handler_t::replace); }

Json NumberOrNull(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

std::string TokenText(const TokenPiece& piece) { return ToValidUtf8(piece.special ? piece.name : piece.bytes); }

Json TokenJson(const TokenPiece& piece) {
  Json json = {{"id", piece.id}, {"text", TokenText(piece)}, {"bytes_hex", ToHex(piece.bytes)}};
  if (piece.special) json["special"] = true;
  return json;
}

Json TokensJson(std::span<const TokenId> ids, const PieceOf& pieces) {
  Json json = Json::array();
  for (const TokenId id : ids) json.push_back(TokenJson(pieces(id)));
  return json;
}

Json SamplerJson(const Resolved& resolved) {
  Json json = {{"dialect", DialectName(resolved.dialect)}};
  for (const SettingSpec& spec : AllSettings()) {
    if (IsSet(resolved.effective, spec)) json[std::string(spec.name)] = SettingJson(resolved.effective, spec);
  }
  return json;
}

void AddResolved(Json& json, const Resolved& resolved) {
  json["sampler"] = SamplerJson(resolved);
  Json ignored = Json::array();
  for (const Ignored& i : resolved.ignored) ignored.push_back({{"setting", i.setting}, {"reason", i.reason}});
  json["ignored"] = std::move(ignored);
  json["notes"] = resolved.notes;
  json["defaulted"] = resolved.defaulted;
}

Json MetricsJson(const Metrics& m) {
  const auto bits = [](double nats) { return NumberOrNull(NatsToBits(nats)); };
  return {{"entropy_bits", bits(m.entropy)},
          {"perplexity", m.perplexity},
          {"varentropy_bits2", NumberOrNull(NatsToBits(NatsToBits(m.varentropy)))},
          {"effective_vocab", m.effective_vocab},
          {"top1_prob", m.top1_prob},
          {"top5_prob", m.top5_prob},
          {"n_kept", m.n_kept},
          {"raw_entropy_bits", bits(m.raw_entropy)},
          {"raw_varentropy_bits2", NumberOrNull(NatsToBits(NatsToBits(m.raw_varentropy)))},
          {"mass_cut", m.mass_cut},
          {"kl_final_raw_bits", bits(m.kl_final_raw)},
          {"kl_raw_final_bits", bits(m.kl_raw_final)},
          {"kl_shaped_raw_bits", bits(m.kl_shaped_raw)},
          {"kl_raw_shaped_bits", bits(m.kl_raw_shaped)}};
}

Json StagesJson(const Trace& trace) {
  Json json = Json::array();
  for (size_t i = 0; i < trace.stages().size(); ++i) {
    const StageRecord& stage = trace.stages()[i];
    Json params = Json::object();
    for (const StageParam& param : StageParams(trace.chain().stages[i])) params[std::string(param.name)] = NumberJson(param.value);
    json.push_back({{"stage", StageName(trace.chain().stages[i])},
                    {"params", std::move(params)},
                    {"active", stage.active},
                    {"skipped", stage.skipped},
                    {"threshold", NumberOrNull(stage.threshold)},
                    {"n_in", stage.n_in},
                    {"n_out", stage.n_out},
                    {"mass_out", trace.MassOut(i)},
                    {"entropy_in_bits", NatsToBits(trace.Before(i).sums().Entropy())},
                    {"entropy_bits", NatsToBits(trace.After(i).sums().Entropy())}});
  }
  return json;
}

Json BoundaryJson(const Trace& trace) {
  Json json = Json::array();
  for (size_t i = 0; i < trace.stages().size(); ++i) {
    const StageRecord& stage = trace.stages()[i];
    if (!stage.boundary) continue;
    json.push_back({{"index", i}, {"stage", StageName(trace.chain().stages[i])}, {"threshold", NumberOrNull(stage.threshold)}, {"n_out", stage.n_out}});
  }
  return json;
}

Json RowsJson(const Trace& trace, const RowOptions& options, const PieceOf& pieces) {
  return RowsToJson(trace, trace.Rows(RowCount(trace, options)), options.journey, pieces);
}

Json RowsOfJson(const Trace& trace, std::span<const TokenId> ids, bool journey, const PieceOf& pieces) {
  std::vector<TokenRow> rows;
  for (const TokenId id : ids) rows.push_back(trace.RowOf(id));
  return RowsToJson(trace, rows, journey, pieces);
}

Json CurveJson(const Trace& trace) {
  constexpr double kPoints = 160;
  const auto probability = [](const State& state, size_t rank) {
    return rank <= state.n() ? state.ProbabilityOf(state.Ranked(rank).value) : 0.0;
  };
  const double top = std::log(static_cast<double>(trace.n_vocab()));
  Json json = Json::array();
  size_t last = 0;
  for (double i = 0; i <= kPoints; ++i) {
    const auto rank = std::min(trace.n_vocab(), static_cast<size_t>(std::llround(std::exp(top * i / kPoints))));
    if (rank == last) continue;
    last = rank;
    json.push_back({{"rank", rank}, {"prob_raw", probability(trace.raw(), rank)}, {"prob", probability(trace.final(), rank)}});
  }
  return json;
}

Json RestJson(const Trace& trace, const RowOptions& options) {
  struct Held {
    size_t n = 0;
    double prob = 0;
  };
  Held raw, kept;
  std::vector<Held> after(trace.stages().size());
  const auto hold = [](Held& held, double prob) {
    ++held.n;
    held.prob += prob;
  };
  const std::vector<TokenRow> rows = trace.Rows(RowCount(trace, options));
  std::vector<TokenId> ids;
  for (const TokenRow& row : rows) {
    ids.push_back(row.id);
    hold(raw, row.prob_raw);
    if (!row.cut_by) hold(kept, row.prob);
  }
  if (options.journey) {
    const auto journeys = trace.Journeys(ids);
    for (size_t i = 0; i < journeys.size(); ++i) {
      if (journeys[i]) hold(after[i % after.size()], journeys[i]->prob);
    }
  }
  // What the rows do not hold. Where they hold all, say 0 rather than what rounding leaves.
  const auto remainder = [](size_t n, const Held& held) { return n == held.n ? 0.0 : std::max(0.0, 1 - held.prob); };
  Json json = {{"n", trace.n_vocab() - rows.size()},
               {"prob_raw", remainder(trace.n_vocab(), raw)},
               {"prob", remainder(trace.n_kept(), kept)},
               {"n_kept", trace.n_kept() - kept.n}};
  if (options.journey) {
    Json journey = Json::array();
    for (size_t stage = 0; stage < after.size(); ++stage) {
      const size_t n = trace.stages()[stage].n_out;
      journey.push_back({{"n", n - after[stage].n}, {"prob", remainder(n, after[stage])}});
    }
    json["journey"] = std::move(journey);
  }
  return json;
}

Json NextJson(std::string_view model, std::span<const TokenId> context, const Trace& trace, const Resolved& resolved,
              const RowOptions& rows, const PieceOf& pieces) {
  Json json = {{"model", model.empty() ? Json(nullptr) : Json(model)}, {"prompt_tokens", TokensJson(context, pieces)}};
  json["vocab_size"] = trace.n_vocab();
  json["position"] = trace.step().position;
  AddResolved(json, resolved);
  json["metrics"] = MetricsJson(ComputeMetrics(trace));
  json["stages"] = StagesJson(trace);
  json["boundary"] = BoundaryJson(trace);
  json["tokens"] = RowsJson(trace, rows, pieces);
  json["rest"] = RestJson(trace, rows);
  return json;
}

Json CompareJson(const Trace& a, const Resolved& a_resolved, const Trace& b, const Resolved& b_resolved,
                 const RowOptions& options, const PieceOf& pieces) {
  const Comparison c = Compare(a, b);
  const auto bits = [](double nats) { return NumberOrNull(NatsToBits(nats)); };
  const auto side = [](const Trace& trace, const Resolved& resolved) {
    Json json = Json::object();
    AddResolved(json, resolved);
    json["metrics"] = MetricsJson(ComputeMetrics(trace));
    json["stages"] = StagesJson(trace);
    json["boundary"] = BoundaryJson(trace);
    return json;
  };
  const size_t n_rows = RowCount(a, options);
  const auto only = [&](const std::vector<TokenId>& ids) {
    const std::span<const TokenId> shown(ids.data(), std::min(ids.size(), std::max<size_t>(n_rows, 20)));
    return TokensJson(shown, pieces);
  };
  Json rows = Json::array();
  for (const TokenRow& row : a.Rows(n_rows)) {
    const TokenRow other = b.RowOf(row.id);
    Json entry = TokenJson(pieces(row.id));
    entry["rank"] = row.rank;
    entry["logit"] = NumberOrNull(row.logit);
    entry["prob_raw"] = row.prob_raw;
    entry["prob_a"] = row.prob;
    entry["prob_b"] = other.prob;
    entry["change"] = other.prob - row.prob;
    entry["cut_by_a"] = CutByJson(a, row);
    entry["cut_by_b"] = CutByJson(b, other);
    rows.push_back(std::move(entry));
  }
  return {{"vocab_size", a.n_vocab()},
          {"a", side(a, a_resolved)},
          {"b", side(b, b_resolved)},
          {"n_kept_a", c.n_kept_a},
          {"n_kept_b", c.n_kept_b},
          {"n_common", c.n_common},
          {"n_only_a", c.n_only_a},
          {"n_only_b", c.n_only_b},
          {"only_a", only(c.only_a)},
          {"only_b", only(c.only_b)},
          {"mass_a_only", c.mass_a_only},
          {"mass_b_only", c.mass_b_only},
          {"total_variation", c.total_variation},
          {"kl_a_b_bits", bits(c.kl_a_b)},
          {"kl_b_a_bits", bits(c.kl_b_a)},
          {"jensen_shannon_bits", bits(c.jensen_shannon)},
          {"tokens", std::move(rows)}};
}

Json TranslationJson(const DialectSettings& from, Dialect to, const Translation& translation) {
  Json settings = Json::object();
  for (const SettingSpec& spec : AllSettings()) {
    if (IsSet(translation.settings, spec)) settings[std::string(spec.name)] = SettingJson(translation.settings, spec);
  }
  return {{"from", DialectName(from.dialect)},
          {"to", DialectName(to)},
          {"settings", std::move(settings)},
          {"exact", translation.exact},
          {"how", translation.how},
          {"total_variation", translation.total_variation},
          {"kl_forward_bits", NumberOrNull(NatsToBits(translation.kl_forward))},
          {"kl_backward_bits", NumberOrNull(NatsToBits(translation.kl_backward))},
          {"notes", translation.notes}};
}

Json DialectsJson(const ModelFacts& facts) {
  Json dialects = Json::array(), settings = Json::array();
  for (const Dialect dialect : kAllDialects) {
    const auto resolved = Resolve(dialect, Settings{}, facts);
    LP_CHECK(resolved.ok());  // an engine does not refuse its own defaults
    Json entry = {{"name", DialectName(dialect)}};
    AddResolved(entry, *resolved);
    Json chain = Json::array();
    for (const Stage& stage : resolved->chain.stages) chain.push_back({{"stage", StageName(stage)}, {"off", IsOff(stage)}});
    entry["chain"] = std::move(chain);
    entry["settings"] = SettingsOf(dialect);
    dialects.push_back(std::move(entry));
  }
  for (const SettingSpec& spec : AllSettings()) {
    settings.push_back({{"name", spec.name}, {"aliases", spec.aliases}, {"help", spec.help}, {"range", spec.range}});
  }
  return {{"dialects", std::move(dialects)}, {"settings", std::move(settings)}};
}

Json ChosenJson(const Trace& trace, const TokenRow& row, const TokenPiece& piece) {
  Json json = TokenJson(piece);
  AddRow(json, trace, row, RanksOf(trace.raw().values(), std::span(&row.id, 1))[0]);
  return json;
}

Json CodeJson(const CodeTarget& target, const Code& code) {
  return {{"name", DialectName(target.dialect)},
          {"language", target.language},
          {"code", code.text},
          {"exact", code.exact},
          {"notes", code.notes}};
}

Json TokenizeJson(std::string_view model, std::span<const TokenId> ids, const PieceOf& pieces) {
  Json texts = Json::array();
  for (const TokenId id : ids) texts.push_back(TokenText(pieces(id)));
  return {{"model", model},
          {"ids", std::vector<TokenId>(ids.begin(), ids.end())},
          {"pieces", std::move(texts)},
          {"tokens", TokensJson(ids, pieces)}};
}

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kCorrupt:
      return "corrupt";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kOutOfRange:
      return "out_of_range";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kCancelled:
      return "cancelled";
  }
  LP_CHECK(false);
}

Json ErrorJson(const Error& error) {
  Json inner = {{"code", ErrorCodeName(error.code)}, {"message", error.message}};
  if (!error.where.empty()) inner["field"] = error.where;
  return {{"error", std::move(inner)}};
}

}  // namespace lp
