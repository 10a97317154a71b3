// Requests of the HTTP API, read: fields checked one by one, errors naming the field by its JSON pointer.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "wire/wire.h"

namespace lp {

inline Error BadRequest(std::string message, std::string field = "") {
  return Error{ErrorCode::kInvalidArgument, std::move(message), std::move(field)};
}

// A body that is a JSON object and has no other fields than `fields`.
Result<Json> ParseRequest(std::string_view body, std::span<const std::string_view> fields);

// The token path of a request: `tokens`, and how many of them are the prompt (`prompt_length`, default: all).
struct TokenPath {
  std::vector<TokenId> tokens;
  size_t prompt_length = 0;

  Step step() const { return {tokens, prompt_length, tokens.size()}; }
};
Result<TokenPath> TakePath(const Json& request);

// The settings object at `field` ({} where it is missing), and what its dialect makes of them for this model.
struct Sampler {
  DialectSettings wanted;
  Resolved resolved;
};
Result<Sampler> TakeSampler(const Json& request, const std::string& field, const ModelFacts& facts);

// `top` and `trace`.
Result<RowOptions> TakeRows(const Json& request);

// Token ids at `field`; none where it is missing.
Result<std::vector<TokenId>> TakeIds(const Json& request, const std::string& field, size_t n_vocab);
// true or false at `field`; false where it is missing.
Result<bool> TakeFlag(const Json& request, const std::string& field);
// A whole number from `least` to `most` at `field`.
Result<size_t> TakeCount(const Json& request, const std::string& field, size_t missing, size_t least, size_t most);
// `mode`: "sample" (default) or "greedy".
Result<bool> TakeGreedy(const Json& request);

// The same error, found under a field of the request.
Error Under(const Error& error, std::string_view field);

}  // namespace lp
