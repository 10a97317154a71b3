// Products of block types with a batch of vectors: the same code for all of them, on decoded quants.
//
// A sum is made of runs (quant/matrix.h), and that of a run is an integer. So quants are turned into panels in which a vector holds
// two neighbouring numbers of many rows, 16 bits each, and two neighbouring inputs of a token are broadcast to meet them: one
// instruction multiplies both and adds the products. A tile of rows x tokens has its integers in registers for the length of a run,
// then scales them and adds them to the floats of the run's lane, which stay in the first cache.
#include <algorithm>
#include <span>

#include "base/check.h"
#include "base/simd_targets.h"
#include "quant/kernels.h"
#include "quant/prefetch.h"
#include "quant/scratch.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (LP_SCALABLE_TARGETS | HWY_SSSE3)  // as in quants.cc
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/quants_batch.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/lanes-inl.h"
#include "quant/quants-inl.h"
#include "quant/strips-inl.h"
#include "quant/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using internal::RoundedInputs;
using internal::RowsAhead;
using internal::Scratch;

#if HWY_TARGET == HWY_SCALAR  // no vectors, no panels: the same bits token by token

size_t BatchRowsTarget() { return 1; }

void MultiplyQuantsBatchTarget(const WeightMatrix& w, size_t row_begin, size_t row_end, const RoundedInputs& x, size_t n_tokens,
                               float* y, size_t y_stride, Scratch&) {
  for (size_t t = 0; t < n_tokens; ++t) internal::MultiplyQuants(w, row_begin, row_end, x.From(t), y + t * y_stride);
}

#else

using RowTag = hn::CappedTag<float, 16>;
using RowVec = hn::Vec<RowTag>;
using PairTag = hn::RebindToSigned<RowTag>;     // of 16 bits
using PairVec = hn::Vec<PairTag>;
constexpr size_t kVec = hn::MaxLanes(RowTag());  // rows of a vector
// A tile is kTileVecs vectors of rows by kTileTokens tokens.
constexpr size_t kTileVecs = 4, kWidth = kTileVecs * kVec;
constexpr size_t kTileTokens = kVec == 16 ? 6 : 3;
static_assert(MatMulInputs::kStep % kTileTokens == 0);
constexpr size_t kSums = kTileTokens * kTileVecs;
constexpr size_t kRunLanes = 8;  // quant/matrix.h

size_t BatchRowsTarget() { return kWidth; }

// kWidth rows, rearranged.
struct Panel {
  int32_t* pairs;  // [numbers / 2, kWidth]: neighbouring numbers, the first in the lower 16 bits
  float* scale;    // [runs, kWidth]
  float* min;      // [runs, kWidth]
};

// Rows [row, row + n_rows) of w, followed by rows of zeros.
void FillPanel(const WeightMatrix& w, size_t row, size_t n_rows, size_t run, const Panel& out) {
  const RowTag d;
  constexpr size_t kPairs = kGroup / 2;
  const size_t runs = kGroup / run;
  HWY_ALIGN int32_t pairs[kVec * kPairs];
  internal::Group group;
  for (size_t begin = 0; begin < w.cols; begin += kGroup) {
    const size_t n = std::min(kGroup, w.cols - begin), n_runs = n / run;
    float* const scale = out.scale + begin / kGroup * runs * kWidth;
    float* const min = out.min + begin / kGroup * runs * kWidth;
    for (size_t u = 0; u < kWidth; u += kVec) {
      for (size_t i = 0; i < kVec; ++i) {
        const size_t r = u + i;
        if (r < n_rows) {
          internal::DecodeGroup(w, row + r, begin, group);
          std::memcpy(pairs + i * kPairs, group.q, sizeof(group.q));
        } else {
          std::fill_n(pairs + i * kPairs, kPairs, 0);
          std::fill_n(group.scale, 16, 0.0f), std::fill_n(group.min, 16, 0.0f);
        }
        for (size_t k = 0; k < n_runs; ++k) scale[k * kWidth + r] = group.scale[k], min[k * kWidth + r] = group.min[k];
      }
      int32_t* to = out.pairs + begin / 2 * kWidth + u;
      for (size_t p = 0; p < n / 2; p += 4, to += 4 * kWidth) {
        const auto at = [&](size_t i) { return reinterpret_cast<float*>(to + i * kWidth); };
        TransposeFour(d, reinterpret_cast<const float*>(pairs) + p, kPairs, {at(0), at(1), at(2), at(3)});
      }
    }
  }
}

// The same of a matrix in strips, where numbers of neighbouring rows lie side by side already; row a multiple of kStripRows.
template <class Strips>
void FillPanelFrom(const WeightMatrix& w, size_t row, size_t n_rows, const Panel& out) {
  using Format = typename Strips::From;
  const ScaleTag d;
  const SumTag di;
  const size_t runs = w.cols / kChunk;
  const auto offset = hn::Set(QuantTag(), Format::kOffset);
  for (size_t u = 0; u < kWidth; u += kStripRows) {
    if (u >= n_rows) {
      for (size_t p = 0; p < w.cols / 2; ++p) std::fill_n(out.pairs + p * kWidth + u, kStripRows, 0);
      for (size_t r = 0; r < runs; ++r) {
        std::fill_n(out.scale + r * kWidth + u, kStripRows, 0.0f), std::fill_n(out.min + r * kWidth + u, kStripRows, 0.0f);
      }
      continue;
    }
    const uint8_t* const strip = w.Row(row + u);
    for (size_t r = 0; r < runs; ++r) {
      const uint8_t* const group = strip + StripBytes<Strips>(r / 8 * 8);
      const uint8_t* const run = group + Strips::kGroupHead + r % 8 * kStripRunBytes<Strips>;
      ScaleVec scale[kScaleVectors], min[kScaleVectors];
      Strips::Scales(group, run, scale, min);
      Unrolled<kScaleVectors>([&](auto v) LP_LAMBDA {
        const size_t at = r * kWidth + u + v * hn::MaxLanes(d);
        hn::StoreU(scale[v], d, out.scale + at);
        if constexpr (Format::kHasMin) hn::StoreU(min[v], d, out.min + at);
      });
      int32_t* to = out.pairs + r * (kChunk / 2) * kWidth + u;
      for (size_t i = 0; i < 4; ++i, to += 4 * kWidth) {
        const auto* words = reinterpret_cast<const int32_t*>(run + Strips::kRunHead + 32 * i);
        Unrolled<kScaleVectors>([&](auto v) LP_LAMBDA {
          const size_t at = v * hn::MaxLanes(di);
          const auto eight = hn::LoadU(di, words + at);
          Unrolled<4>([&](auto j) LP_LAMBDA {
            hn::StoreU(hn::BitCast(di, hn::Sub(PairOf<j>(di, eight), offset)), di, to + j * kWidth + at);
          });
        });
      }
    }
  }
}

// Rows one after another, and those that begin within a strip, are decoded one by one.
void FillPanelAny(const WeightMatrix& w, size_t row, size_t n_rows, size_t run, const Panel& out) {
  if (!w.in_strips || row % kStripRows != 0) return FillPanel(w, row, n_rows, run, out);
  WithStrips(w.type, [&](auto strips) HWY_ATTR { FillPanelFrom<decltype(strips)>(w, row, n_rows, out); });
}

// y[t][r] = row r . token t of one tile, in the order of quant/matrix.h.
//   x: tokens [first, first + kTileTokens) of the inputs   out: [kTileTokens, kWidth]
template <size_t kRun, bool kHasMin>
HWY_INLINE void Tile(const Panel& panel, const RoundedInputs& x, size_t first, size_t n_runs, float* HWY_RESTRICT out) {
  const RowTag d;
  const PairTag di;
  const hn::Repartition<int16_t, PairTag> d16;
  HWY_ALIGN float acc[kRunLanes * kSums * kVec];
  for (size_t i = 0; i < kRunLanes * kSums * kVec; i += kVec) hn::Store(hn::Zero(d), d, acc + i);
  const int32_t* pairs = panel.pairs;
  const int16_t* q = x.q + first * x.numbers;
  for (size_t r = 0; r < n_runs; ++r) {
    PairVec sum[kSums];
    Unrolled<kSums>([&](auto i) LP_LAMBDA { sum[i] = hn::Zero(di); });
    for (size_t p = 0; p < kRun; p += 2, pairs += kWidth, q += 2) {
      hn::Vec<decltype(d16)> xt[kTileTokens];
      Unrolled<kTileTokens>([&](auto t) LP_LAMBDA {
        int32_t pair;
        std::memcpy(&pair, q + t * x.numbers, sizeof(pair));
        xt[t] = hn::BitCast(d16, hn::Set(di, pair));
      });
      Unrolled<kTileVecs>([&](auto u) LP_LAMBDA {
        const auto w = hn::BitCast(d16, hn::Load(di, pairs + u * kVec));
        Unrolled<kTileTokens>([&](auto t)
                                  LP_LAMBDA { sum[t * kTileVecs + u] = hn::Add(sum[t * kTileVecs + u], MultiplyPairs(di, w, xt[t])); });
      });
    }
    float* const lane = acc + r % kRunLanes * kSums * kVec;
    RowVec scale[kTileVecs];
    Unrolled<kTileVecs>([&](auto u) LP_LAMBDA { scale[u] = hn::Load(d, panel.scale + r * kWidth + u * kVec); });
    Unrolled<kTileTokens>([&](auto t) LP_LAMBDA {
      const size_t at = (first + t) * x.runs + r;
      const auto unit = hn::Set(d, x.unit[at]);
      Unrolled<kTileVecs>([&](auto u) LP_LAMBDA {
        float* const to = lane + (t * kTileVecs + u) * kVec;
        const auto value = hn::ConvertTo(d, sum[t * kTileVecs + u]);
        auto total = hn::Add(hn::Load(d, to), hn::Mul(value, hn::Mul(scale[u], unit)));
        if constexpr (kHasMin) {
          const auto min = hn::Load(d, panel.min + r * kWidth + u * kVec);
          total = hn::Sub(total, hn::Mul(min, hn::Set(d, x.scaled_sum[at])));
        }
        hn::Store(total, d, to);
      });
    });
  }
  for (size_t half = kRunLanes / 2; half > 0; half /= 2) {
    for (size_t i = 0; i < half * kSums * kVec; i += kVec) {
      hn::Store(hn::Add(hn::Load(d, acc + i), hn::Load(d, acc + half * kSums * kVec + i)), d, acc + i);
    }
  }
  for (size_t i = 0; i < kSums * kVec; i += kVec) hn::Store(hn::Load(d, acc + i), d, out + i);
}

// All tokens for one panel; y points at its first row's column, of which n_rows exist.
template <size_t kRun, bool kHasMin>
void MultiplyPanel(const Panel& panel, size_t n_rows, const RoundedInputs& x, size_t n_tokens, size_t cols,
                   std::span<const uint8_t> next_rows, float* y, size_t y_stride) {
  HWY_ALIGN float out[kSums * kVec];
  RowsAhead ahead(next_rows, (n_tokens + kTileTokens - 1) / kTileTokens);
  for (size_t t = 0; t < n_tokens;) {
    ahead.Fetch();
    Tile<kRun, kHasMin>(panel, x, t, cols / kRun, out);
    for (size_t end = std::min(n_tokens, t + kTileTokens), i = 0; t < end; ++t, ++i) {
      std::copy_n(out + i * kWidth, n_rows, y + t * y_stride);
    }
  }
}

void MultiplyQuantsBatchTarget(const WeightMatrix& w, size_t row_begin, size_t row_end, const RoundedInputs& x, size_t n_tokens,
                               float* y, size_t y_stride, Scratch& scratch) {
  if (row_begin == row_end || w.cols == 0) {
    for (size_t t = 0; t < n_tokens; ++t) std::fill(y + t * y_stride + row_begin, y + t * y_stride + row_end, 0.0f);
    return;
  }
  internal::Group first;
  internal::DecodeGroup(w, row_begin, 0, first);
  LP_DCHECK(first.run == x.run);
  Panel panel;
  panel.scale = scratch.Get((2 * x.runs + x.numbers / 2) * kWidth);
  panel.min = panel.scale + x.runs * kWidth;
  panel.pairs = reinterpret_cast<int32_t*>(panel.min + x.runs * kWidth);
  const auto multiply = x.run == 32 ? (first.has_min ? MultiplyPanel<32, true> : MultiplyPanel<32, false>)
                                  : (first.has_min ? MultiplyPanel<16, true> : MultiplyPanel<16, false>);
  for (size_t r = row_begin; r < row_end;) {
    const size_t n_rows = std::min(row_end - r, kWidth);
    FillPanelAny(w, r, n_rows, x.run, panel);
    const size_t next = r + n_rows, n_next = std::min(row_end - next, kWidth);
    multiply(panel, n_rows, x, n_tokens, w.cols, {w.Row(next), n_next * w.row_bytes}, y + r, y_stride);
    r = next;
  }
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
HWY_EXPORT(BatchRowsTarget);
HWY_EXPORT(MultiplyQuantsBatchTarget);

namespace internal {

size_t BatchRows() { return HWY_DYNAMIC_DISPATCH(BatchRowsTarget)(); }

void MultiplyQuantsBatch(const WeightMatrix& w, size_t row_begin, size_t row_end, const RoundedInputs& x, size_t n_tokens, float* y,
                         size_t y_stride) {
  thread_local Scratch scratch;  // the panel
  HWY_DYNAMIC_DISPATCH(MultiplyQuantsBatchTarget)(w, row_begin, row_end, x, n_tokens, y, y_stride, scratch);
}

}  // namespace internal
}  // namespace lp
#endif  // HWY_ONCE
