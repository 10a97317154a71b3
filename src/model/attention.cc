#include "model/attention.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "base/simd_targets.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS LP_SCALABLE_TARGETS
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/attention.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "distribution/exp-inl.h"
#include "hwy/highway.h"
#include "model/functions-inl.h"
#include "quant/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Positions whose scores are computed before their values are added. Keys and values of a head as wide as 64 then stay in the
// first cache (16 KiB) while one query after the other meets them.
constexpr size_t kBlock = kLanes;

// exp(x) for x <= 0, NaN for NaN.
template <class D, class V>
HWY_INLINE V ExpOrNan(D d, V x) {
  return hn::IfThenElse(hn::IsNaN(x), x, ExpNonPositive(d, x));
}

HWY_INLINE float ExpOrNan(float x) {
  const hn::CappedTag<float, 1> d;
  return hn::GetLane(ExpOrNan(d, hn::Set(d, x)));
}

// Eight keys meet a query at once: a vector of the query is loaded once for all of them, and their lanes are added by a
// transposition instead of one key's after another's.
constexpr size_t kKeys = 8;
using KeyTag = hn::CappedTag<float, 8>;
using KeyVec = hn::Vec<KeyTag>;
constexpr size_t kKeyVectors = 8 / hn::MaxLanes(KeyTag());  // of eight lanes

// sum[k]: the 8 lanes of key k, as kKeyVectors vectors -> p[k], added in halves: (l, l + 4), (l, l + 2), (l, l + 1).
HWY_INLINE void SumKeys(const KeyVec (*sum)[kKeyVectors], float* HWY_RESTRICT p) {
  const KeyTag d;
#if HWY_TARGET == HWY_SCALAR
  for (size_t k = 0; k < kKeys; ++k) {
    float lane[8];
    for (size_t l = 0; l < 8; ++l) hn::StoreU(sum[k][l], d, lane + l);
    for (size_t half = 4; half > 0; half /= 2) {
      for (size_t l = 0; l < half; ++l) lane[l] += lane[l + half];
    }
    p[k] = lane[0];
  }
#else
  const hn::Repartition<double, KeyTag> d64;
  // Halves of 4 lanes: those of keys a and b next to each other, or where vectors have but 4, of one key.
  const auto fours = [&](size_t a, size_t b) LP_LAMBDA {
    if constexpr (kKeyVectors == 1) {
      return hn::Add(hn::ConcatLowerLower(d, sum[b][0], sum[a][0]), hn::ConcatUpperUpper(d, sum[b][0], sum[a][0]));
    } else {
      return hn::Add(sum[a][0], sum[a][1]);
    }
  };
  const auto twos = [&](KeyVec v, KeyVec w) LP_LAMBDA {
    const auto v64 = hn::BitCast(d64, v), w64 = hn::BitCast(d64, w);
    return hn::Add(hn::BitCast(d, hn::InterleaveLower(d64, v64, w64)), hn::BitCast(d, hn::InterleaveUpper(d64, v64, w64)));
  };
  // v: lanes 0 and 1 of keys i, i + 2; w: of i + 1, i + 3 -> one lane each, in the order of keys.
  const auto ones = [&](KeyVec v, KeyVec w) LP_LAMBDA { return twos(hn::InterleaveLower(d, v, w), hn::InterleaveUpper(d, v, w)); };
  constexpr size_t kOther = kKeyVectors == 1 ? 4 : 0;  // the key in the upper half
  for (size_t i = 0; i < kKeys; i += hn::MaxLanes(d)) {
    const auto even = twos(fours(i, i + kOther), fours(i + 2, i + 2 + kOther));
    const auto odd = twos(fours(i + 1, i + 1 + kOther), fours(i + 3, i + 3 + kOther));
    hn::StoreU(ones(even, odd), d, p + i);
  }
#endif
}

// sum[k] += q . keys[k], lane by lane, for 8 elements.
template <class KeyAt>
HWY_INLINE void AddKeys(const float* q, const KeyAt& key_at, KeyVec (*sum)[kKeyVectors]) {
  const KeyTag d;
  Unrolled<kKeyVectors>([&](auto v) LP_LAMBDA {
    const auto qv = hn::LoadU(d, q + v * hn::MaxLanes(d));
    Unrolled<kKeys>([&](auto k) LP_LAMBDA {
      sum[k][v] = hn::MulAdd(qv, hn::LoadU(d, key_at(k) + v * hn::MaxLanes(d)), sum[k][v]);
    });
  });
}

// The last elements of a head that is no multiple of 8 wide. Apart, so that nobody else pays for the zeros, which add nothing.
HWY_NOINLINE void AddKeysTail(const float* q, const float* const* key, size_t n, KeyVec (*sum)[kKeyVectors]) {
  float q_tail[8] = {}, tail[kKeys][8] = {};
  for (size_t t = 0; t < n; ++t) {
    q_tail[t] = q[t];
    for (size_t k = 0; k < kKeys; ++k) tail[k][t] = key[k][t];
  }
  AddKeys(q_tail, [&](size_t k) LP_LAMBDA { return tail[k]; }, sum);
}

// p[k] = q . keys[k] for kKeys keys that lie `stride` apart; all but the first `count` are the last of those again. Element i
// goes to lane i mod 8, each lane adds its products in order of i with a multiply-add.
HWY_INLINE void ScoreKeys(const float* HWY_RESTRICT q, const float* HWY_RESTRICT keys, size_t stride, size_t count,
                          size_t head_dim, float* HWY_RESTRICT p) {
  const float* key[kKeys];
  KeyVec sum[kKeys][kKeyVectors];
  Unrolled<kKeys>([&](auto k) LP_LAMBDA {
    key[k] = keys + std::min<size_t>(k, count - 1) * stride;
    Unrolled<kKeyVectors>([&](auto v) LP_LAMBDA { sum[k][v] = hn::Zero(KeyTag()); });
  });
  size_t i = 0;
  for (; i + 8 <= head_dim; i += 8) AddKeys(q + i, [&](size_t k) LP_LAMBDA { return key[k] + i; }, sum);
  if (HWY_UNLIKELY(i < head_dim)) {
    for (const float*& k : key) k += i;
    KeyVec so_far[kKeys][kKeyVectors];  // sums that have an address would live in memory above
    for (size_t k = 0; k < kKeys; ++k) std::copy_n(sum[k], kKeyVectors, so_far[k]);
    AddKeysTail(q + i, key, head_dim - i, so_far);
    return SumKeys(so_far, p);
  }
  SumKeys(sum, p);
}

// out[c] = out[c] * rescale + sum_i p[i] values[i][c] for the kN vectors that start at c.
template <size_t kN, class D>
HWY_INLINE void AddColumns(D d, const float* p, size_t count, const float* values, size_t stride, float rescale,
                           float* out) {
  hn::Vec<D> acc[kN];
  Unrolled<kN>([&](auto v)
                   LP_LAMBDA { acc[v] = hn::Mul(hn::LoadU(d, out + v * hn::MaxLanes(d)), hn::Set(d, rescale)); });
  for (size_t i = 0; i < count; ++i) {
    const auto weight = hn::Set(d, p[i]);
    Unrolled<kN>([&](auto v) LP_LAMBDA {
      acc[v] = hn::MulAdd(weight, hn::LoadU(d, values + i * stride + v * hn::MaxLanes(d)), acc[v]);
    });
  }
  Unrolled<kN>([&](auto v) LP_LAMBDA { hn::StoreU(acc[v], d, out + v * hn::MaxLanes(d)); });
}

// AddColumns for all columns of a head: 64 or 32, then 8, then 1 at a time. Columns are independent, so how they are grouped
// is free; eight sums of a vector of 8 keep both multipliers busy.
HWY_INLINE void AddValues(const float* p, size_t count, const float* values, size_t stride, size_t head_dim,
                          float rescale, float* out) {
  const FloatTag d32;
  const hn::CappedTag<float, 8> d8;
  const hn::CappedTag<float, 1> d1;
  size_t c = 0;
  if constexpr (kLaneVectors <= 4) {
    for (; c + 64 <= head_dim; c += 64) AddColumns<2 * kLaneVectors>(d32, p, count, values + c, stride, rescale, out + c);
  }
  for (; c + 32 <= head_dim; c += 32) AddColumns<kLaneVectors>(d32, p, count, values + c, stride, rescale, out + c);
  for (; c + 8 <= head_dim; c += 8)
    AddColumns<8 / hn::MaxLanes(d8)>(d8, p, count, values + c, stride, rescale, out + c);
  for (; c < head_dim; ++c) AddColumns<1>(d1, p, count, values + c, stride, rescale, out + c);
}

// body(i, n) for each stretch of `count` rows that lies in one piece.
template <class Body>
HWY_INLINE void ForEachRun(const KvRow* rows, size_t count, const Body& body) {
  for (size_t i = 0; i < count;) {
    const size_t n = std::min(count - i, rows[i].run);
    body(i, n);
    i += n;
  }
}

// What a query has seen of its positions so far: the largest score, and the sum of exp(score - max). Its out is the sum of
// exp(score - max) times values.
struct Seen {
  float max = -std::numeric_limits<float>::infinity();
  float sum = 0;
};

// Scores of a block to weights: p[i] = exp(score[i] - max), with the maximum of all that was seen and is seen now, and 0 for i >= count.
// Returns what earlier weights are to be multiplied by.
HWY_INLINE float Weigh(const AttentionShape& shape, size_t count, bool is_first, float* HWY_RESTRICT p, Seen& seen) {
  const FloatTag d;
  const auto each = [&](const auto& body) LP_LAMBDA {
    Unrolled<kLaneVectors>([&](auto v) LP_LAMBDA { body(v, p + v * hn::MaxLanes(d)); });
  };
  each([&](auto, float* at) LP_LAMBDA {
    auto score = hn::Mul(hn::LoadU(d, at), hn::Set(d, shape.scale));
    if (shape.soft_cap != 0) {
      const auto cap = hn::Set(d, shape.soft_cap);
      score = hn::Mul(cap, Tanh(d, hn::Div(score, cap)));
    }
    hn::StoreU(score, d, at);
  });
  std::fill(p + count, p + kBlock, -std::numeric_limits<float>::infinity());
  auto most = hn::Set(d, seen.max);
  each([&](auto, float* at) LP_LAMBDA { most = hn::Max(most, hn::LoadU(d, at)); });
  const float max = hn::GetLane(hn::MaxOfLanes(d, most));
  FloatVec sum[kLaneVectors];
  each([&](auto v, float* at) LP_LAMBDA {
    sum[v] = ExpOrNan(d, hn::Sub(hn::LoadU(d, at), hn::Set(d, max)));
    hn::StoreU(sum[v], d, at);
  });
  const float rescale = is_first ? 0.0f : ExpOrNan(seen.max - max);
  seen.sum = seen.sum * rescale + SumHalves(sum);
  seen.max = max;
  return rescale;
}

// The rows of one block for one query.
HWY_INLINE void AttendBlock(const AttentionShape& shape, const AttentionQuery& query, const KvRow* rows, size_t count,
                            bool is_first, size_t keys_at, size_t values_at, Seen& seen) {
  HWY_ALIGN float p[kBlock + kKeys - 1];  // keys come in eights, also at the end of a run
  std::fill_n(p + count, kBlock - count, 0.0f);
  ForEachRun(rows, count, [&](size_t i, size_t n) LP_LAMBDA {
    for (size_t k = 0; k < n; k += kKeys) {
      ScoreKeys(query.q, rows[i].at + keys_at + k * shape.stride, shape.stride, n - k, shape.head_dim, p + i + k);
    }
  });
  const float rescale = Weigh(shape, count, is_first, p, seen);
  ForEachRun(rows, count, [&](size_t i, size_t n) LP_LAMBDA {
    AddValues(p + i, n, rows[i].at + values_at, shape.stride, shape.head_dim, i == 0 ? rescale : 1.0f, query.out);
  });
}

void AttendTarget(const AttentionShape& shape, std::span<const AttentionQuery> queries, std::span<const KvRow> rows,
                  size_t keys_at, size_t values_at) {
  Seen seen[kMaxQueries];
  size_t begin = rows.size(), end = 0;
  for (const AttentionQuery& query : queries) {
    begin = std::min(begin, query.begin), end = std::max(end, query.end);
    std::fill_n(query.out, shape.head_dim, 0.0f);
  }
  for (size_t block = begin / kBlock * kBlock; block < end; block += kBlock) {
    for (size_t i = 0; i < queries.size(); ++i) {
      const size_t from = std::max(block, queries[i].begin), to = std::min(block + kBlock, queries[i].end);
      if (from >= to) continue;
      AttendBlock(shape, queries[i], rows.data() + from, to - from, from == queries[i].begin, keys_at, values_at, seen[i]);
    }
  }
  const hn::CappedTag<float, 1> d1;
  for (size_t i = 0; i < queries.size(); ++i) {
    const float factor = 1.0f / seen[i].sum;
    for (size_t c = 0; c < shape.head_dim; ++c) {
      float* at = queries[i].out + c;
      hn::StoreU(hn::Mul(hn::LoadU(d1, at), hn::Set(d1, factor)), d1, at);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
HWY_EXPORT(AttendTarget);

void Attend(const AttentionShape& shape, std::span<const AttentionQuery> queries, std::span<const KvRow> rows, size_t keys_at,
            size_t values_at) {
  LP_DCHECK(queries.size() <= kMaxQueries);
  HWY_DYNAMIC_DISPATCH(AttendTarget)(shape, queries, rows, keys_at, values_at);
}

}  // namespace lp
#endif  // HWY_ONCE
