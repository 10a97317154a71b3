#include "engine/token_cost.h"

#include <chrono>

#include "base/mapped_file.h"
#include "base/median.h"
#include "base/thread_pool.h"
#include "gguf/gguf.h"
#include "model/model.h"

namespace lp {
namespace {

using Clock = std::chrono::steady_clock;

double Milliseconds(Clock::duration d) { return std::chrono::duration<double, std::milli>(d).count(); }

// All tensors but those of which a token reads one row: a head of its own leaves the embedding to look-ups.
uint64_t BytesPerToken(const GgufFile& file) {
  const bool has_head = file.FindTensor("output.weight") != nullptr;
  uint64_t bytes = 0;
  for (const GgufTensor& tensor : file.tensors()) {
    const bool is_looked_up = tensor.name == "position_embd.weight" || (tensor.name == "token_embd.weight" && has_head);
    if (!is_looked_up) bytes += tensor.data.size();
  }
  return bytes;
}

}  // namespace

Result<TokenCost> MeasureTokenCost(const std::string& path, bool copied, size_t n_threads, std::span<const TokenId> context, size_t n) {
  LP_ASSIGN_OR_RETURN(const MappedFile mapped, MappedFile::Open(path));
  LP_ASSIGN_OR_RETURN(const GgufFile file, GgufFile::Parse(mapped.bytes()));
  LP_ASSIGN_OR_RETURN(const std::unique_ptr<Model> model, Model::Load(file));
  ThreadPool pool(n_threads);
  if (copied) {
    LP_ASSIGN_OR_RETURN(WeightCopies copies, model->CopyWeights(pool, [] { return true; }));
    model->UseCopies(std::move(copies));
  }
  KvCache cache(model->config(), context.size());
  std::vector<float> logits(model->config().n_vocab);
  std::vector<std::vector<double>> layers(model->config().n_layer);  // [n_layer][n]
  std::vector<double> head;
  Clock::time_point last;
  Taps taps;
  taps.residual = [&](size_t layer, std::span<const float>) {
    const auto now = Clock::now();
    layers[layer].push_back(Milliseconds(now - last));
    last = now;
  };
  LP_RETURN_IF_ERROR(model->Evaluate(context.first(context.size() - n), cache, 1, logits, pool));
  for (size_t i = context.size() - n; i < context.size(); ++i) {
    last = Clock::now();
    LP_RETURN_IF_ERROR(model->Evaluate(context.subspan(i, 1), cache, 1, logits, pool, nullptr, &taps));
    head.push_back(Milliseconds(Clock::now() - last));
  }
  TokenCost cost;
  cost.weight_bytes = BytesPerToken(file);
  cost.head_ms = Median(std::move(head));
  for (auto& times : layers) cost.layer_ms.push_back(Median(std::move(times)));
  return cost;
}

}  // namespace lp
