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
#include "dialect/code.h"
#include "dialect/dialect.h"
#include "dialect/translate.h"
#include "metrics/compare.h"
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
// What was in force: {dialect, and every effective setting by name}.
Json SamplerJson(const Resolved& resolved);
// The fields about a resolution that every answer with a distribution has: sampler, ignored, notes, defaulted.
void AddResolved(Json& json, const Resolved& resolved);
Json MetricsJson(const Metrics& metrics);
Json StagesJson(const Trace& trace);
// Stages with a decision within float32 rounding of its boundary [D37].
Json BoundaryJson(const Trace& trace);

struct RowOptions {
  size_t top = 20;       // rows; 0 = the whole vocabulary
  bool journey = false;  // add what each stage made of each token
};
// The rows, and what they leave out.
Json RowsJson(const Trace& trace, const RowOptions& options, const PieceOf& pieces);
// Which stage cut it: its name, "mask" where the model's own logit is -inf, null where it was kept.
Json CutByJson(const Trace& trace, const TokenRow& row);
// The same for tokens asked for by id, in that order.
Json RowsOfJson(const Trace& trace, std::span<const TokenId> ids, bool journey, const PieceOf& pieces);
// Probability against rank at some 160 log-spaced ranks: raw by raw rank, final by final rank, 0 where there is no token left.
Json CurveJson(const Trace& trace);
Json RestJson(const Trace& trace, const RowOptions& options);

// The answer to `next` and `shape`: what became of one step's logits. `context` are the tokens before it; `model` is empty
// where the logits came from elsewhere.
Json NextJson(std::string_view model, std::span<const TokenId> context, const Trace& trace, const Resolved& resolved,
              const RowOptions& rows, const PieceOf& pieces);

// The answer to `compare`: both sides and what lies between them; rows are those of A, with what B makes of them.
Json CompareJson(const Trace& a, const Resolved& a_resolved, const Trace& b, const Resolved& b_resolved,
                 const RowOptions& rows, const PieceOf& pieces);

// The answer to `translate`.
Json TranslationJson(const DialectSettings& from, Dialect to, const Translation& translation);

// One of the `targets` of the answer to `code`.
Json CodeJson(const CodeTarget& target, const Code& code);

// Every dialect with the chain its defaults make, and every setting there is: the answer to `dialects`.
Json DialectsJson(const ModelFacts& facts);

// One token that was drawn or chosen: Token fields, ranks, probabilities, surprisal.
Json ChosenJson(const Trace& trace, const TokenRow& row, const TokenPiece& piece);

// Reads the `sampler` object of a request: {dialect, chain, and settings by any name AllSettings() knows}. Unknown fields
// and wrong types are errors whose `where` is a JSON pointer under `pointer`. Ranges are the dialect's to check.
Result<DialectSettings> ParseSampler(const Json& json, std::string_view pointer);

// The answer to `tokenize`.
Json TokenizeJson(std::string_view model, std::span<const TokenId> ids, const PieceOf& pieces);

Json ErrorJson(const Error& error);
std::string_view ErrorCodeName(ErrorCode code);  // "invalid_argument", ...

}  // namespace lp
