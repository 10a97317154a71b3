// Attention: queries meet the keys and values of a path.
#pragma once

#include <cstddef>
#include <span>

#include "model/kv_layout.h"

namespace lp {

struct AttentionShape {
  size_t head_dim;
  float scale, soft_cap;
};

// What one head asks for one token: positions [begin, end), of which there is at least one.
struct AttentionQuery {
  const float* q;  // [head_dim]
  float* out;      // [head_dim]
  size_t begin, end;
};
inline constexpr size_t kMaxQueries = 16;  // at once

// out = sum softmax(score)_t v_t over the query's positions t, with score_t = scale * q . k_t, soft-capped where soft_cap is not 0,
// for each of at most kMaxQueries queries that share their keys and values.
// The softmax is computed in blocks of positions that rescale what came before (Milakov & Gimelshein, "Online normalizer
// calculation for softmax", 2018), so no buffer grows with the context. A sum adds its terms in order, one multiply-add each, and blocks
// begin at multiples of 32: neither where rows lie nor which queries come together changes a bit of the result. A NaN score makes all
// of out NaN.
void Attend(const AttentionShape& shape, std::span<const AttentionQuery> queries, std::span<const KvRow> rows, HeadPlace place);

}  // namespace lp
