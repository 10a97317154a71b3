#include "model/config.h"

#include <cmath>
#include <string_view>

#include "base/str_cat.h"
#include "gguf/describe.h"
#include "model/config_keys.h"

namespace lp {
namespace {

// Upper limits: several times the largest models there are, small enough that no product below overflows.
constexpr uint64_t kMaxLayers = 1 << 12, kMaxWidth = 1 << 18, kMaxHeads = 1 << 12, kMaxHeadDim = 1 << 10;
constexpr uint64_t kMaxVocab = 1 << 24, kMaxContext = 1 << 26;

Result<const Architecture*> SupportedArchitecture(const GgufFile& file) {
  constexpr std::string_view kKey = "general.architecture";
  LP_ASSIGN_OR_RETURN(const std::string_view name, file.GetString(kKey));
  if (const Architecture* found = FindArchitecture(name)) return found;
  return Error{ErrorCode::kUnsupported,
               StrCat("the architecture is \"", Printable(name),
                      "\", which logitpeek does not run; it runs: ", ArchitectureNames()),
               std::string(kKey)};
}

// Large models come in several files; each by itself is none, and the later ones do not even name an architecture.
Status CheckWhole(const GgufFile& file) {
  constexpr std::string_view kCount = "split.count", kNumber = "split.no";
  LP_ASSIGN_OR_RETURN(const uint64_t count, file.GetUint(kCount, 1));
  LP_ASSIGN_OR_RETURN(const uint64_t number, file.GetUint(kNumber, 0));
  if (count <= 1) return Ok();
  return Error{ErrorCode::kUnsupported,
               StrCat("this is part ", number + 1, " of ", count, " of one model; put them together with llama.cpp's `llama-gguf-split --merge`"),
               std::string(kCount)};
}

Error Contradiction(const ConfigKeys& keys, std::string_view name, std::string message) {
  return Error{ErrorCode::kCorrupt, StrCat(message, ": ", kDamagedFile), keys.Key(name)};
}

Status ReadHeads(const ConfigKeys& keys, ModelConfig& c) {
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
  const bool by_width = c.n_layer == c.arch->layers_scaled_by_width && c.n_embd >= c.n_head;
  LP_ASSIGN_OR_RETURN(c.attention_scale, keys.NotNegative("attention.scale"));
  if (c.attention_scale == 0) {
    c.attention_scale = 1.0f / std::sqrt(static_cast<float>(by_width ? c.n_embd / c.n_head : c.head_dim));
  }
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
                 StrCat("has ", rows, " rows where at most ", kMaxVocab, " make sense: ", kDamagedFile),
                 std::string(kTensor)};
  }
  if (file.Find(kTokens) != nullptr) {
    LP_ASSIGN_OR_RETURN(const GgufArray tokens, file.GetArray(kTokens));
    if (tokens.size() != rows) {
      return Error{ErrorCode::kCorrupt,
                   StrCat("has ", rows, " rows but the vocabulary (", kTokens, ") has ", tokens.size(),
                          " tokens: ", kDamagedFile),
                   std::string(kTensor)};
    }
  }
  c.n_vocab = static_cast<uint32_t>(rows);
  return Ok();
}

}  // namespace

Result<ModelConfig> ReadConfig(const GgufFile& file, uint64_t context) {
  ModelConfig c;
  LP_RETURN_IF_ERROR(CheckWhole(file));
  LP_ASSIGN_OR_RETURN(c.arch, SupportedArchitecture(file));
  c.architecture = c.arch->name;
  const ConfigKeys keys(file, c.architecture);
  LP_ASSIGN_OR_RETURN(const uint64_t n_expert, file.GetUint(keys.Key("expert_count"), 0));
  if (n_expert != 0) {
    return Error{ErrorCode::kUnsupported, StrCat("a mixture of ", n_expert, " experts is not supported"),
                 keys.Key("expert_count")};
  }
  LP_ASSIGN_OR_RETURN(c.n_layer, keys.Count("block_count", kMaxLayers));
  LP_ASSIGN_OR_RETURN(c.n_embd, keys.Count("embedding_length", kMaxWidth));
  LP_ASSIGN_OR_RETURN(c.n_ff, keys.Count("feed_forward_length", kMaxWidth));
  LP_ASSIGN_OR_RETURN(c.n_ctx, keys.Count("context_length", kMaxContext));
  LP_ASSIGN_OR_RETURN(c.norm_epsilon, keys.Positive(c.arch->norm == NormKind::kRms ? "attention.layer_norm_rms_epsilon"
                                                                                   : "attention.layer_norm_epsilon"));
  LP_ASSIGN_OR_RETURN(c.parallel_residual, file.GetBool(keys.Key("use_parallel_residual"), c.arch->parallel_residual));
  LP_ASSIGN_OR_RETURN(c.attention_soft_cap,
                      keys.NotNegative("attn_logit_softcapping", static_cast<double>(c.arch->attention_soft_cap)));
  LP_ASSIGN_OR_RETURN(c.final_soft_cap,
                      keys.NotNegative("final_logit_softcapping", static_cast<double>(c.arch->final_soft_cap)));
  LP_RETURN_IF_ERROR(ReadHeads(keys, c));
  LP_RETURN_IF_ERROR(ReadRope(keys, context, c));
  LP_RETURN_IF_ERROR(ReadVocabSize(file, c));
  return c;
}

}  // namespace lp
