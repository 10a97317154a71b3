// Decoding, and products with one vector: per format.
#include <cstring>

#include "base/check.h"
#include "quant/kernels.h"

// Arrays of vectors need types with a size, which scalable vectors have not: ARM runs NEON. Processors with SSSE3 but
// not SSE4 are from 2006 and run the scalar code: one target less to compile for 15 formats.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | HWY_SSSE3)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/gemv.cc"
#include "hwy/cache_control.h"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/formats-inl.h"
#include "quant/formats256-inl.h"
#include "quant/formats32-inl.h"
#include "quant/lanes-inl.h"
#include "quant/spread-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using internal::Scratch;

// Every row is read once from memory and never again, so the only aim is to keep reads in flight. One row at a time
// with prefetch was faster than several rows at once.
constexpr size_t kPrefetchBytes = 1024;
constexpr size_t kCacheLine = 64;

template <class Format>
constexpr bool kIsPlain = std::is_same_v<Format, F32Format> || std::is_same_v<Format, F16Format> ||
                          std::is_same_v<Format, BF16Format>;

// The last `count` < 32 numbers of x, padded with zeros, which add nothing. A plain loop: g++ turns a short memcpy of
// unknown length into a string instruction that takes longer than a whole row.
HWY_INLINE void CopyTail(const float* HWY_RESTRICT x, size_t count, float* HWY_RESTRICT tail) {
  for (size_t i = 0; i < kLanes; ++i) tail[i] = i < count ? x[i] : 0.0f;
}

template <size_t kBytes>
HWY_INLINE void PrefetchAhead(const uint8_t* p) {
  for (size_t i = 0; i < kBytes; i += kCacheLine) hwy::Prefetch(p + kPrefetchBytes + i);
}

// Whether the numbers of a row are taken in spread order.
template <class Format, class = void>
constexpr bool kIsSpread = false;
template <class Format>
constexpr bool kIsSpread<Format, std::void_t<decltype(Format::BeginSpread(FloatTag(), nullptr))>> = kHasSpread<FloatTag>;

// acc += block . x, lane by lane; in spread order, if that is the format's.
template <class Format>
HWY_INLINE void AddBlock(const uint8_t* HWY_RESTRICT block, const float* HWY_RESTRICT x, FloatVec* acc) {
  const FloatTag d;
  const auto scales = [&]() LP_LAMBDA {
    if constexpr (kIsSpread<Format>) return Format::BeginSpread(d, block);
    if constexpr (!kIsSpread<Format>) return Format::Begin(d, block);
  }();
  Unrolled<Format::kChunks>([&](auto c) LP_LAMBDA {
    FloatVec w[kLaneVectors];
    if constexpr (kIsSpread<Format>) {
      Format::template DecodeSpread<c>(d, block, scales, w);
    } else {
      Format::template Decode<c>(d, block, scales, w);
    }
    Unrolled<kLaneVectors>([&](auto v) LP_LAMBDA {
      acc[v] = hn::MulAdd(w[v], hn::LoadU(d, x + kLanes * c + v * hn::MaxLanes(d)), acc[v]);
    });
  });
}

// x_tail: [32] the numbers of x past the last whole block, padded with zeros.
template <class Format>
HWY_INLINE float DotRow(const uint8_t* HWY_RESTRICT row, const float* HWY_RESTRICT x, size_t cols,
                        const float* HWY_RESTRICT x_tail) {
  constexpr size_t kStep = Format::kChunks == 1 ? 4 : 1;  // blocks between prefetches
  constexpr size_t kBytes = Format::kBlockBytes, kNumbers = kLanes * Format::kChunks;
  const FloatTag d;
  FloatVec acc[kLaneVectors];
  Unrolled<kLaneVectors>([&](auto v) LP_LAMBDA { acc[v] = hn::Zero(d); });
  const size_t blocks = cols / kNumbers;
  size_t b = 0;
  for (; b + kStep <= blocks; b += kStep) {
    PrefetchAhead<kStep * kBytes>(row + b * kBytes);
    Unrolled<kStep>([&](auto i) LP_LAMBDA { AddBlock<Format>(row + (b + i) * kBytes, x + (b + i) * kNumbers, acc); });
  }
  for (; b < blocks; ++b) {
    PrefetchAhead<kBytes>(row + b * kBytes);
    AddBlock<Format>(row + b * kBytes, x + b * kNumbers, acc);
  }
  if constexpr (kIsPlain<Format>) {
    if (cols % kLanes != 0) {
      float w_tail[kLanes];
      DecodePlainTail<Format>(d, row + blocks * kBytes, cols % kLanes, w_tail);
      Unrolled<kLaneVectors>([&](auto v) LP_LAMBDA {
        const size_t at = v * hn::MaxLanes(d);
        acc[v] = hn::MulAdd(hn::LoadU(d, w_tail + at), hn::LoadU(d, x_tail + at), acc[v]);
      });
    }
  }
  if constexpr (kIsSpread<Format>) return SumSpread(d, acc);
  return SumHalves(acc);
}

template <class Format>
void DecodeFormat(const uint8_t* row, size_t begin, size_t end, float* HWY_RESTRICT out) {
  constexpr size_t kNumbers = kLanes * Format::kChunks;
  const FloatTag d;
  size_t i = begin;
  for (; i + kNumbers <= end; i += kNumbers, out += kNumbers) {
    const uint8_t* block = row + i / kNumbers * Format::kBlockBytes;
    const auto scales = Format::Begin(d, block);
    Unrolled<Format::kChunks>([&](auto c) LP_LAMBDA {
      FloatVec w[kLaneVectors];
      Format::template Decode<c>(d, block, scales, w);
      Unrolled<kLaneVectors>([&](auto v)
                                 LP_LAMBDA { hn::StoreU(w[v], d, out + kLanes * c + v * hn::MaxLanes(d)); });
    });
  }
  if constexpr (kIsPlain<Format>) {
    if (i < end) DecodePlainTail<Format>(d, row + i / kNumbers * Format::kBlockBytes, end - i, out);
  }
}

template <class Format>
void MultiplyFormat(const WeightMatrix& w, size_t row_begin, size_t row_end, const float* x, float* y,
                    Scratch& scratch) {
  const size_t whole = w.cols / kLanes * kLanes;
  float x_tail[kLanes];
  CopyTail(x + whole, w.cols - whole, x_tail);
  if constexpr (kIsSpread<Format>) {
    float* const spread = scratch.Get(w.cols);
    Spread(FloatTag(), x, w.cols, spread);
    x = spread;
  }
  for (size_t r = row_begin; r < row_end; ++r) y[r] = DotRow<Format>(w.Row(r), x, w.cols, x_tail);
}

// Calls body(Format()) for the struct of `type`; adding a type is adding it here and to kWeightTypes in matrix.cc.
template <class Body>
HWY_INLINE void WithFormat(GgmlType type, const Body& body) {
  switch (type) {
#define LP_FORMAT(Name) \
  case Name::kType:     \
    return body(Name())
    LP_FORMAT(F32Format);
    LP_FORMAT(F16Format);
    LP_FORMAT(BF16Format);
    LP_FORMAT(Q8_0Format);
    LP_FORMAT(Q4_0Format);
    LP_FORMAT(Q4_1Format);
    LP_FORMAT(Q5_0Format);
    LP_FORMAT(Q5_1Format);
    LP_FORMAT(IQ4_NLFormat);
    LP_FORMAT(Q2_KFormat);
    LP_FORMAT(Q3_KFormat);
    LP_FORMAT(Q4_KFormat);
    LP_FORMAT(Q5_KFormat);
    LP_FORMAT(Q6_KFormat);
    LP_FORMAT(IQ4_XSFormat);
#undef LP_FORMAT
    default:
      LP_CHECK(false);  // MakeWeightMatrix let no other in
  }
}

void DecodeRangeTarget(GgmlType type, const uint8_t* row, size_t begin, size_t end, float* out) {
  WithFormat(type, [&](auto format) HWY_ATTR { DecodeFormat<decltype(format)>(row, begin, end, out); });
}

void MultiplyVectorTarget(const WeightMatrix& w, size_t row_begin, size_t row_end, const float* x, float* y,
                          Scratch& scratch) {
  WithFormat(w.type,
             [&](auto format) HWY_ATTR { MultiplyFormat<decltype(format)>(w, row_begin, row_end, x, y, scratch); });
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
HWY_EXPORT(DecodeRangeTarget);
HWY_EXPORT(MultiplyVectorTarget);

namespace internal {

void DecodeRange(GgmlType type, const uint8_t* row, size_t begin, size_t end, float* out) {
  LP_DCHECK(begin % 256 == 0);
  HWY_DYNAMIC_DISPATCH(DecodeRangeTarget)(type, row, begin, end, out);
}

void MultiplyVector(const WeightMatrix& w, size_t row_begin, size_t row_end, const float* x, float* y) {
  thread_local Scratch scratch;  // the input in spread order
  HWY_DYNAMIC_DISPATCH(MultiplyVectorTarget)(w, row_begin, row_end, x, y, scratch);
}

}  // namespace internal
}  // namespace lp
#endif  // HWY_ONCE
