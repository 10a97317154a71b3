#include "quant/matrix.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/str_cat.h"

// Arrays of vectors need types with a size, which scalable vectors have not: ARM runs NEON.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/matrix.cc"
#include "hwy/cache_control.h"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/formats-inl.h"
#include "quant/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// One token: every row is read once from memory and never again, so the only aim is to keep reads in flight. One row at
// a time with prefetch was faster than several rows at once.
constexpr size_t kPrefetchBytes = 1024;

// Several tokens: rows are decoded to floats once per kGroupTokens tokens, kPanelRows x kPanelCols numbers at a time,
// and multiplied in tiles whose sums stay in registers: 4 x 3 sums, 4 weights or 3 inputs, of 16 registers.
constexpr size_t kTileRows = 4, kTileTokens = 3;
constexpr size_t kPanelRows = 4;
constexpr size_t kPanelCols = 1024;
constexpr size_t kGroupTokens = 48;

// The last `count` < 32 numbers of x, padded with zeros, which add nothing. A plain loop: g++ turns a short memcpy of
// unknown length into a string instruction that takes longer than a whole row.
HWY_INLINE void CopyTail(const float* HWY_RESTRICT x, size_t count, float* HWY_RESTRICT tail) {
  for (size_t i = 0; i < kLanes; ++i) tail[i] = i < count ? x[i] : 0.0f;
}

// x_tail: [32] the numbers of x past the last whole chunk, padded with zeros.
template <class Format>
HWY_INLINE float DotRow(const uint8_t* HWY_RESTRICT row, const float* HWY_RESTRICT x, size_t cols,
                        const float* HWY_RESTRICT x_tail) {
  const FloatTag d;
  FloatVec acc[kLaneVectors], w[kLaneVectors];
  Unrolled<kLaneVectors>([&](auto v) LP_LAMBDA { acc[v] = hn::Zero(d); });
  const size_t chunks = cols / kLanes;
  for (size_t c = 0; c < chunks; ++c) {
    hwy::Prefetch(row + Format::kBytes32 * c + kPrefetchBytes);
    Format::Decode(d, row, c, w);
    Unrolled<kLaneVectors>([&](auto v) LP_LAMBDA {
      acc[v] = hn::MulAdd(w[v], hn::LoadU(d, x + kLanes * c + v * hn::MaxLanes(d)), acc[v]);
    });
  }
  if (cols % kLanes != 0) {
    float w_tail[kLanes] = {};
    Format::DecodeTail(row, chunks, cols % kLanes, w_tail);
    Unrolled<kLaneVectors>([&](auto v) LP_LAMBDA {
      const size_t at = v * hn::MaxLanes(d);
      acc[v] = hn::MulAdd(hn::LoadU(d, w_tail + at), hn::LoadU(d, x_tail + at), acc[v]);
    });
  }
  return SumHalves(acc);
}

// Numbers [32 chunk_begin, end) of a row as floats, padded with zeros to whole chunks. `end` <= cols.
template <class Format>
void DecodeChunks(const uint8_t* row, size_t chunk_begin, size_t end, float* HWY_RESTRICT out) {
  const FloatTag d;
  size_t c = chunk_begin;
  for (; (c + 1) * kLanes <= end; ++c, out += kLanes) {
    FloatVec w[kLaneVectors];
    Format::Decode(d, row, c, w);
    Unrolled<kLaneVectors>([&](auto v) LP_LAMBDA { hn::StoreU(w[v], d, out + v * hn::MaxLanes(d)); });
  }
  if (c * kLanes < end) {
    std::memset(out, 0, kLanes * sizeof(float));
    Format::DecodeTail(row, c, end - c * kLanes, out);
  }
}

// acc[r][t][lane] += w[r] . x[t], lane by lane, over `chunks` chunks. Lanes are done in passes of one vector each, so
// that one register holds one sum: the order within a lane, the only one that counts, is the same as DotRow's.
//   w: [kRows, w_stride]   x: [kTokens, x_stride]   acc: [kRows, acc_stride / 32, 32]
template <size_t kRows, size_t kTokens>
HWY_INLINE void Tile(const float* HWY_RESTRICT w, size_t w_stride, const float* HWY_RESTRICT x, size_t x_stride,
                     size_t chunks, float* HWY_RESTRICT acc, size_t acc_stride) {
  const FloatTag d;
  for (size_t lane = 0; lane < kLanes; lane += hn::MaxLanes(d)) {
    FloatVec sum[kRows * kTokens];
    Unrolled<kRows * kTokens>([&](auto i) LP_LAMBDA {
      sum[i] = hn::LoadU(d, acc + (i / kTokens) * acc_stride + (i % kTokens) * kLanes + lane);
    });
    for (size_t at = lane; at < chunks * kLanes; at += kLanes) {
      FloatVec xv[kTokens];
      Unrolled<kTokens>([&](auto t) LP_LAMBDA { xv[t] = hn::LoadU(d, x + t * x_stride + at); });
      Unrolled<kRows>([&](auto r) LP_LAMBDA {
        const auto wv = hn::LoadU(d, w + r * w_stride + at);
        Unrolled<kTokens>([&](auto t)
                              LP_LAMBDA { sum[r * kTokens + t] = hn::MulAdd(wv, xv[t], sum[r * kTokens + t]); });
      });
    }
    Unrolled<kRows * kTokens>([&](auto i) LP_LAMBDA {
      hn::StoreU(sum[i], d, acc + (i / kTokens) * acc_stride + (i % kTokens) * kLanes + lane);
    });
  }
}

// Tile for every pair of a panel's rows and a group's tokens.
//   panel: [kPanelRows, kPanelCols]   x: [tokens, x_stride]   acc: [kPanelRows, kGroupTokens, 32]
void MultiplyPanel(const float* panel, size_t rows, const float* x, size_t x_stride, size_t tokens, size_t chunks,
                   float* acc) {
  constexpr size_t kAccStride = kGroupTokens * kLanes;
  size_t t = 0;
  const auto all_rows = [&](auto n_tokens) HWY_ATTR {
    size_t r = 0;
    for (; r + kTileRows <= rows; r += kTileRows) {
      Tile<kTileRows, n_tokens>(panel + r * kPanelCols, kPanelCols, x + t * x_stride, x_stride, chunks,
                                acc + r * kAccStride + t * kLanes, kAccStride);
    }
    for (; r < rows; ++r) {
      Tile<1, n_tokens>(panel + r * kPanelCols, kPanelCols, x + t * x_stride, x_stride, chunks,
                        acc + r * kAccStride + t * kLanes, kAccStride);
    }
    t += n_tokens;
  };
  while (t + kTileTokens <= tokens) all_rows(std::integral_constant<size_t, kTileTokens>());
  while (t < tokens) all_rows(std::integral_constant<size_t, 1>());
}

// The last, partial chunk of every row of a panel and every token of a group.
void MultiplyPanelTail(const float* panel, size_t rows, const float* x, size_t x_stride, size_t tokens, size_t count,
                       float* acc) {
  for (size_t t = 0; t < tokens; ++t) {
    float x_tail[kLanes];
    CopyTail(x + t * x_stride, count, x_tail);
    for (size_t r = 0; r < rows; ++r) {
      Tile<1, 1>(panel + r * kPanelCols, 0, x_tail, 0, 1, acc + (r * kGroupTokens + t) * kLanes, 0);
    }
  }
}

HWY_INLINE float SumStoredLanes(const float* lanes) {
  const FloatTag d;
  FloatVec acc[kLaneVectors];
  Unrolled<kLaneVectors>([&](auto v) LP_LAMBDA { acc[v] = hn::LoadU(d, lanes + v * hn::MaxLanes(d)); });
  return SumHalves(acc);
}

// [row_begin, row_begin + rows) x [tokens] with rows <= kPanelRows, tokens <= kGroupTokens; y points at the first row's
// column.
template <class Format>
void MultiplyGroup(const WeightMatrix& w, size_t row_begin, size_t rows, const float* x, size_t tokens, float* y,
                   size_t y_stride) {
  HWY_ALIGN float panel[kPanelRows * kPanelCols];
  HWY_ALIGN float acc[kPanelRows * kGroupTokens * kLanes];
  std::memset(acc, 0, sizeof(acc));
  for (size_t col = 0; col < w.cols; col += kPanelCols) {
    const size_t end = std::min(w.cols, col + kPanelCols);
    for (size_t r = 0; r < rows; ++r) {
      DecodeChunks<Format>(w.Row(row_begin + r), col / kLanes, end, panel + r * kPanelCols);
    }
    const size_t chunks = (end - col) / kLanes, tail = (end - col) % kLanes;
    MultiplyPanel(panel, rows, x + col, w.cols, tokens, chunks, acc);
    if (tail != 0)
      MultiplyPanelTail(panel + chunks * kLanes, rows, x + col + chunks * kLanes, w.cols, tokens, tail, acc);
  }
  for (size_t t = 0; t < tokens; ++t) {
    for (size_t r = 0; r < rows; ++r) y[t * y_stride + r] = SumStoredLanes(acc + (r * kGroupTokens + t) * kLanes);
  }
}

template <class Format>
void Multiply(const WeightMatrix& w, size_t row_begin, size_t row_end, const float* x, size_t n_tokens, float* y,
              size_t y_stride) {
  if (n_tokens == 1) {
    const size_t whole = w.cols / kLanes * kLanes;
    float x_tail[kLanes];
    CopyTail(x + whole, w.cols - whole, x_tail);
    for (size_t r = row_begin; r < row_end; ++r) y[r] = DotRow<Format>(w.Row(r), x, w.cols, x_tail);
    return;
  }
  for (size_t r = row_begin; r < row_end; r += kPanelRows) {
    for (size_t t = 0; t < n_tokens; t += kGroupTokens) {
      MultiplyGroup<Format>(w, r, std::min(kPanelRows, row_end - r), x + t * w.cols,
                            std::min(kGroupTokens, n_tokens - t), y + t * y_stride + r, y_stride);
    }
  }
}

// Calls body(Format()) for the struct of `type`.
template <class Body>
HWY_INLINE void WithFormat(GgmlType type, const Body& body) {
  switch (type) {
    case F32Format::kType:
      return body(F32Format());
    case F16Format::kType:
      return body(F16Format());
    case Q8_0Format::kType:
      return body(Q8_0Format());
    default:
      LP_CHECK(false);  // MakeWeightMatrix let no other in
  }
}

void DecodeRowTarget(const WeightMatrix& w, size_t row, float* out) {
  const size_t whole = w.cols / kLanes * kLanes;
  WithFormat(w.type, [&](auto format) HWY_ATTR {
    DecodeChunks<decltype(format)>(w.Row(row), 0, whole, out);
    decltype(format)::DecodeTail(w.Row(row), whole / kLanes, w.cols - whole, out + whole);
  });
}

void MatMulRowsTarget(const WeightMatrix& w, size_t row_begin, size_t row_end, const float* x, size_t n_tokens,
                      float* y, size_t y_stride) {
  WithFormat(w.type, [&](auto format)
                         HWY_ATTR { Multiply<decltype(format)>(w, row_begin, row_end, x, n_tokens, y, y_stride); });
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
namespace {
constexpr GgmlType kWeightTypes[] = {GgmlType::kF32, GgmlType::kF16, GgmlType::kQ8_0};
}  // namespace

HWY_EXPORT(DecodeRowTarget);
HWY_EXPORT(MatMulRowsTarget);

bool IsWeightType(GgmlType type) {
  return std::find(std::begin(kWeightTypes), std::end(kWeightTypes), type) != std::end(kWeightTypes);
}

std::string WeightTypeNames() {
  std::string out;
  for (const GgmlType type : kWeightTypes) {
    out += StrCat(out.empty() ? "" : ", ", FindGgmlType(static_cast<uint32_t>(type))->name);
  }
  return out;
}

WeightMatrix MakeWeightMatrix(GgmlType type, size_t rows, size_t cols, std::span<const uint8_t> data) {
  LP_CHECK(IsWeightType(type));
  const GgmlTypeInfo& info = *FindGgmlType(static_cast<uint32_t>(type));
  LP_CHECK(cols % info.block_size == 0);
  const size_t row_bytes = cols / info.block_size * info.block_bytes;
  LP_CHECK(data.size() == rows * row_bytes);
  return {type, rows, cols, row_bytes, data.data()};
}

void DecodeRow(const WeightMatrix& w, size_t row, std::span<float> out) {
  LP_CHECK(row < w.rows && out.size() == w.cols);
  HWY_DYNAMIC_DISPATCH(DecodeRowTarget)(w, row, out.data());
}

void MatMulRows(const WeightMatrix& w, size_t row_begin, size_t row_end, const float* x, size_t n_tokens, float* y,
                size_t y_stride) {
  LP_DCHECK(row_begin <= row_end && row_end <= w.rows && y_stride >= w.rows);
  HWY_DYNAMIC_DISPATCH(MatMulRowsTarget)(w, row_begin, row_end, x, n_tokens, y, y_stride);
}

}  // namespace lp
#endif  // HWY_ONCE
