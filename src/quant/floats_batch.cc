// Products of plain numbers with a batch of vectors.
//
// A sum is 16 lanes (quant/matrix.h), and a lane of a row is a short sum of every 16th product. So rows are decoded and
// turned into panels in which a vector holds the same number of many rows, and the inputs so that a number of four
// tokens is four floats in a row. A tile of rows x tokens then computes lane after lane with one broadcast per token,
// and adds the lanes of the whole tile vector by vector, without a shuffle. Lanes come in the order in which halves are
// added (0, 8, 4, 12, 2, ...), so that at most four partial sums wait.
//
// Rejected: vectors along the row, as for one token. They need no rearrangement, but a load per multiply-add and a
// shuffled sum per row and token: less than half as fast.
#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "base/check.h"
#include "base/simd_targets.h"
#include "quant/kernels.h"
#include "quant/prefetch.h"
#include "quant/scratch.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (LP_SCALABLE_TARGETS | HWY_SSSE3)  // as in floats.cc
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/floats_batch.cc"
#include "hwy/aligned_allocator.h"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/lanes-inl.h"
#include "quant/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using internal::RowsAhead;
using internal::Scratch;

constexpr size_t kVec = hn::MaxLanes(FloatTag());  // rows of a vector
constexpr size_t kGroup = 4;                       // tokens that lie next to each other
// A tile is kTileVecs vectors of rows by kTileTokens tokens, its sums all in registers: 24 sums, 2 weights and an input of
// 32 registers, or 12 of 16. 3 vectors by 4 tokens would be 16 of 16, and g++ then reads each weight again for every token:
// a quarter slower. Tiles begin and end with groups, two by two where they have 6 tokens.
constexpr size_t kTileVecs = 2;
constexpr size_t kTileTokens = kVec == 16 ? 12 : 6, kTileParts = 12 / kTileTokens;
constexpr size_t kStepsAtOnce = 3;  // times 12 tokens
constexpr size_t kBlockCols = 256;  // numbers of a row that are decoded before they are rearranged

// The lane that is summed j-th, and when lane j is summed: the four bits of j in reverse.
constexpr size_t Reversed(size_t j) {
  return (j & 1) << 3 | (j & 2) << 1 | (j & 4) >> 1 | (j & 8) >> 3;
}

// Floats from one lane to the next. A line more than there are numbers, so that with a power of two of columns the lanes
// do not all fall into one set of the cache.
constexpr size_t LaneStride(size_t chunks, size_t width) { return chunks * width + 16; }

// One vector of rows, of which the first n_rows exist and the others are zeros, into
//   out: [16 lanes in summing order, chunks, width], of which the vector is the first Lanes(d) columns
// fill(row, begin, end, to) writes numbers [begin, end) of a row and zeros up to a whole chunk.
template <class D, class Fill>
HWY_INLINE void Arrange(D d, size_t n_rows, size_t cols, const Fill& fill, float* HWY_RESTRICT out, size_t width) {
  constexpr size_t kRows = hn::MaxLanes(d);
  HWY_ALIGN float rows[kRows * kBlockCols];
  if (n_rows < kRows) std::memset(rows, 0, sizeof(rows));
  const size_t lane_stride = LaneStride((cols + kSumLanes - 1) / kSumLanes, width);
  for (size_t begin = 0; begin < cols; begin += kBlockCols) {
    const size_t end = std::min(cols, begin + kBlockCols);
    for (size_t r = 0; r < n_rows; ++r) fill(r, begin, end, rows + r * kBlockCols);
    for (size_t at = 0; at < end - begin; at += kSumLanes, out += width) {
      for (size_t lane = 0; lane < kSumLanes; lane += 4) {
        float* to = out + Reversed(lane) * lane_stride;  // lanes + 1, 2, 3 are 8, 4, 12 later
        TransposeFour(d, rows + at + lane, kBlockCols,
                      {to, to + 8 * lane_stride, to + 4 * lane_stride, to + 12 * lane_stride});
      }
    }
  }
}

// Tokens [begin, end) of x -> out: [groups of 4 tokens, 16 lanes in summing order, chunks, 4], missing tokens being zeros.
void ArrangeInputsTarget(const float* x, size_t begin, size_t end, size_t cols, float* out) {
  const hn::CappedTag<float, kGroup> d;
  const size_t group_stride = kSumLanes * LaneStride((cols + kSumLanes - 1) / kSumLanes, kGroup);
  out += begin / kGroup * group_stride;
  for (size_t t = begin; t < end; t += kGroup, out += group_stride) {
    for (size_t u = 0; u < kGroup; u += hn::MaxLanes(d)) {
      const size_t n = t + u < end ? std::min(hn::MaxLanes(d), end - t - u) : 0;
      const auto fill = [&](size_t r, size_t from_col, size_t to_col, float* to) HWY_ATTR {
        const float* from = x + (t + u + r) * cols;
        std::copy(from + from_col, from + to_col, to);
        std::fill(to + (to_col - from_col), to + (to_col - from_col + kSumLanes - 1) / kSumLanes * kSumLanes, 0.0f);
      };
      Arrange(d, n, cols, fill, out + u, kGroup);
    }
  }
}

// One lane of kVecs vectors of rows with tokens [kFirst, kFirst + kTokens) of the groups at x, added to the lanes before
// it: lane j is summed j-th, and the sum of all 16 goes to `out`.
//   panel: [chunks, kVecs * kVec]   x: [groups, 16, chunks, 4], at lane j   out: [kTokens, kVecs * kVec]
//   waiting: [4, kTokens, kVecs * kVec] sums of 1, 2, 4, 8 lanes whose other half is not there yet
template <size_t kVecs, size_t kTokens, size_t kFirst>
HWY_INLINE void AddLane(const float* HWY_RESTRICT panel, const float* HWY_RESTRICT x, size_t chunks, size_t j,
                        float* HWY_RESTRICT waiting, float* HWY_RESTRICT out) {
  const FloatTag d;
  constexpr size_t kSums = kTokens * kVecs, kWidth = kVecs * kVec;
  const size_t group_stride = kSumLanes * LaneStride(chunks, kGroup);
  FloatVec sum[kSums];
  Unrolled<kSums>([&](auto i) LP_LAMBDA { sum[i] = hn::Zero(d); });
  for (size_t c = 0; c < chunks; ++c, panel += kWidth, x += kGroup) {
    FloatVec w[kVecs];
    Unrolled<kVecs>([&](auto u) LP_LAMBDA { w[u] = hn::LoadU(d, panel + u * kVec); });
    Unrolled<kTokens>([&](auto t) LP_LAMBDA {
      const auto xt = hn::Set(d, x[(kFirst + t) / kGroup * group_stride + (kFirst + t) % kGroup]);
      Unrolled<kVecs>([&](auto u) LP_LAMBDA { sum[t * kVecs + u] = hn::MulAdd(w[u], xt, sum[t * kVecs + u]); });
    });
  }
  for (size_t bits = j; bits & 1; bits >>= 1, waiting += kSums * kVec) {
    Unrolled<kSums>([&](auto i) LP_LAMBDA { sum[i] = hn::Add(hn::Load(d, waiting + i * kVec), sum[i]); });
  }
  float* const to = j + 1 == kSumLanes ? out : waiting;
  Unrolled<kSums>([&](auto i) LP_LAMBDA { hn::Store(sum[i], d, to + i * kVec); });
}

// y[t][r] = row r . token t for kVecs vectors of rows and n_steps times kParts * kTokens tokens, in the order of
// quant/matrix.h. Lane by lane through all of them: a lane of the panel stays in the first cache meanwhile.
//   panel: [16, chunks, kVecs * kVec]   x: [groups, 16, chunks, 4], both as Arrange leaves them
//   out: [n_steps * kParts * kTokens, kVecs * kVec]
template <size_t kVecs, size_t kTokens, size_t kParts>
HWY_INLINE void Tiles(const float* HWY_RESTRICT panel, const float* HWY_RESTRICT x, size_t chunks, size_t n_steps,
                      RowsAhead& ahead, float* HWY_RESTRICT out) {
  constexpr size_t kTile = kTokens * kVecs * kVec, kWaiting = 4;
  const size_t panel_stride = LaneStride(chunks, kVecs * kVec), x_stride = LaneStride(chunks, kGroup);
  const size_t step_stride = kParts * kTokens / kGroup * kSumLanes * x_stride;
  HWY_ALIGN float waiting[kStepsAtOnce * kParts * kWaiting * kTile];
  for (size_t j = 0; j < kSumLanes; ++j) {
    ahead.Fetch();
    for (size_t step = 0; step < n_steps; ++step) {
      Unrolled<kParts>([&](auto part) LP_LAMBDA {
        const size_t tile = step * kParts + part;
        AddLane<kVecs, kTokens, part * kTokens>(panel + j * panel_stride, x + step * step_stride + j * x_stride,
                                                chunks, j, waiting + tile * kWaiting * kTile, out + tile * kTile);
      });
    }
  }
}

// All tokens for one panel; y points at its first row's column, of which n_rows exist.
template <size_t kVecs>
void MultiplyPanel(const float* panel, size_t n_rows, const float* x, size_t n_tokens, size_t cols,
                   std::span<const uint8_t> next_rows, float* y, size_t y_stride) {
  constexpr size_t kWidth = kVecs * kVec, kStep = kTileTokens * kTileParts;
  const size_t chunks = (cols + kSumLanes - 1) / kSumLanes, group_stride = kSumLanes * LaneStride(chunks, kGroup);
  // As many that their inputs of one lane, with the panel's, fit the first cache.
  constexpr size_t kCache = 12288 / sizeof(float);
  const size_t at_once = std::clamp<size_t>(kCache / std::max<size_t>(1, chunks * kStep), 1, kStepsAtOnce);
  HWY_ALIGN float out[kStepsAtOnce * kStep * kWidth];
  RowsAhead ahead(next_rows, kSumLanes * (n_tokens / (kStepsAtOnce * kStep) + 1));
  for (size_t t = 0; t < n_tokens;) {
    const size_t groups = (n_tokens - t + kGroup - 1) / kGroup;
    const float* x_at = x + t / kGroup * group_stride;
    size_t n = kGroup;
    if (const size_t steps = std::min(at_once, groups * kGroup / kStep); steps > 0) {
      Tiles<kVecs, kTileTokens, kTileParts>(panel, x_at, chunks, steps, ahead, out), n = steps * kStep;
    } else {
      Tiles<kVecs, kGroup, 1>(panel, x_at, chunks, 1, ahead, out);
    }
    for (size_t end = std::min(n_tokens, t + n), i = 0; t < end; ++t, ++i) {
      std::copy_n(out + i * kWidth, n_rows, y + t * y_stride);
    }
  }
}

void MultiplyFloatsBatchTarget(const WeightMatrix& w, size_t row_begin, size_t row_end, const float* x, size_t n_tokens,
                               float* y, size_t y_stride, Scratch& scratch) {
  float* const panel = scratch.Get(kSumLanes * LaneStride((w.cols + kSumLanes - 1) / kSumLanes, kTileVecs * kVec));
  for (size_t r = row_begin; r < row_end;) {
    const size_t vecs = std::min(kTileVecs, (row_end - r + kVec - 1) / kVec);
    const size_t n_rows = std::min(row_end - r, vecs * kVec);
    for (size_t u = 0; u < vecs; ++u) {
      const auto fill = [&](size_t i, size_t begin, size_t end, float* to)
                            HWY_ATTR { internal::DecodeFloats(w.type, w.Row(r + u * kVec + i), begin, end, to); };
      Arrange(FloatTag(), std::min(kVec, n_rows - u * kVec), w.cols, fill, panel + u * kVec, vecs * kVec);
    }
    float* const y_at = y + r;
    const size_t next = r + n_rows, n_next = std::min(row_end - next, kTileVecs * kVec);
    const std::span<const uint8_t> next_rows(w.Row(next), n_next * w.row_bytes);
    if (vecs == kTileVecs) {
      MultiplyPanel<kTileVecs>(panel, n_rows, x, n_tokens, w.cols, next_rows, y_at, y_stride);
    } else {
      MultiplyPanel<1>(panel, n_rows, x, n_tokens, w.cols, next_rows, y_at, y_stride);
    }
    r += n_rows;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
HWY_EXPORT(ArrangeInputsTarget);
HWY_EXPORT(MultiplyFloatsBatchTarget);

namespace internal {

size_t ArrangedSize(size_t n_tokens, size_t cols) {
  using namespace HWY_NAMESPACE;  // any target: groups and lanes are the same on all
  return (n_tokens + kGroup - 1) / kGroup * kSumLanes * LaneStride((cols + kSumLanes - 1) / kSumLanes, kGroup);
}

void ArrangeInputs(const float* x, size_t begin, size_t end, size_t cols, float* out) {
  HWY_DYNAMIC_DISPATCH(ArrangeInputsTarget)(x, begin, end, cols, out);
}

void MultiplyFloatsBatch(const WeightMatrix& w, size_t row_begin, size_t row_end, const float* arranged, size_t n_tokens, float* y,
                         size_t y_stride) {
  thread_local Scratch scratch;  // the panel
  HWY_DYNAMIC_DISPATCH(MultiplyFloatsBatchTarget)(w, row_begin, row_end, arranged, n_tokens, y, y_stride, scratch);
}

}  // namespace internal
}  // namespace lp
#endif  // HWY_ONCE
