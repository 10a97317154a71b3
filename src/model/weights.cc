#include "model/weights.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "base/str_cat.h"
#include "gguf/describe.h"

namespace lp {
namespace {

using Size = uint32_t (*)(const ModelConfig&);
constexpr Size kEmbd = +[](const ModelConfig& c) { return c.n_embd; };
constexpr Size kQ = +[](const ModelConfig& c) { return c.q_dim(); };
constexpr Size kKv = +[](const ModelConfig& c) { return c.kv_dim(); };
constexpr Size kHead = +[](const ModelConfig& c) { return c.head_dim; };
constexpr Size kFf = +[](const ModelConfig& c) { return c.n_ff; };

// A layer's tensors as data: name in the file after "blk.N.", where it goes, its shape, and who has it.
struct NormRule {
  std::string_view name;
  NormWeights LayerWeights::*field;
  Size size;
  bool (*is_there)(const Architecture&);
};
constexpr auto kEvery = +[](const Architecture&) { return true; };
constexpr auto kWithPostNorms = +[](const Architecture& a) { return a.post_norms; };
constexpr auto kWithQkNorm = +[](const Architecture& a) { return a.qk_norm; };
constexpr NormRule kNorms[] = {
    {"attn_norm", &LayerWeights::attn_norm, kEmbd, kEvery},
    {"attn_q_norm", &LayerWeights::q_norm, kHead, kWithQkNorm},
    {"attn_k_norm", &LayerWeights::k_norm, kHead, kWithQkNorm},
    {"post_attention_norm", &LayerWeights::attn_post_norm, kEmbd, kWithPostNorms},
    {"ffn_norm", &LayerWeights::ffn_norm, kEmbd, kEvery},
    {"post_ffw_norm", &LayerWeights::ffn_post_norm, kEmbd, kWithPostNorms},
};

struct ProjectionRule {
  std::string_view name;
  WeightMatrix LayerWeights::*matrix;
  std::vector<float> LayerWeights::*bias;
  Size rows, cols;
  Presence Architecture::*bias_presence;
};
constexpr ProjectionRule kQkv[] = {
    {"attn_q", &LayerWeights::attn_q, &LayerWeights::q_bias, kQ, kEmbd, &Architecture::qkv_bias},
    {"attn_k", &LayerWeights::attn_k, &LayerWeights::k_bias, kKv, kEmbd, &Architecture::qkv_bias},
    {"attn_v", &LayerWeights::attn_v, &LayerWeights::v_bias, kKv, kEmbd, &Architecture::qkv_bias},
};
constexpr ProjectionRule kOutput[] = {
    {"attn_output", &LayerWeights::attn_output, &LayerWeights::output_bias, kEmbd, kQ, &Architecture::output_bias},
};
constexpr ProjectionRule kGateUp[] = {
    {"ffn_gate", &LayerWeights::ffn_gate, &LayerWeights::gate_bias, kFf, kEmbd, &Architecture::ffn_bias},
    {"ffn_up", &LayerWeights::ffn_up, &LayerWeights::up_bias, kFf, kEmbd, &Architecture::ffn_bias},
};
constexpr ProjectionRule kDown[] = {
    {"ffn_down", &LayerWeights::ffn_down, &LayerWeights::down_bias, kEmbd, kFf, &Architecture::ffn_bias},
};
// Projections of one input, which a file may hold as one matrix with the rows of the first, then of the next.
struct ProjectionGroup {
  std::span<const ProjectionRule> parts;
  std::string_view fused_name;
  bool Architecture::*may_be_fused;
};
constexpr ProjectionGroup kGroups[] = {
    {kQkv, "attn_qkv", &Architecture::fused_qkv},
    {kOutput, "", nullptr},
    {kGateUp, "ffn_up", &Architecture::fused_gate_up},
    {kDown, "", nullptr},
};

// Looks tensors up, checks them, and remembers which were asked for.
class TensorReader {
 public:
  explicit TensorReader(const GgufFile& file) : file_(file) {}

  bool Has(std::string_view name) const { return file_.FindTensor(name) != nullptr; }

  Result<WeightMatrix> Matrix(const std::string& name, uint64_t rows, uint64_t cols) {
    const GgufTensor* tensor = file_.FindTensor(name);
    if (tensor == nullptr) {
      return Error{ErrorCode::kCorrupt, "this tensor is missing; the file is incomplete or was converted wrongly",
                   name};
    }
    if (tensor->shape != std::array<uint64_t, 4>{cols, rows, 1, 1}) {
      GgufTensor expected;
      expected.n_dims = rows == 1 ? 1 : 2;
      expected.shape = {cols, rows, 1, 1};
      return Error{ErrorCode::kCorrupt,
                   StrCat("has shape ", FormatShape(*tensor), " where the metadata asks for ", FormatShape(expected),
                          "; the file is damaged or was converted wrongly"),
                   name};
    }
    const GgmlTypeInfo& info = *FindGgmlType(static_cast<uint32_t>(tensor->type));
    if (!IsWeightType(tensor->type)) {
      return Error{ErrorCode::kUnsupported,
                   StrCat("its weights are stored as ", info.name,
                          ", which is not supported yet; supported: ", WeightTypeNames()),
                   name};
    }
    const bool is_half = tensor->type == GgmlType::kF16 || tensor->type == GgmlType::kBF16;
    const size_t alignment = tensor->type == GgmlType::kF32 ? 4 : is_half ? 2 : 1;
    if (reinterpret_cast<uintptr_t>(tensor->data.data()) % alignment != 0) {
      return Error{
          ErrorCode::kUnsupported,
          StrCat("its data is not aligned to ", alignment, " bytes; convert the file with the usual alignment of 32"),
          name};
    }
    if (used_.insert(tensor->name).second) count_[tensor->type] += tensor->n_elements();
    return MakeWeightMatrix(tensor->type, static_cast<size_t>(rows), static_cast<size_t>(cols), tensor->data);
  }

  Result<std::vector<float>> Vector(const std::string& name, uint64_t size) {
    LP_ASSIGN_OR_RETURN(const WeightMatrix row, Matrix(name, 1, size));
    std::vector<float> out(static_cast<size_t>(size));
    DecodeRow(row, 0, out);
    return out;
  }

  Status CheckNothingLeft() const {
    for (const GgufTensor& tensor : file_.tensors()) {
      if (used_.contains(tensor.name)) continue;
      return Error{
          ErrorCode::kUnsupported,
          "this tensor is no part of the architecture as logitpeek runs it; without it the results would be wrong",
          Printable(tensor.name)};
    }
    return Ok();
  }

  const std::map<GgmlType, uint64_t>& count() const { return count_; }

 private:
  const GgufFile& file_;
  std::set<std::string_view> used_;
  std::map<GgmlType, uint64_t> count_;  // elements by type
};

Status ReadNorm(TensorReader& reader, const Architecture& arch, const std::string& name, uint32_t size,
                NormWeights& out) {
  LP_ASSIGN_OR_RETURN(out.weight, reader.Vector(StrCat(name, ".weight"), size));
  if (arch.norm == NormKind::kLayer) {
    LP_ASSIGN_OR_RETURN(out.bias, reader.Vector(StrCat(name, ".bias"), size));
  }
  return Ok();
}

// `rows` of matrix `name`, and its bias: empty where there is none.
Status ReadProjection(TensorReader& reader, const std::string& name, Presence bias_presence, uint64_t rows,
                      uint64_t cols, WeightMatrix& matrix, std::vector<float>& bias) {
  LP_ASSIGN_OR_RETURN(matrix, reader.Matrix(StrCat(name, ".weight"), rows, cols));
  const std::string bias_name = StrCat(name, ".bias");
  if (bias_presence == Presence::kAlways || (bias_presence == Presence::kMaybe && reader.Has(bias_name))) {
    LP_ASSIGN_OR_RETURN(bias, reader.Vector(bias_name, rows));
  }
  return Ok();
}

// The parts of a fused matrix are views of its rows.
Status ReadFused(TensorReader& reader, const ModelConfig& config, const std::string& prefix,
                 const ProjectionGroup& group, LayerWeights& out) {
  const ProjectionRule& first = group.parts.front();
  uint64_t rows = 0;
  for (const ProjectionRule& part : group.parts) rows += part.rows(config);
  WeightMatrix all;
  std::vector<float> bias;
  LP_RETURN_IF_ERROR(ReadProjection(reader, StrCat(prefix, group.fused_name), config.arch->*first.bias_presence, rows,
                                    first.cols(config), all, bias));
  size_t at = 0;
  for (const ProjectionRule& part : group.parts) {
    const size_t n = part.rows(config);
    out.*part.matrix = {all.type, n, all.cols, all.row_bytes, all.Row(at)};
    if (!bias.empty()) (out.*part.bias).assign(bias.data() + at, bias.data() + at + n);
    at += n;
  }
  return Ok();
}

Result<LayerWeights> ReadLayer(TensorReader& reader, const ModelConfig& config, size_t layer) {
  LayerWeights out;
  const Architecture& arch = *config.arch;
  const std::string prefix = StrCat("blk.", layer, ".");
  for (const NormRule& rule : kNorms) {
    if (!rule.is_there(arch)) continue;
    LP_RETURN_IF_ERROR(ReadNorm(reader, arch, StrCat(prefix, rule.name), rule.size(config), out.*rule.field));
  }
  for (const ProjectionGroup& group : kGroups) {
    const bool has_first = reader.Has(StrCat(prefix, group.parts.front().name, ".weight"));
    if (group.may_be_fused != nullptr && arch.*group.may_be_fused && !has_first) {
      LP_RETURN_IF_ERROR(ReadFused(reader, config, prefix, group, out));
      continue;
    }
    for (const ProjectionRule& rule : group.parts) {
      if (rule.matrix == &LayerWeights::ffn_gate && !arch.gated) continue;
      LP_RETURN_IF_ERROR(ReadProjection(reader, StrCat(prefix, rule.name), arch.*rule.bias_presence, rule.rows(config),
                                        rule.cols(config), out.*rule.matrix, out.*rule.bias));
    }
  }
  return out;
}

// Llama 3's factors, or Phi-3's: see ReadLongRope in model/config_rope.cc for the choice between its two sets. Both must be
// sound, whichever it is.
Status ReadRopeFactors(TensorReader& reader, const ModelConfig& config, std::vector<float>& out) {
  if (config.rope.kind == RopeKind::kNone) return Ok();
  constexpr std::string_view kShort = "rope_factors_short.weight", kLong = "rope_factors_long.weight";
  for (const std::string_view name : {std::string_view("rope_freqs.weight"), kShort, kLong}) {
    const bool needed = name == kLong && config.rope.long_factors;  // the short ones are why they are looked for at all
    if (!needed && !reader.Has(name)) continue;
    LP_ASSIGN_OR_RETURN(std::vector<float> factors, reader.Vector(std::string(name), config.rope.dim / 2));
    if (name != (config.rope.long_factors ? kShort : kLong)) out = std::move(factors);
  }
  return Ok();
}

}  // namespace

Result<ModelWeights> ReadWeights(const GgufFile& file, const ModelConfig& config) {
  TensorReader reader(file);
  ModelWeights w;
  LP_ASSIGN_OR_RETURN(w.token_embd, reader.Matrix("token_embd.weight", config.n_vocab, config.n_embd));
  if (config.arch->position_embedding) {
    LP_ASSIGN_OR_RETURN(w.position_embd, reader.Matrix("position_embd.weight", config.n_ctx, config.n_embd));
  }
  for (size_t layer = 0; layer < config.n_layer;
       ++layer) {  // not reserved: n_layer is only a claim until each is found
    LP_ASSIGN_OR_RETURN(LayerWeights weights, ReadLayer(reader, config, layer));
    w.layers.push_back(std::move(weights));
  }
  LP_RETURN_IF_ERROR(ReadNorm(reader, *config.arch, "output_norm", config.n_embd, w.output_norm));
  w.output = w.token_embd;
  if (reader.Has("output.weight")) {
    LP_ASSIGN_OR_RETURN(w.output, reader.Matrix("output.weight", config.n_vocab, config.n_embd));
  }
  LP_RETURN_IF_ERROR(ReadRopeFactors(reader, config, w.rope_factors));
  LP_RETURN_IF_ERROR(reader.CheckNothingLeft());
  uint64_t most = 0;
  for (const auto& [type, n] : reader.count()) {
    w.n_parameters += n;
    if (n > most) most = n, w.main_type = type;
  }
  return w;
}

}  // namespace lp
