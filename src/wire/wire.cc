#include "wire/wire.h"

#include <algorithm>
#include <cmath>

#include "base/utf8.h"

namespace lp {
namespace {

Json StageParams(const StageRecord& stage, const SamplerSettings& s) {
  switch (stage.kind) {
    case StageKind::kRepetitionPenalty:
      return {{"repetition_penalty", s.repetition_penalty}, {"repeat_last_n", s.repeat_last_n}};
    case StageKind::kTemperature:
      return {{"temperature", s.temperature}};
    case StageKind::kTopK:
      return {{"top_k", s.top_k}};
    case StageKind::kTopP:
      return {{"top_p", s.top_p}};
  }
  LP_CHECK(false);
}

Json CutBy(const Trace& trace, const TokenRow& row) {
  if (!row.cut_by) return nullptr;
  if (*row.cut_by == TokenRow::kMasked) return "mask";
  return StageName(trace.stages()[*row.cut_by].kind);
}

// The fields that every listed token has, whatever else is said about it.
void AddRow(Json& json, const Trace& trace, const TokenRow& row, size_t rank_raw) {
  json["rank"] = row.rank;
  json["rank_raw"] = rank_raw;
  json["logit"] = NumberOrNull(row.logit);
  json["prob_raw"] = row.prob_raw;
  json["prob"] = row.prob;
  json["cut_by"] = CutBy(trace, row);
  json["surprisal_bits"] = NumberOrNull(SurprisalBits(row.prob_raw));
}

size_t RowCount(const Trace& trace, const RowOptions& options) {
  return options.top == 0 ? trace.n_vocab() : std::min(options.top, trace.n_vocab());
}

}  // namespace

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

Json SettingsJson(const SamplerSettings& s) {
  return {{"repetition_penalty", s.repetition_penalty},
          {"repeat_last_n", s.repeat_last_n},
          {"temperature", s.temperature},
          {"top_k", s.top_k},
          {"top_p", s.top_p},
          {"seed", s.seed}};
}

Json MetricsJson(const Metrics& m) {
  const auto bits = [](double nats) { return NumberOrNull(NatsToBits(nats)); };
  return {{"entropy_bits", bits(m.entropy)},
          {"perplexity", m.perplexity},
          {"effective_vocab", m.effective_vocab},
          {"top1_prob", m.top1_prob},
          {"n_kept", m.n_kept},
          {"raw_entropy_bits", bits(m.raw_entropy)},
          {"mass_cut", m.mass_cut},
          {"kl_final_raw_bits", bits(m.kl_final_raw)},
          {"kl_raw_final_bits", bits(m.kl_raw_final)},
          {"kl_shaped_raw_bits", bits(m.kl_shaped_raw)},
          {"kl_raw_shaped_bits", bits(m.kl_raw_shaped)}};
}

Json StagesJson(const Trace& trace) {
  Json json = Json::array();
  for (const StageRecord& stage : trace.stages()) {
    json.push_back({{"stage", StageName(stage.kind)},
                    {"params", StageParams(stage, trace.settings())},
                    {"active", stage.active},
                    {"threshold", NumberOrNull(stage.threshold)},
                    {"n_in", stage.n_in},
                    {"n_out", stage.n_out},
                    {"mass_out", stage.mass_out},
                    {"entropy_bits", NatsToBits(stage.entropy)}});
  }
  return json;
}

Json RowsJson(const Trace& trace, const RowOptions& options, const PieceOf& pieces) {
  const auto ids = trace.Ranked(RowCount(trace, options));
  const std::vector<size_t> raw_ranks = RanksOf(trace.raw_logits(), ids);
  Json json = Json::array();
  for (size_t i = 0; i < ids.size(); ++i) {
    const TokenRow row = trace.Row(i + 1);
    Json entry = TokenJson(pieces(row.id));
    AddRow(entry, trace, row, raw_ranks[i]);
    if (options.journey) {
      Json journey = Json::array();
      for (size_t stage = 0; stage < trace.stages().size(); ++stage) {
        const auto value = trace.After(stage, row);
        journey.push_back(value ? Json{{"logit", NumberOrNull(value->logit)}, {"prob", value->prob}} : Json(nullptr));
      }
      entry["journey"] = std::move(journey);
    }
    json.push_back(std::move(entry));
  }
  return json;
}

Json RestJson(const Trace& trace, const RowOptions& options) {
  const size_t shown = RowCount(trace, options);
  double raw = 0, final_mass = 0;
  std::vector<double> alive(trace.stages().size());
  for (size_t rank = 1; rank <= shown; ++rank) {
    const TokenRow row = trace.Row(rank);
    raw += row.prob_raw;
    final_mass += row.prob;
    for (size_t stage = 0; options.journey && stage < alive.size(); ++stage) {
      if (const auto value = trace.After(stage, row)) alive[stage] += value->prob;
    }
  }
  // What the rows do not hold. Where they hold all, say 0 rather than what rounding leaves.
  const auto remainder = [](size_t n, double held) { return n == 0 ? 0.0 : std::max(0.0, 1 - held); };
  const auto beyond = [shown](size_t n) { return n > shown ? n - shown : 0; };
  Json json = {{"n", trace.n_vocab() - shown},
               {"prob_raw", remainder(trace.n_vocab() - shown, raw)},
               {"prob", remainder(beyond(trace.n_kept()), final_mass)},
               {"n_kept", beyond(trace.n_kept())}};
  if (options.journey) {
    Json journey = Json::array();
    for (size_t stage = 0; stage < alive.size(); ++stage) {
      const size_t n = beyond(trace.stages()[stage].n_out);
      journey.push_back({{"n", n}, {"prob", remainder(n, alive[stage])}});
    }
    json["journey"] = std::move(journey);
  }
  return json;
}

Json NextJson(std::string_view model, std::span<const TokenId> context, const Trace& trace, const RowOptions& rows,
              const PieceOf& pieces) {
  return {{"model", model},
          {"prompt_tokens", TokensJson(context, pieces)},
          {"vocab_size", trace.n_vocab()},
          {"position", context.size()},
          {"sampler", SettingsJson(trace.settings())},
          {"metrics", MetricsJson(ComputeMetrics(trace))},
          {"stages", StagesJson(trace)},
          {"tokens", RowsJson(trace, rows, pieces)},
          {"rest", RestJson(trace, rows)}};
}

Json ChosenJson(const Trace& trace, const TokenRow& row, const TokenPiece& piece) {
  Json json = TokenJson(piece);
  AddRow(json, trace, row, RanksOf(trace.raw_logits(), std::span(&row.id, 1))[0]);
  return json;
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
