#include "model/attention.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/simd_targets.h"
#include "model/ops.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS LP_SCALABLE_TARGETS
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/attention.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "distribution/exp-inl.h"
#include "hwy/highway.h"
#include "model/attention_block.h"
#include "model/functions-inl.h"
#include "quant/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using internal::Block;
using internal::BlockAhead;
using internal::kBlock;
using internal::kStep;
using internal::NothingAhead;
using internal::Piece;
using internal::Run;
static_assert(kBlock == kLanes);

using KeyTag = hn::CappedTag<float, kKeys>;
using KeyVec = hn::Vec<KeyTag>;
constexpr size_t kKeyVectors = kKeys / hn::MaxLanes(KeyTag());
// Queries that meet a block together: what is loaded of it serves them all, and there are sums enough to keep both multipliers busy.
constexpr size_t kTile = kKeyVectors == 1 ? 3 : 1;
template <class T>
using Tile = std::array<T, kTile>;

// e[v] = exp(x[v]) for x <= 0, NaN for NaN; kN vectors at once.
template <size_t kN, class D, class V = hn::Vec<D>>
HWY_INLINE void ExpOrNan(D d, const V* x, V* e) {
  V y[kN];
  Unrolled<kN>([&](auto v) LP_LAMBDA { y[v] = x[v]; });
  ExpFlush<kN>(d, y, e);
  Unrolled<kN>([&](auto v) LP_LAMBDA { e[v] = hn::IfThenElse(hn::IsNaN(x[v]), x[v], e[v]); });
}

HWY_INLINE float ExpOrNan(float x) {
  const hn::CappedTag<float, 1> d;
  const auto in = hn::Set(d, x);
  auto e = in;
  ExpOrNan<1>(d, &in, &e);
  return hn::GetLane(e);
}

// p[i][t] = q[i] . k_t for the positions t of four pieces.
template <size_t kN, class Ahead>
HWY_INLINE void ScorePieces(const Tile<const float*>& q, const std::array<const Piece*, 4>& pieces, size_t head_dim, Ahead& ahead,
                            float (*p)[kBlock]) {
  const KeyTag d;
  constexpr size_t kSums = 4 * kKeyVectors;  // a query's
  const float* const k[4] = {pieces[0]->keys, pieces[1]->keys, pieces[2]->keys, pieces[3]->keys};
  KeyVec sum[kN * kSums];
  Unrolled<kN * kSums>([&](auto i) LP_LAMBDA { sum[i] = hn::Zero(d); });
  for (size_t c = 0; c < head_dim; ++c) {
    if (c % kStep == 0) ahead.Fetch();
    KeyVec key[kSums];
    Unrolled<kSums>([&](auto s) LP_LAMBDA {
      key[s] = hn::LoadU(d, k[s / kKeyVectors] + c * kKeys + s % kKeyVectors * hn::MaxLanes(d));
    });
    Unrolled<kN>([&](auto i) LP_LAMBDA {
      const auto element = hn::Set(d, q[i][c]);
      Unrolled<kSums>([&](auto s) LP_LAMBDA { sum[i * kSums + s] = hn::MulAdd(element, key[s], sum[i * kSums + s]); });
    });
  }
  Unrolled<kN>([&](auto i) LP_LAMBDA {
    Unrolled<4>([&](auto s) LP_LAMBDA {
      const Piece& piece = *pieces[s];
      float part[kKeys];
      float* const to = piece.count == kKeys ? p[i] + piece.at : part;
      Unrolled<kKeyVectors>([&](auto v) LP_LAMBDA {
        hn::StoreU(sum[i * kSums + s * kKeyVectors + v], d, to + v * hn::MaxLanes(d));
      });
      if (HWY_UNLIKELY(to == part)) std::copy_n(part + piece.lane, piece.count, p[i] + piece.at);
    });
  });
}

template <size_t kN, class Ahead>
HWY_INLINE void Score(const Tile<const float*>& q, const Block& block, size_t head_dim, Ahead& ahead, float (*p)[kBlock]) {
  for (size_t i = 0; i < block.n_pieces; i += 4) {
    std::array<const Piece*, 4> pieces;
    for (size_t s = 0; s < 4; ++s) pieces[s] = &block.pieces[std::min(i + s, block.n_pieces - 1)];
    ScorePieces<kN>(q, pieces, head_dim, ahead, p);
  }
}

// out[i][c] = out[i][c] * rescale[i] + sum_t p[i][t] v_t[c] over positions [from, to), for the kColumns vectors that start at c.
template <size_t kN, size_t kColumns, class Ahead, class D>
HWY_INLINE void AddColumns(D d, const Block& block, size_t from, size_t to, size_t head_dim, size_t c, const float (*p)[kBlock],
                           const Tile<float>& rescale, const Tile<float*>& out, Ahead& ahead) {
  hn::Vec<D> sum[kN * kColumns];
  Unrolled<kN * kColumns>([&](auto i) LP_LAMBDA {
    const float* at = out[i / kColumns] + c + i % kColumns * hn::MaxLanes(d);
    sum[i] = hn::Mul(hn::LoadU(d, at), hn::Set(d, rescale[i / kColumns]));
  });
  for (size_t r = 0; r < block.n_runs; ++r) {
    const Run& run = block.runs[r];
    const size_t begin = std::max(from, run.at), end = std::min(to, run.at + run.count);
    if (begin >= end) continue;
    const float* value = run.values + (begin - run.at) * head_dim + c;
    for (size_t t = begin; t < end; ++t, value += head_dim) {
      if (t % kStep == 0) ahead.Fetch();
      hn::Vec<D> v[kColumns];
      Unrolled<kColumns>([&](auto u) LP_LAMBDA { v[u] = hn::LoadU(d, value + u * hn::MaxLanes(d)); });
      Unrolled<kN>([&](auto i) LP_LAMBDA {
        const auto weight = hn::Set(d, p[i][t]);
        Unrolled<kColumns>([&](auto u) LP_LAMBDA { sum[i * kColumns + u] = hn::MulAdd(weight, v[u], sum[i * kColumns + u]); });
      });
    }
  }
  Unrolled<kN * kColumns>([&](auto i) LP_LAMBDA {
    hn::StoreU(sum[i], d, out[i / kColumns] + c + i % kColumns * hn::MaxLanes(d));
  });
}

// AddColumns for all columns of a head: as many at once as there are sums, then fewer. Columns are independent, so how they are grouped
// is free. Not inlined, as Weigh and MeetBlock: they would be there many times, and a call is nothing beside a block.
template <size_t kN, class Ahead>
HWY_NOINLINE void AddValues(const Block& block, size_t from, size_t to, size_t head_dim, const float (*p)[kBlock], const Tile<float>& rescale,
                            const Tile<float*>& out, Ahead& ahead) {
  const FloatTag d32;
  const hn::CappedTag<float, 8> d8;
  const hn::CappedTag<float, 1> d1;
  size_t c = 0;
  const auto add = [&](auto d, auto columns) LP_LAMBDA {
    constexpr size_t kColumns = decltype(columns)::value;
    for (; c + kColumns * hn::MaxLanes(d) <= head_dim; c += kColumns * hn::MaxLanes(d)) {
      AddColumns<kN, kColumns>(d, block, from, to, head_dim, c, p, rescale, out, ahead);
    }
  };
  if constexpr (kN == 1 && kLaneVectors <= 4) add(d32, std::integral_constant<size_t, 2 * kLaneVectors>());
  add(d32, std::integral_constant<size_t, kLaneVectors>());
  add(d8, std::integral_constant<size_t, 8 / hn::MaxLanes(d8)>());
  add(d1, std::integral_constant<size_t, 1>());
}

// What a query has seen of its positions so far: the largest score, and the sum of exp(score - max). Its out is the sum of
// exp(score - max) times values.
struct Seen {
  float max = -std::numeric_limits<float>::infinity();
  float sum = 0;
};

// What a query reads of a block: positions [from, to) of it.
struct Part {
  bool IsEmpty() const { return from >= to; }
  size_t from, to;
};
HWY_INLINE Part PartOf(const AttentionQuery& query, size_t block) {
  return {std::max(block, query.begin) - block, std::max(block, std::min(block + kBlock, query.end)) - block};
}

// Scores of a block to weights: p[i][t] = exp(score - max) for positions t of parts[i], with the maximum of all that query i has seen and
// sees now, and 0 for others. Returns what its earlier weights are to be multiplied by. Step by step for all queries, not query by query:
// each step waits for the one before.
template <size_t kN>
HWY_NOINLINE Tile<float> Weigh(const AttentionShape& shape, const Part* parts, float (*HWY_RESTRICT p)[kBlock], Seen* HWY_RESTRICT seen) {
  const FloatTag d;
  const auto each = [&](size_t i, const auto& body) LP_LAMBDA {
    Unrolled<kLaneVectors>([&](auto v) LP_LAMBDA { body(v, p[i] + v * hn::MaxLanes(d)); });
  };
  Tile<float> max = {}, rescale = {};
  Unrolled<kN>([&](auto i) LP_LAMBDA {
    each(i, [&](auto, float* at) LP_LAMBDA {
      auto score = hn::Mul(hn::LoadU(d, at), hn::Set(d, shape.scale));
      if (shape.soft_cap != 0) {
        const auto cap = hn::Set(d, shape.soft_cap);
        score = hn::Mul(cap, Tanh(d, hn::Div(score, cap)));
      }
      hn::StoreU(score, d, at);
    });
    constexpr float kNone = -std::numeric_limits<float>::infinity();
    for (size_t t = 0; t < parts[i].from; ++t) p[i][t] = kNone;
    for (size_t t = parts[i].to; t < kBlock; ++t) p[i][t] = kNone;
    auto most = hn::Set(d, seen[i].max);
    each(i, [&](auto, float* at) LP_LAMBDA { most = hn::Max(most, hn::LoadU(d, at)); });
    max[i] = hn::GetLane(hn::MaxOfLanes(d, most));
  });
  Unrolled<kN>([&](auto i) LP_LAMBDA { rescale[i] = seen[i].sum == 0 ? 0.0f : ExpOrNan(seen[i].max - max[i]); });
  Unrolled<kN>([&](auto i) LP_LAMBDA {
    FloatVec below[kLaneVectors], e[kLaneVectors];
    each(i, [&](auto v, float* at) LP_LAMBDA { below[v] = hn::Sub(hn::LoadU(d, at), hn::Set(d, max[i])); });
    constexpr size_t kAtOnce = std::min<size_t>(kLaneVectors, 4);
    Unrolled<kLaneVectors / kAtOnce>([&](auto g) LP_LAMBDA { ExpOrNan<kAtOnce>(d, below + g * kAtOnce, e + g * kAtOnce); });
    each(i, [&](auto v, float* at) LP_LAMBDA { hn::StoreU(e[v], d, at); });
    seen[i].sum = seen[i].sum * rescale[i] + SumHalves(e);
    seen[i].max = max[i];
  });
  return rescale;
}

// A block and kN queries, each of which reads some of it.
template <size_t kN, class Ahead>
HWY_NOINLINE void MeetBlock(const AttentionShape& shape, const AttentionQuery* queries, size_t position, const Block& block, Ahead& ahead,
                            Seen* seen) {
  HWY_ALIGN float p[kN][kBlock];
  Tile<const float*> q = {};
  Tile<float*> out = {};
  Part parts[kN];
  size_t from = 0, to = kBlock;  // what all of them read
  for (size_t i = 0; i < kN; ++i) {
    q[i] = queries[i].q, out[i] = queries[i].out, parts[i] = PartOf(queries[i], position);
    from = std::max(from, parts[i].from), to = std::min(to, parts[i].to);
  }
  Score<kN>(q, block, shape.head_dim, ahead, p);
  Tile<float> rescale = Weigh<kN>(shape, parts, p, seen);
  if (kN == 1) return AddValues<kN>(block, from, to, shape.head_dim, p, rescale, out, ahead);
  // Terms are added in order: first what only some read before that, then what all do, then the rest.
  to = std::max(from, to);
  const auto add_alone = [&](size_t i, size_t begin, size_t end) LP_LAMBDA {
    if (begin < end) AddValues<1>(block, begin, end, shape.head_dim, p + i, {std::exchange(rescale[i], 1.0f)}, {out[i]}, ahead);
  };
  for (size_t i = 0; i < kN; ++i) add_alone(i, parts[i].from, std::min(from, parts[i].to));
  AddValues<kN>(block, from, to, shape.head_dim, p, rescale, out, ahead);
  rescale.fill(1.0f);
  for (size_t i = 0; i < kN; ++i) add_alone(i, std::max(to, parts[i].from), parts[i].to);
}

// A block and all queries, by threes where three of them read some of it.
template <class Ahead>
HWY_INLINE void MeetAll(const AttentionShape& shape, std::span<const AttentionQuery> queries, size_t position, const Block& block, Ahead& ahead,
                        Seen* seen) {
  const auto reads = [&](size_t i) { return i < queries.size() && !PartOf(queries[i], position).IsEmpty(); };
  for (size_t i = 0; i < queries.size();) {
    if (kTile == 3 && reads(i) && reads(i + 1) && reads(i + 2)) {
      MeetBlock<kTile>(shape, &queries[i], position, block, ahead, seen + i);
      i += kTile;
      continue;
    }
    if (reads(i)) MeetBlock<1>(shape, &queries[i], position, block, ahead, seen + i);
    ++i;
  }
}

void AttendTarget(const AttentionShape& shape, std::span<const AttentionQuery> queries, std::span<const KvRow> rows, HeadPlace place) {
  Seen seen[kMaxQueries];
  size_t begin = rows.size(), end = 0;
  for (const AttentionQuery& query : queries) {
    begin = std::min(begin, query.begin), end = std::max(end, query.end);
    std::fill_n(query.out, shape.head_dim, 0.0f);
  }
  for (size_t at = begin / kBlock * kBlock, next = at + kBlock; at < end; at = next, next += kBlock) {
    const Block block(rows.data() + at, std::min(kBlock, end - at), place, shape.head_dim);
    if (next < end && queries.size() <= 2 * kTile) {
      // Three queries fetch head_dim / kStep times at the scores, and as often at the values.
      const size_t n = std::max<size_t>(1, queries.size() * 2 * shape.head_dim / (3 * kStep));
      BlockAhead ahead(rows[next], std::min(kBlock, end - next), place, shape.head_dim, n);
      MeetAll(shape, queries, at, block, ahead, seen);
    } else {
      NothingAhead ahead;
      MeetAll(shape, queries, at, block, ahead, seen);
    }
  }
  for (size_t i = 0; i < queries.size(); ++i) Scale(queries[i].out, 1.0f / seen[i].sum, shape.head_dim);
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
HWY_EXPORT(AttendTarget);

void Attend(const AttentionShape& shape, std::span<const AttentionQuery> queries, std::span<const KvRow> rows, HeadPlace place) {
  LP_DCHECK(queries.size() <= kMaxQueries);
  HWY_DYNAMIC_DISPATCH(AttendTarget)(shape, queries, rows, place);
}

}  // namespace lp
#endif  // HWY_ONCE
