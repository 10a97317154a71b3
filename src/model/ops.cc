#include "model/ops.h"

#include <algorithm>
#include <cmath>

#include "base/simd_targets.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS LP_SCALABLE_TARGETS
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/ops.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "hwy/highway.h"
#include "model/functions-inl.h"
#include "quant/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

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

}  // namespace lp
#endif  // HWY_ONCE
