#include "model/ops.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/simd_targets.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS LP_SCALABLE_TARGETS
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/ops.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "distribution/exp-inl.h"
#include "hwy/highway.h"
#include "model/functions-inl.h"
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

// The sum of x, in the lanes and halves of quant/matrix.h.
HWY_INLINE float Sum(const float* x, size_t n) {
  const FloatTag d;
  FloatVec acc[kLaneVectors];
  Unrolled<kLaneVectors>([&](auto v) LP_LAMBDA { acc[v] = hn::Zero(d); });
  const auto add = [&](const float* from) LP_LAMBDA {
    Unrolled<kLaneVectors>([&](auto v)
                               LP_LAMBDA { acc[v] = hn::Add(acc[v], hn::LoadU(d, from + v * hn::MaxLanes(d))); });
  };
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) add(x + i);
  if (i < n) {
    float tail[kLanes] = {};
    for (size_t t = 0; i + t < n; ++t) tail[t] = x[i + t];
    add(tail);
  }
  return SumHalves(acc);
}

void LayerNormTarget(const float* x, const float* weight, const float* bias, size_t n, float epsilon, float* out) {
  const float mean = Sum(x, n) / static_cast<float>(n);
  // Centred first: the difference of two means of squares would cancel.
  ForEach(n,
          [&](auto d, size_t i) LP_LAMBDA { hn::StoreU(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean)), d, out + i); });
  const float scale = 1.0f / std::sqrt(Dot(out, out, n) / static_cast<float>(n) + epsilon);
  ForEach(n, [&](auto d, size_t i) LP_LAMBDA {
    const auto scaled = hn::Mul(hn::LoadU(d, out + i), hn::Set(d, scale));
    hn::StoreU(hn::MulAdd(scaled, hn::LoadU(d, weight + i), hn::LoadU(d, bias + i)), d, out + i);
  });
}

void AddTarget(float* x, const float* y, size_t n) {
  ForEach(n,
          [&](auto d, size_t i) LP_LAMBDA { hn::StoreU(hn::Add(hn::LoadU(d, x + i), hn::LoadU(d, y + i)), d, x + i); });
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

void ScaleTarget(float* x, float factor, size_t n) {
  ForEach(n,
          [&](auto d, size_t i) LP_LAMBDA { hn::StoreU(hn::Mul(hn::LoadU(d, x + i), hn::Set(d, factor)), d, x + i); });
}

void SoftCapTarget(float* x, float cap, size_t n) {
  ForEach(n, [&](auto d, size_t i) LP_LAMBDA {
    const auto c = hn::Set(d, cap);
    hn::StoreU(hn::Mul(c, Tanh(d, hn::Div(hn::LoadU(d, x + i), c))), d, x + i);
  });
}

template <class Function>
HWY_INLINE void ActivateWith(const Function& function, float* x, const float* up, size_t n) {
  if (up == nullptr) {
    ForEach(n, [&](auto d, size_t i) LP_LAMBDA { hn::StoreU(function(d, hn::LoadU(d, x + i)), d, x + i); });
  } else {
    ForEach(n, [&](auto d, size_t i) LP_LAMBDA {
      hn::StoreU(hn::Mul(function(d, hn::LoadU(d, x + i)), hn::LoadU(d, up + i)), d, x + i);
    });
  }
}

void ActivateTarget(Activation activation, float* x, const float* up, size_t n) {
  switch (activation) {
    case Activation::kSilu:
      return ActivateWith([](auto d, auto v) LP_LAMBDA { return Silu(d, v); }, x, up, n);
    case Activation::kGelu:
      return ActivateWith([](auto d, auto v) LP_LAMBDA { return Gelu(d, v); }, x, up, n);
    case Activation::kGeluTanh:
      return ActivateWith([](auto d, auto v) LP_LAMBDA { return GeluTanh(d, v); }, x, up, n);
  }
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

// p[i] = q . keys[i] * scale for i < count. Narrow heads take 8 lanes.
template <size_t kCount>
HWY_INLINE void Scores(const AttentionShape& shape, const float* q, const float* keys, size_t count, float* p) {
  for (size_t i = 0; i < count; ++i) p[i] = Dot<kCount>(q, keys + i * shape.stride, shape.head_dim) * shape.scale;
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

void AttendTarget(const AttentionShape& shape, const float* q, std::span<const KvRow> rows, size_t keys_at,
                  size_t values_at, float* out) {
  const size_t head_dim = shape.head_dim;
  float p[kBlock];
  float max = -std::numeric_limits<float>::infinity(), sum = 0;
  std::fill_n(out, head_dim, 0.0f);
  for (size_t begin = 0; begin < rows.size(); begin += kBlock) {
    const size_t count = std::min(kBlock, rows.size() - begin);
    const KvRow* block = rows.data() + begin;
    ForEachRun(block, count, [&](size_t i, size_t n) LP_LAMBDA {
      if (head_dim % kLanes == 0) {
        Scores<kLanes>(shape, q, block[i].at + keys_at, n, p + i);
      } else {
        Scores<8>(shape, q, block[i].at + keys_at, n, p + i);
      }
    });
    if (shape.soft_cap != 0) SoftCapTarget(p, shape.soft_cap, count);
    const float max_before = max;
    for (size_t i = 0; i < count; ++i) max = std::max(max, p[i]);
    const float rescale = begin == 0 ? 0.0f : ExpOrNan(max_before - max);
    const float block_sum = ExpBlock(p, count, max);
    sum = sum * rescale + block_sum;
    ForEachRun(block, count, [&](size_t i, size_t n) LP_LAMBDA {
      AddValues(p + i, n, block[i].at + values_at, shape.stride, head_dim, i == 0 ? rescale : 1.0f, out);
    });
  }
  ScaleTarget(out, 1.0f / sum, head_dim);
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
HWY_EXPORT(RmsNormTarget);
HWY_EXPORT(LayerNormTarget);
HWY_EXPORT(AddTarget);
HWY_EXPORT(ScaleTarget);
HWY_EXPORT(SoftCapTarget);
HWY_EXPORT(ActivateTarget);
HWY_EXPORT(AttendTarget);

void RmsNorm(const float* x, const float* weight, size_t n, float epsilon, float* out) {
  HWY_DYNAMIC_DISPATCH(RmsNormTarget)(x, weight, n, epsilon, out);
}

void LayerNorm(const float* x, const float* weight, const float* bias, size_t n, float epsilon, float* out) {
  HWY_DYNAMIC_DISPATCH(LayerNormTarget)(x, weight, bias, n, epsilon, out);
}

void Add(float* x, const float* y, size_t n) { HWY_DYNAMIC_DISPATCH(AddTarget)(x, y, n); }

void Scale(float* x, float factor, size_t n) { HWY_DYNAMIC_DISPATCH(ScaleTarget)(x, factor, n); }

void SoftCap(float* x, float cap, size_t n) { HWY_DYNAMIC_DISPATCH(SoftCapTarget)(x, cap, n); }

void Activate(Activation activation, float* x, const float* up, size_t n) {
  HWY_DYNAMIC_DISPATCH(ActivateTarget)(activation, x, up, n);
}

void Attend(const AttentionShape& shape, const float* q, std::span<const KvRow> rows, size_t keys_at, size_t values_at,
            float* out) {
  HWY_DYNAMIC_DISPATCH(AttendTarget)(shape, q, rows, keys_at, values_at, out);
}

}  // namespace lp
#endif  // HWY_ONCE
