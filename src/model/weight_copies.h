// Copies of a model's matrices in memory of its own, for speed: in huge pages, and 4-bit types rearranged (quant/copies.h).
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/huge_memory.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "model/weights.h"

namespace lp {

// Of the matrices that products read; an embedding of which a token looks one row up stays where it is. Products with copies are those
// with the matrices, bit for bit.
class WeightCopies {
 public:
  static uint64_t BytesFor(const ModelWeights& weights);

  // `weights` as read from the file. go_on is asked a few hundred times a second: false stops. Errors: kOutOfRange where the system has
  // not enough memory, kCancelled.
  static Result<WeightCopies> Make(const ModelWeights& weights, ThreadPool& pool, const std::function<bool()>& go_on);

  // Lets `weights`, those that were copied, read the copies, which must outlive them.
  void ReplaceIn(ModelWeights& weights) const;

 private:
  HugeMemory memory_;
  std::vector<WeightMatrix> copies_;  // in the order of Multiplied
};

}  // namespace lp
