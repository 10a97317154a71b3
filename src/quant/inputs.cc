// Inputs of products with block types: float32 rounded to 16 bits.
//
// Of each 32 numbers (a chunk), the largest magnitude m says the unit: 2^(e - 14) where 2^e <= m < 2^(e + 1), the smallest power of
// two of which every number is at most 2^15. A number is rounded to the nearest multiple, so it is off by half a unit, at
// most m / 2^15 (a whole unit where it would be 2^15 units, which 16 bits do not hold). Chunks below 2^-112 are zeros. A chunk
// with infinity or NaN has the unit NaN: so has every sum it is part of.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/simd_targets.h"
#include "quant/kernels.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (LP_SCALABLE_TARGETS | HWY_SSSE3)  // as in quants.cc
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/inputs.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/quants-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Rounds a chunk: x [32] -> q [32]; returns its unit.
HWY_INLINE float RoundChunk(const float* HWY_RESTRICT x, int16_t* HWY_RESTRICT q) {
  const hn::CappedTag<float, kChunk / 2> d;
  const hn::RebindToSigned<decltype(d)> di;
  constexpr size_t kVectors = kChunk / hn::MaxLanes(d);
  hn::Vec<decltype(d)> v[kVectors];
  auto most = hn::Zero(di);  // of magnitudes as bits, which are in the order of what they mean, and NaN above all
  Unrolled<kVectors>([&](auto i) LP_LAMBDA {
    v[i] = hn::LoadU(d, x + i * hn::MaxLanes(d));
    most = hn::Max(most, hn::BitCast(di, hn::Abs(v[i])));
  });
  const auto exponent = static_cast<uint32_t>(hn::GetLane(hn::MaxOfLanes(di, most))) >> 23;  // e + 127
  const bool is_zero = exponent < 15, is_finite = exponent < 255;
  // As floats of their own bits: 2^(e - 14) and 2^(14 - e).
  const uint32_t unit_bits = !is_finite ? 0x7FC00000u : is_zero ? 0 : (exponent - 14) << 23;
  const uint32_t per_unit_bits = is_zero || !is_finite ? 0 : (268 - exponent) << 23;
  float unit, per_unit;
  std::memcpy(&unit, &unit_bits, sizeof(unit)), std::memcpy(&per_unit, &per_unit_bits, sizeof(per_unit));
  const auto factor = hn::Set(d, per_unit);
  const hn::Rebind<int16_t, decltype(d)> d16;
  Unrolled<kVectors>([&](auto i) LP_LAMBDA {
    hn::StoreU(hn::DemoteTo(d16, hn::NearestInt(hn::Mul(v[i], factor))), d16, q + i * hn::MaxLanes(d));
  });
  return unit;
}

HWY_INLINE int32_t SumOfRun(const int16_t* q, size_t run) {
  const QuantTag d;
  const SumTag di;
  auto sum = hn::Zero(di);
  for (size_t i = 0; i < run; i += hn::MaxLanes(d)) {
    sum = hn::Add(sum, MultiplyPairs(di, hn::LoadU(d, q + i), hn::Set(d, int16_t{1})));
  }
  return hn::GetLane(hn::SumOfLanes(di, sum));
}

void RoundInputsTarget(const float* HWY_RESTRICT x, size_t cols, const internal::RoundedInputs& out) {
  for (size_t i = 0, r = 0; i < out.numbers; i += kChunk) {
    float unit = 0;
    if (i < cols) {
      unit = RoundChunk(x + i, out.q + i);
    } else {
      std::fill_n(out.q + i, kChunk, int16_t{0});
    }
    for (size_t at = i; at < i + kChunk; at += out.run, ++r) {
      const int32_t sum = SumOfRun(out.q + at, out.run);
      out.unit[r] = unit, out.sum[r] = sum, out.scaled_sum[r] = unit * static_cast<float>(sum);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
HWY_EXPORT(RoundInputsTarget);

namespace internal {

void RoundInputs(const float* x, size_t cols, const RoundedInputs& out) {
  HWY_DYNAMIC_DISPATCH(RoundInputsTarget)(x, cols, out);
}

}  // namespace internal
}  // namespace lp
#endif  // HWY_ONCE
