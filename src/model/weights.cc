#include "model/weights.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "base/str_cat.h"
#include "gguf/describe.h"

namespace lp {
namespace {

// A layer's tensors as data: name in the file after "blk.N.", where it goes, and its shape.
struct VectorRule {
  std::string_view name;
  std::vector<float> LayerWeights::*field;
  uint32_t (*size)(const ModelConfig&);
};
struct MatrixRule {
  std::string_view name;
  WeightMatrix LayerWeights::*field;
  uint32_t (*rows)(const ModelConfig&);
  uint32_t (*cols)(const ModelConfig&);
};

constexpr auto kEmbd = +[](const ModelConfig& c) { return c.n_embd; };
constexpr auto kQ = +[](const ModelConfig& c) { return c.q_dim(); };
constexpr auto kKv = +[](const ModelConfig& c) { return c.kv_dim(); };
constexpr auto kFf = +[](const ModelConfig& c) { return c.n_ff; };

constexpr VectorRule kLayerVectors[] = {
    {"attn_norm.weight", &LayerWeights::attn_norm, kEmbd},
    {"ffn_norm.weight", &LayerWeights::ffn_norm, kEmbd},
};
constexpr MatrixRule kLayerMatrices[] = {
    {"attn_q.weight", &LayerWeights::attn_q, kQ, kEmbd},
    {"attn_k.weight", &LayerWeights::attn_k, kKv, kEmbd},
    {"attn_v.weight", &LayerWeights::attn_v, kKv, kEmbd},
    {"attn_output.weight", &LayerWeights::attn_output, kEmbd, kQ},
    {"ffn_gate.weight", &LayerWeights::ffn_gate, kFf, kEmbd},
    {"ffn_up.weight", &LayerWeights::ffn_up, kFf, kEmbd},
    {"ffn_down.weight", &LayerWeights::ffn_down, kEmbd, kFf},
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

Result<LayerWeights> ReadLayer(TensorReader& reader, const ModelConfig& config, size_t layer) {
  LayerWeights out;
  const std::string prefix = StrCat("blk.", layer, ".");
  for (const VectorRule& rule : kLayerVectors) {
    LP_ASSIGN_OR_RETURN(out.*rule.field, reader.Vector(StrCat(prefix, rule.name), rule.size(config)));
  }
  for (const MatrixRule& rule : kLayerMatrices) {
    LP_ASSIGN_OR_RETURN(out.*rule.field,
                        reader.Matrix(StrCat(prefix, rule.name), rule.rows(config), rule.cols(config)));
  }
  return out;
}

}  // namespace

Result<ModelWeights> ReadWeights(const GgufFile& file, const ModelConfig& config) {
  TensorReader reader(file);
  ModelWeights w;
  LP_ASSIGN_OR_RETURN(w.token_embd, reader.Matrix("token_embd.weight", config.n_vocab, config.n_embd));
  for (size_t layer = 0; layer < config.n_layer;
       ++layer) {  // not reserved: n_layer is only a claim until each is found
    LP_ASSIGN_OR_RETURN(LayerWeights weights, ReadLayer(reader, config, layer));
    w.layers.push_back(std::move(weights));
  }
  LP_ASSIGN_OR_RETURN(w.output_norm, reader.Vector("output_norm.weight", config.n_embd));
  w.output = w.token_embd;
  if (reader.Has("output.weight")) {
    LP_ASSIGN_OR_RETURN(w.output, reader.Matrix("output.weight", config.n_vocab, config.n_embd));
  }
  if (reader.Has("rope_freqs.weight")) {
    LP_ASSIGN_OR_RETURN(w.rope_factors, reader.Vector("rope_freqs.weight", config.rope_dim / 2));
  }
  LP_RETURN_IF_ERROR(reader.CheckNothingLeft());
  uint64_t most = 0;
  for (const auto& [type, n] : reader.count()) {
    w.n_parameters += n;
    if (n > most) most = n, w.main_type = type;
  }
  return w;
}

}  // namespace lp
