// A transformer read from GGUF and its forward pass: token ids -> logits, the whole vocabulary, every time.
//
// Weights stay in the type they are stored in, in the mapped file or copied out of it; activations, the KV cache and every accumulation are
// float32. The logits of a token path are bit-identical whatever the batch split, cache reuse or number of threads:
// each output number is summed by one thread in an order that depends on the row's length only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"
#include "base/thread_pool.h"
#include "base/token.h"
#include "gguf/gguf.h"
#include "model/config.h"
#include "model/kv_cache.h"
#include "model/taps.h"
#include "model/weight_copies.h"

namespace lp {

// Tells how far a long evaluation is (tokens done, tokens in all); returning false cancels it.
using EvalProgress = std::function<bool(size_t done, size_t total)>;

class Model {
 public:
  // Views into `file`'s bytes, which must outlive the model (the GgufFile need not). Errors: kUnsupported (an
  // architecture or tensor type that is not there, by name, with the list of those that are), kNotFound (a missing
  // key), kCorrupt (a missing tensor, a shape that contradicts the metadata).
  // context: tokens that will be asked for at most; it chooses between the two sets of RoPE factors that Phi-3 has.
  static Result<std::unique_ptr<Model>> Load(const GgufFile& file, uint64_t context = 0);
  ~Model();

  const ModelConfig& config() const;
  uint64_t n_parameters() const;          // elements of all weight tensors
  std::string_view quantization() const;  // the type that holds most weights: "Q8_0"

  // Evaluates `tokens` at positions [cache.size(), cache.size() + n) and appends them to the cache, which was made from
  // this model's config. `logits` receives the last `n_logits` positions' logits, row-major [n_logits, n_vocab];
  // n_logits <= n. `progress` is called after each layer of a batch, and in part counts its tokens; its answer after the last no longer matters. NaN weights
  // give NaN logits. Errors, with the cache as it was: kOutOfRange when it has no room, kInvalidArgument for an id
  // outside [0, n_vocab). `taps` watch the last token. kCancelled: the cache then holds the tokens of whole batches before. Uses `pool`
  // alone: one caller at a time.
  Status Evaluate(std::span<const TokenId> tokens, KvCache& cache, size_t n_logits, std::span<float> logits,
                  ThreadPool& pool, const EvalProgress& progress = nullptr, const Taps* taps = nullptr) const;

  // The final norm and the head on a residual stream [n_embd]: the logits [n_vocab] the model would give if its layers ended
  // there ("logit lens", nostalgebraist 2020).
  void Unembed(std::span<const float> stream, std::span<float> logits, ThreadPool& pool) const;

  // What copies of the weights take, and the copies, which may be made while Evaluate runs: WeightCopies::Make says how.
  uint64_t CopyBytes() const;
  Result<WeightCopies> CopyWeights(ThreadPool& pool, const std::function<bool()>& go_on) const;
  // Evaluate reads the copies from here on, to the same results. Not while it runs, and once.
  void UseCopies(WeightCopies copies);

 private:
  struct Impl;
  explicit Model(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lp
