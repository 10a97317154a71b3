#include "model/config.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <string_view>

#include "base/str_cat.h"
#include "gguf/describe.h"

namespace lp {
namespace {

// The families that model/forward.cc computes: pre-norm blocks with RMSNorm, rotary positions on neighbouring pairs,
// grouped-query attention without biases, SwiGLU. A family that differs gets a row here with what differs as fields.
struct Architecture {
  std::string_view name;  // general.architecture, and the prefix of its keys
};
constexpr Architecture kArchitectures[] = {{"llama"}};

// Upper limits: several times the largest models there are, small enough that no product below overflows.
constexpr uint64_t kMaxLayers = 1 << 12, kMaxWidth = 1 << 18, kMaxHeads = 1 << 12, kMaxHeadDim = 1 << 10;
constexpr uint64_t kMaxVocab = 1 << 24, kMaxContext = 1 << 26;

constexpr std::string_view kDamaged = "the file is damaged or was converted wrongly";

Result<std::string> SupportedArchitecture(const GgufFile& file) {
  constexpr std::string_view kKey = "general.architecture";
  LP_ASSIGN_OR_RETURN(const std::string_view name, file.GetString(kKey));
  const auto* it = std::find_if(std::begin(kArchitectures), std::end(kArchitectures),
                                [name](const Architecture& a) { return a.name == name; });
  if (it != std::end(kArchitectures)) return std::string(name);
  std::string known;
  for (const Architecture& a : kArchitectures) known += StrCat(known.empty() ? "" : ", ", a.name);
  return Error{ErrorCode::kUnsupported,
               StrCat("the architecture is \"", Printable(name), "\", which logitpeek does not run; it runs: ", known),
               std::string(kKey)};
}

// Reads keys `<architecture>.<name>`.
class Keys {
 public:
  Keys(const GgufFile& file, std::string prefix) : file_(file), prefix_(std::move(prefix)) {}

  std::string Key(std::string_view name) const { return StrCat(prefix_, ".", name); }
  bool Has(std::string_view name) const { return file_.Find(Key(name)) != nullptr; }

  // A count in [1, max]. Without fallback the key must be there.
  Result<uint32_t> Count(std::string_view name, uint64_t max, std::optional<uint64_t> fallback = std::nullopt) const {
    const std::string key = Key(name);
    LP_ASSIGN_OR_RETURN(const uint64_t n, fallback ? file_.GetUint(key, *fallback) : file_.GetUint(key));
    if (n == 0 || n > max) {
      return Error{ErrorCode::kCorrupt, StrCat("is ", n, " where 1 to ", max, " makes sense: ", kDamaged), key};
    }
    return static_cast<uint32_t>(n);
  }

  // A finite number above 0.
  Result<float> Positive(std::string_view name, std::optional<double> fallback = std::nullopt) const {
    const std::string key = Key(name);
    LP_ASSIGN_OR_RETURN(const double v, fallback ? file_.GetFloat(key, *fallback) : file_.GetFloat(key));
    const auto f = static_cast<float>(v);
    if (!(f > 0) || !std::isfinite(f)) {
      return Error{ErrorCode::kCorrupt, StrCat("is ", v, " where a positive number is needed: ", kDamaged), key};
    }
    return f;
  }

 private:
  const GgufFile& file_;
  std::string prefix_;
};

Error Contradiction(const Keys& keys, std::string_view name, std::string message) {
  return Error{ErrorCode::kCorrupt, StrCat(message, ": ", kDamaged), keys.Key(name)};
}

Status ReadHeads(const Keys& keys, ModelConfig& c) {
  LP_ASSIGN_OR_RETURN(c.n_head, keys.Count("attention.head_count", kMaxHeads));
  LP_ASSIGN_OR_RETURN(c.n_kv_head, keys.Count("attention.head_count_kv", kMaxHeads, c.n_head));
  if (c.n_head % c.n_kv_head != 0) {
    return Contradiction(keys, "attention.head_count_kv",
                         StrCat(c.n_kv_head, " key-value heads do not divide ", c.n_head, " heads"));
  }
  if (!keys.Has("attention.key_length") && c.n_embd % c.n_head != 0) {
    return Contradiction(keys, "attention.head_count",
                         StrCat(c.n_head, " heads do not divide the ", c.n_embd, " of embedding_length"));
  }
  LP_ASSIGN_OR_RETURN(c.head_dim, keys.Count("attention.key_length", kMaxHeadDim, c.n_embd / c.n_head));
  LP_ASSIGN_OR_RETURN(const uint32_t value_length, keys.Count("attention.value_length", kMaxHeadDim, c.head_dim));
  if (value_length != c.head_dim) {
    return Error{
        ErrorCode::kUnsupported,
        StrCat("values of ", value_length, " numbers a head beside keys of ", c.head_dim, " are not supported"),
        keys.Key("attention.value_length")};
  }
  LP_ASSIGN_OR_RETURN(c.rope_dim, keys.Count("rope.dimension_count", kMaxHeadDim, c.head_dim));
  if (c.rope_dim > c.head_dim || c.rope_dim % 2 != 0) {
    return Contradiction(keys, "rope.dimension_count",
                         StrCat(c.rope_dim, " rotated dimensions are not an even part of a head's ", c.head_dim));
  }
  return Ok();
}

// Absent type with a factor means linear, as llama.cpp reads older files.
Status ReadRopeScaling(const GgufFile& file, const Keys& keys, ModelConfig& c) {
  LP_ASSIGN_OR_RETURN(const std::string_view type, file.GetString(keys.Key("rope.scaling.type"), "linear"));
  if (type == "none") return Ok();
  if (type != "linear") {
    return Error{ErrorCode::kUnsupported,
                 StrCat("positions scaled by \"", Printable(type), "\" are not supported; supported: none, linear"),
                 keys.Key("rope.scaling.type")};
  }
  const std::string_view name = keys.Has("rope.scaling.factor") ? "rope.scaling.factor" : "rope.scale_linear";
  LP_ASSIGN_OR_RETURN(c.rope_factor, keys.Positive(name, 1.0));
  return Ok();
}

// Rows of the embedding; the vocabulary must have as many tokens.
Status ReadVocabSize(const GgufFile& file, ModelConfig& c) {
  constexpr std::string_view kTensor = "token_embd.weight", kTokens = "tokenizer.ggml.tokens";
  const GgufTensor* embedding = file.FindTensor(kTensor);
  if (embedding == nullptr) {
    return Error{ErrorCode::kCorrupt, "this tensor is missing; is this a vocabulary without a model?",
                 std::string(kTensor)};
  }
  const uint64_t rows = embedding->shape[1];
  if (rows > kMaxVocab) {
    return Error{ErrorCode::kCorrupt,
                 StrCat("has ", rows, " rows where at most ", kMaxVocab, " make sense: ", kDamaged),
                 std::string(kTensor)};
  }
  if (file.Find(kTokens) != nullptr) {
    LP_ASSIGN_OR_RETURN(const GgufArray tokens, file.GetArray(kTokens));
    if (tokens.size() != rows) {
      return Error{
          ErrorCode::kCorrupt,
          StrCat("has ", rows, " rows but the vocabulary (", kTokens, ") has ", tokens.size(), " tokens: ", kDamaged),
          std::string(kTensor)};
    }
  }
  c.n_vocab = static_cast<uint32_t>(rows);
  return Ok();
}

}  // namespace

Result<ModelConfig> ReadConfig(const GgufFile& file) {
  ModelConfig c;
  LP_ASSIGN_OR_RETURN(c.architecture, SupportedArchitecture(file));
  const Keys keys(file, c.architecture);
  LP_ASSIGN_OR_RETURN(const uint64_t n_expert, file.GetUint(keys.Key("expert_count"), 0));
  if (n_expert != 0) {
    return Error{ErrorCode::kUnsupported, StrCat("a mixture of ", n_expert, " experts is not supported"),
                 keys.Key("expert_count")};
  }
  LP_ASSIGN_OR_RETURN(c.n_layer, keys.Count("block_count", kMaxLayers));
  LP_ASSIGN_OR_RETURN(c.n_embd, keys.Count("embedding_length", kMaxWidth));
  LP_ASSIGN_OR_RETURN(c.n_ff, keys.Count("feed_forward_length", kMaxWidth));
  LP_ASSIGN_OR_RETURN(c.n_ctx, keys.Count("context_length", kMaxContext));
  LP_ASSIGN_OR_RETURN(c.norm_epsilon, keys.Positive("attention.layer_norm_rms_epsilon"));
  LP_ASSIGN_OR_RETURN(c.rope_base, keys.Positive("rope.freq_base", 10000.0));
  LP_RETURN_IF_ERROR(ReadHeads(keys, c));
  LP_RETURN_IF_ERROR(ReadRopeScaling(file, keys, c));
  LP_RETURN_IF_ERROR(ReadVocabSize(file, c));
  return c;
}

}  // namespace lp
