// Inputs of products with quants: float32 rounded to 16 bits. Compiled once per SIMD target.
//
// Of each 32 numbers (a chunk), the largest magnitude m says the unit: 2^(e - 14) where 2^e <= m < 2^(e + 1), the smallest power of
// two of which every number is at most 2^15. A number is rounded to the nearest multiple, so it is off by half a unit, at
// most m / 2^15 (a whole unit where it would be 2^15 units, which 16 bits do not hold). Chunks below 2^-112 are zeros. A chunk
// with infinity or NaN has the unit NaN: so has every sum it is part of.

#if defined(LP_QUANT_INPUTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LP_QUANT_INPUTS_INL_H_
#undef LP_QUANT_INPUTS_INL_H_
#else
#define LP_QUANT_INPUTS_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "quant/kernels.h"
#include "quant/quants-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// One vector of inputs, or several one after another; whole groups, what is missing being zeros with the unit 0.
struct Inputs {
  size_t run;         // numbers of a run: 32, or 16 and then two runs have one unit
  size_t numbers;     // of a vector, a multiple of 256
  size_t runs;        // of a vector
  int16_t* q;         // [n, numbers]
  float* unit;        // [n, runs]
  int32_t* sum;       // [n, runs] of a run's q
  float* scaled_sum;  // [n, runs] unit * sum

  // Room for n vectors of `cols` numbers in runs of `run`.
  Inputs(size_t n, size_t cols, size_t run_, internal::Scratch& scratch)
      : run(run_), numbers((cols + kGroup - 1) / kGroup * kGroup), runs(numbers / run) {
    unit = scratch.Get(n * (3 * runs + numbers / 2));
    scaled_sum = unit + n * runs;
    sum = reinterpret_cast<int32_t*>(scaled_sum + n * runs);
    q = reinterpret_cast<int16_t*>(sum + n * runs);
  }
};

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

// x: [cols], a multiple of 32 -> vector t of `out`.
HWY_INLINE void RoundInputs(const float* HWY_RESTRICT x, size_t cols, size_t t, const Inputs& out) {
  int16_t* const q = out.q + t * out.numbers;
  const size_t base = t * out.runs;
  for (size_t i = 0, r = 0; i < out.numbers; i += kChunk) {
    float unit = 0;
    if (i < cols) {
      unit = RoundChunk(x + i, q + i);
    } else {
      std::fill_n(q + i, kChunk, int16_t{0});
    }
    for (size_t at = i; at < i + kChunk; at += out.run, ++r) {
      int32_t sum = 0;
      for (size_t k = at; k < at + out.run; ++k) sum += q[k];
      out.unit[base + r] = unit, out.sum[base + r] = sum, out.scaled_sum[base + r] = unit * static_cast<float>(sum);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
