#include "model/ops.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)  // as in quant/matrix.cc
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/ops.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "distribution/exp-inl.h"
#include "hwy/highway.h"
#include "quant/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kBlock =
    64;  // positions whose scores are computed before their values are added; a multiple of kLanes

// body(d, i) for whole vectors, then for single elements: the same operations on each, so the same bits.
template <class Body>
HWY_INLINE void ForEach(size_t n, const Body& body) {
  const FloatTag d;
  size_t i = 0;
  for (; i + hn::MaxLanes(d) <= n; i += hn::MaxLanes(d)) body(d, i);
  for (; i < n; ++i) body(hn::CappedTag<float, 1>(), i);
}

void RmsNormTarget(const float* x, const float* weight, size_t n, float epsilon, float* out) {
  const float mean = Dot(x, x, n) / static_cast<float>(n);
  const float scale = 1.0f / std::sqrt(mean + epsilon);
  ForEach(n, [&](auto d, size_t i) LP_LAMBDA {
    const auto scaled = hn::Mul(hn::LoadU(d, x + i), hn::Set(d, scale));
    hn::StoreU(hn::Mul(scaled, hn::LoadU(d, weight + i)), d, out + i);
  });
}

void AddTarget(float* x, const float* y, size_t n) {
  ForEach(n,
          [&](auto d, size_t i) LP_LAMBDA { hn::StoreU(hn::Add(hn::LoadU(d, x + i), hn::LoadU(d, y + i)), d, x + i); });
}

void SwiGluTarget(float* gate, const float* up, size_t n) {
  ForEach(n, [&](auto d, size_t i) LP_LAMBDA {
    const auto x = hn::LoadU(d, gate + i), one = hn::Set(d, 1.0f);
    const auto e = ExpNonPositive(d, hn::Neg(hn::Abs(x)));  // of -|x|, so that it cannot overflow
    const auto sigmoid = hn::Div(hn::IfThenElse(hn::Ge(x, hn::Zero(d)), one, e), hn::Add(one, e));
    hn::StoreU(hn::Mul(hn::Mul(x, sigmoid), hn::LoadU(d, up + i)), d, gate + i);
  });
}

// exp(x) for x <= 0, NaN for NaN.
template <class D, class V>
HWY_INLINE V ExpOrNan(D d, V x) {
  return hn::IfThenElse(hn::IsNaN(x), x, ExpNonPositive(d, x));
}

HWY_INLINE float ExpOrNan(float x) {
  const hn::CappedTag<float, 1> d;
  return hn::GetLane(ExpOrNan(d, hn::Set(d, x)));
}

// p[i] = exp(p[i] - max) for i < count and 0 up to kBlock; returns their sum.
HWY_INLINE float ExpBlock(float* p, size_t count, float max) {
  const FloatTag d;
  std::fill(p + count, p + kBlock, -std::numeric_limits<float>::infinity());
  FloatVec sum[kLaneVectors];
  Unrolled<kLaneVectors>([&](auto v) LP_LAMBDA { sum[v] = hn::Zero(d); });
  for (size_t i = 0; i < kBlock; i += kLanes) {
    Unrolled<kLaneVectors>([&](auto v) LP_LAMBDA {
      float* at = p + i + v * hn::MaxLanes(d);
      const auto e = ExpOrNan(d, hn::Sub(hn::LoadU(d, at), hn::Set(d, max)));
      hn::StoreU(e, d, at);
      sum[v] = hn::Add(sum[v], e);
    });
  }
  return SumHalves(sum);
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

// AddColumns for all columns of a head: 32, then 8, then 1 at a time. Columns are independent, so how they are grouped
// is free.
HWY_INLINE void AddValues(const float* p, size_t count, const float* values, size_t stride, size_t head_dim,
                          float rescale, float* out) {
  const FloatTag d32;
  const hn::CappedTag<float, 8> d8;
  const hn::CappedTag<float, 1> d1;
  size_t c = 0;
  for (; c + 32 <= head_dim; c += 32) AddColumns<kLaneVectors>(d32, p, count, values + c, stride, rescale, out + c);
  for (; c + 8 <= head_dim; c += 8)
    AddColumns<8 / hn::MaxLanes(d8)>(d8, p, count, values + c, stride, rescale, out + c);
  for (; c < head_dim; ++c) AddColumns<1>(d1, p, count, values + c, stride, rescale, out + c);
}

// p[i] = q . keys[i] * scale; returns their maximum or `max`, whichever is larger. Narrow heads take 8 lanes.
template <size_t kCount>
HWY_INLINE float Scores(const float* q, const float* keys, size_t count, size_t stride, size_t head_dim, float max,
                        float* p) {
  const float scale = 1.0f / std::sqrt(static_cast<float>(head_dim));
  for (size_t i = 0; i < count; ++i) {
    p[i] = Dot<kCount>(q, keys + i * stride, head_dim) * scale;
    max = std::max(max, p[i]);
  }
  return max;
}

void AttendTarget(const float* q, const float* keys, const float* values, size_t n_positions, size_t stride,
                  size_t head_dim, float* out) {
  float p[kBlock];
  float max = -std::numeric_limits<float>::infinity(), sum = 0;
  std::fill_n(out, head_dim, 0.0f);
  for (size_t begin = 0; begin < n_positions; begin += kBlock) {
    const size_t count = std::min(kBlock, n_positions - begin);
    const float max_before = max;
    const float* block = keys + begin * stride;
    max = head_dim % kLanes == 0 ? Scores<kLanes>(q, block, count, stride, head_dim, max, p)
                                 : Scores<8>(q, block, count, stride, head_dim, max, p);
    const float rescale = begin == 0 ? 0.0f : ExpOrNan(max_before - max);
    const float block_sum = ExpBlock(p, count, max);
    sum = sum * rescale + block_sum;
    AddValues(p, count, values + begin * stride, stride, head_dim, rescale, out);
  }
  const float normalize = 1.0f / sum;
  ForEach(head_dim, [&](auto d, size_t i)
                        LP_LAMBDA { hn::StoreU(hn::Mul(hn::LoadU(d, out + i), hn::Set(d, normalize)), d, out + i); });
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
HWY_EXPORT(RmsNormTarget);
HWY_EXPORT(AddTarget);
HWY_EXPORT(SwiGluTarget);
HWY_EXPORT(AttendTarget);

void RmsNorm(const float* x, const float* weight, size_t n, float epsilon, float* out) {
  HWY_DYNAMIC_DISPATCH(RmsNormTarget)(x, weight, n, epsilon, out);
}

void Add(float* x, const float* y, size_t n) { HWY_DYNAMIC_DISPATCH(AddTarget)(x, y, n); }

void SwiGlu(float* gate, const float* up, size_t n) { HWY_DYNAMIC_DISPATCH(SwiGluTarget)(gate, up, n); }

void Attend(const float* q, const float* keys, const float* values, size_t n_positions, size_t stride, size_t head_dim,
            float* out) {
  HWY_DYNAMIC_DISPATCH(AttendTarget)(q, keys, values, n_positions, stride, head_dim, out);
}

}  // namespace lp
#endif  // HWY_ONCE
