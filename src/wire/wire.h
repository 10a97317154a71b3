// The JSON form of traces and metrics, the only one: docs/json.md describes every field. Infinite and undefined numbers
// become null.
//
// `pieces` tells how a token id looks; wire knows no tokenizer.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/token.h"
#include "metrics/metrics.h"
#include "sampling/draw.h"
#include "sampling/trace.h"

namespace lp {

using Json = nlohmann::ordered_json;  // fields stay in the order they are documented in
using PieceOf = std::function<const TokenPiece&(TokenId)>;

// The one way logitpeek serialises: a lone invalid byte (there should be none) becomes U+FFFD instead of an exception.
std::string Dump(const Json& json, int indent = -1);

Json NumberOrNull(double value);
Json TokenJson(const TokenPiece& piece);
std::string TokenText(const TokenPiece& piece);  // the `text` field
Json TokensJson(std::span<const TokenId> ids, const PieceOf& pieces);
Json SettingsJson(const SamplerSettings& settings);
Json MetricsJson(const Metrics& metrics);
Json StagesJson(const Trace& trace);

struct RowOptions {
  size_t top = 20;       // rows; 0 = the whole vocabulary
  bool journey = false;  // add what each stage made of each token
};
// The rows, and what they leave out.
Json RowsJson(const Trace& trace, const RowOptions& options, const PieceOf& pieces);
Json RestJson(const Trace& trace, const RowOptions& options);

// The answer to `next`: everything above for one step. `context` is the token path that was evaluated.
Json NextJson(std::string_view model, std::span<const TokenId> context, const Trace& trace, const RowOptions& rows,
              const PieceOf& pieces);

// One token that was drawn or chosen: Token fields, ranks, probabilities, surprisal.
Json ChosenJson(const Trace& trace, const TokenRow& row, const TokenPiece& piece);

// Reads the `sampler` object of a request. Missing fields keep their defaults; unknown fields and wrong types are
// errors whose `where` is a JSON pointer under `pointer`. The values are validated.
Result<SamplerSettings> ParseSettings(const Json& json, std::string_view pointer);

// The answer to `tokenize`.
Json TokenizeJson(std::string_view model, std::span<const TokenId> ids, const PieceOf& pieces);

Json ErrorJson(const Error& error);
std::string_view ErrorCodeName(ErrorCode code);  // "invalid_argument", ...

}  // namespace lp
