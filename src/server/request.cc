#include "server/request.h"

#include <algorithm>

#include "base/str_cat.h"

namespace lp {

Result<Json> ParseRequest(std::string_view body, std::span<const std::string_view> fields) {
  Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return BadRequest("the body is not valid JSON");
  if (!json.is_object()) return BadRequest("the body must be a JSON object");
  for (const auto& [key, value] : json.items()) {
    if (std::find(fields.begin(), fields.end(), key) == fields.end()) {
      std::string known;
      for (const std::string_view field : fields) known += StrCat(known.empty() ? "" : ", ", field);
      return BadRequest(StrCat("there is no field \"", key, "\" here; there are ", known), "/" + key);
    }
  }
  return json;
}

Result<TokenPath> TakePath(const Json& request) {
  const auto found = request.find("tokens");
  if (found == request.end() || !found->is_array())
    return BadRequest("tokens must be an array of token ids", "/tokens");
  TokenPath path;
  path.tokens.reserve(found->size());
  for (size_t i = 0; i < found->size(); ++i) {
    const Json& id = (*found)[i];
    if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() > INT32_MAX) {
      return BadRequest(StrCat("a token id must be a whole number, not ", Dump(id)), StrCat("/tokens/", i));
    }
    path.tokens.push_back(id.get<TokenId>());
  }
  path.prompt_length = path.tokens.size();
  if (const auto prompt = request.find("prompt_length"); prompt != request.end()) {
    if (!prompt->is_number_unsigned() || prompt->get<uint64_t>() > path.tokens.size()) {
      return BadRequest("prompt_length must be a whole number of tokens, at most as many as there are", "/prompt_length");
    }
    path.prompt_length = prompt->get<size_t>();
  }
  return path;
}

Result<Sampler> TakeSampler(const Json& request, const std::string& field, const ModelFacts& facts) {
  const std::string pointer = "/" + field;
  Sampler sampler;
  if (const auto found = request.find(field); found != request.end()) {
    LP_ASSIGN_OR_RETURN(sampler.wanted, ParseSampler(*found, pointer));
  }
  auto resolved = Resolve(sampler.wanted, facts);
  if (!resolved.ok()) return Under(resolved.error(), pointer);
  sampler.resolved = std::move(*resolved);
  return sampler;
}

Result<RowOptions> TakeRows(const Json& request) {
  RowOptions rows;
  if (const auto top = request.find("top"); top != request.end()) {
    if (!top->is_number_unsigned()) return BadRequest("top must be a whole number of rows, 0 for all", "/top");
    rows.top = top->get<size_t>();
  }
  if (const auto trace = request.find("trace"); trace != request.end()) {
    if (!trace->is_boolean()) return BadRequest("trace must be true or false", "/trace");
    rows.journey = trace->get<bool>();
  }
  return rows;
}

Result<std::vector<TokenId>> TakeIds(const Json& request, const std::string& field, size_t n_vocab) {
  std::vector<TokenId> ids;
  const auto found = request.find(field);
  if (found == request.end()) return ids;
  if (!found->is_array()) return BadRequest(StrCat(field, " must be an array of token ids"), "/" + field);
  for (size_t i = 0; i < found->size(); ++i) {
    const Json& id = (*found)[i];
    if (!id.is_number_unsigned() || id.get<uint64_t>() >= n_vocab)
      return BadRequest(StrCat("a token id must be a whole number below ", n_vocab, ", not ", Dump(id)), StrCat("/", field, "/", i));
    ids.push_back(id.get<TokenId>());
  }
  return ids;
}

Result<bool> TakeFlag(const Json& request, const std::string& field) {
  const auto found = request.find(field);
  if (found == request.end()) return false;
  if (!found->is_boolean()) return BadRequest(StrCat(field, " must be true or false"), "/" + field);
  return found->get<bool>();
}

Result<size_t> TakeCount(const Json& request, const std::string& field, size_t missing, size_t least, size_t most) {
  const auto found = request.find(field);
  if (found == request.end()) return missing;
  if (!found->is_number_unsigned() || found->get<uint64_t>() < least || found->get<uint64_t>() > most)
    return BadRequest(StrCat(field, " must be a whole number from ", least, " to ", most), "/" + field);
  return found->get<size_t>();
}

Result<bool> TakeGreedy(const Json& request) {
  const auto mode = request.find("mode");
  if (mode == request.end() || *mode == "sample") return false;
  if (*mode == "greedy") return true;
  return BadRequest("mode must be \"sample\" or \"greedy\"", "/mode");
}

Error Under(const Error& error, std::string_view field) {
  return {error.code, error.message, error.where.empty() ? std::string(field) : StrCat(field, "/", error.where)};
}

}  // namespace lp
