// Every kernel on every SIMD target, against double sums of weights worked out from the formats' definitions.
#include "quant/matrix.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <tuple>
#include <vector>

#include "hwy/highway.h"
#include "hwy/tests/hwy_gtest.h"
#include "quant/copies.h"
#include "support/quant_reference.h"

namespace lp {
namespace {

using reference::HalfValue;

uint16_t RandomHalf(std::mt19937& rng) {  // finite, of magnitude 2^-9 to 2
  const uint32_t r = static_cast<uint32_t>(rng());
  return static_cast<uint16_t>((r & 0x83FFu) | (6u + (r >> 16) % 10u) << 10);
}

// A random matrix in stored form with what it means, worked out here. `offset` bytes stand before the data.
struct Sample {
  std::vector<uint8_t> bytes;
  std::vector<double> values;  // [rows, cols]
  WeightMatrix matrix;
};

Sample MakeSample(GgmlType type, size_t rows, size_t cols, size_t offset, uint32_t seed) {
  std::mt19937 rng(seed);
  Sample s;
  s.bytes.resize(offset);
  const auto put = [&](const auto& v) {
    const auto* p = reinterpret_cast<const uint8_t*>(&v);
    s.bytes.insert(s.bytes.end(), p, p + sizeof(v));
  };
  const GgmlTypeInfo& info = *FindGgmlType(static_cast<uint32_t>(type));
  const std::vector<size_t> halves = reference::HalfOffsets(type);
  for (size_t block = 0; block < rows * cols / info.block_size; ++block) {
    const size_t begin = s.bytes.size();
    if (type == GgmlType::kF32) {
      put(static_cast<float>(HalfValue(RandomHalf(rng))) * 1.1f);
    } else if (type == GgmlType::kF16) {
      put(RandomHalf(rng));
    } else if (type == GgmlType::kBF16) {
      put(static_cast<uint16_t>((rng() & 0x8000u) | (0x3c80u + rng() % 0x300u)));
    } else {
      for (size_t i = 0; i < info.block_bytes; ++i) put(static_cast<uint8_t>(rng()));
      for (const size_t at : halves) {
        const uint16_t half = RandomHalf(rng);
        std::memcpy(s.bytes.data() + begin + at, &half, 2);
      }
    }
    for (size_t i = 0; i < info.block_size; ++i) {
      s.values.push_back(static_cast<double>(static_cast<float>(reference::NumberOf(type, s.bytes.data() + begin, i))));
    }
  }
  s.matrix = MakeWeightMatrix(type, rows, cols, std::span(s.bytes).subspan(offset));
  EXPECT_EQ(s.matrix.row_bytes, cols / info.block_size * info.block_bytes);
  return s;
}

std::vector<float> RandomVector(size_t n, uint32_t seed) {
  std::mt19937 rng(seed);
  std::vector<float> x(n);
  for (float& v : x) v = static_cast<float>(static_cast<double>(rng()) / 2147483648.0 - 1.0);
  return x;
}

bool IsPlain(GgmlType type) { return type == GgmlType::kF32 || type == GgmlType::kF16 || type == GgmlType::kBF16; }

// What a product with a block type makes of its input, from the definition in quant/matrix.h.
std::vector<double> Rounded(std::span<const float> x) {
  std::vector<double> out;
  for (size_t begin = 0; begin < x.size(); begin += 32) {
    const auto chunk = x.subspan(begin, 32);
    double most = 0;
    for (const float v : chunk) most = std::max(most, std::abs(static_cast<double>(v)));
    const double unit = most == 0 ? 1 : std::exp2(std::floor(std::log2(most)) - 14);
    for (const float v : chunk) {
      const double rounded = std::min(std::nearbyint(static_cast<double>(v) / unit), 32767.0) * unit;
      EXPECT_LE(std::abs(rounded - static_cast<double>(v)), std::abs(rounded) < 32767 * unit ? unit / 2 : unit);
      out.push_back(rounded);
    }
  }
  return out;
}

class MatrixTest : public hwy::TestWithParamTarget {};
HWY_TARGET_INSTANTIATE_TEST_SUITE_P(MatrixTest);

constexpr GgmlType kTypes[] = {GgmlType::kF32,  GgmlType::kF16,  GgmlType::kBF16, GgmlType::kQ8_0,   GgmlType::kQ4_0,
                               GgmlType::kQ4_1, GgmlType::kQ5_0, GgmlType::kQ5_1, GgmlType::kQ2_K,   GgmlType::kQ3_K,
                               GgmlType::kQ4_K, GgmlType::kQ5_K, GgmlType::kQ6_K, GgmlType::kIQ4_NL, GgmlType::kIQ4_XS};
// 0, 1, around vectors of 4, 8, 16, around the 32 lanes, around the 1024-column panel; rows of block
// types are whole blocks.
constexpr size_t kCols[] = {0,  1,  3,  4,  5,  7,  8,   9,    15,   16,   17,   31,   32,
                            33, 63, 64, 65, 96, 97, 160, 1023, 1024, 1025, 1056, 256, 512, 768, 2048, 2081, 2816};

bool Fits(GgmlType type, size_t cols) { return cols % FindGgmlType(static_cast<uint32_t>(type))->block_size == 0; }

TEST_P(MatrixTest, DecodesEveryHalfByItsDefinition) {
  std::vector<uint16_t> halves(65536);
  for (size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<uint16_t>(i);
  const WeightMatrix w =
      MakeWeightMatrix(GgmlType::kF16, 16, 4096, {reinterpret_cast<const uint8_t*>(halves.data()), 131072});
  std::vector<float> row(4096);
  for (size_t r = 0; r < 16; ++r) {
    DecodeRow(w, r, row);
    for (size_t c = 0; c < 4096; ++c) {
      const double expected = HalfValue(halves[r * 4096 + c]);
      if (std::isnan(expected)) {
        ASSERT_TRUE(std::isnan(row[c])) << r * 4096 + c;
      } else {
        ASSERT_EQ(std::bit_cast<uint32_t>(row[c]), std::bit_cast<uint32_t>(static_cast<float>(expected)))
            << r * 4096 + c;
      }
    }
  }
}
// Mutation: FloatFromHalf returns `value` on every target -> red on those without F16C.

TEST_P(MatrixTest, DecodesBitForBit) {
  for (const GgmlType type : kTypes) {
    for (const size_t cols : kCols) {
      if (!Fits(type, cols)) continue;
      const Sample s = MakeSample(type, 3, cols, 0, 1);
      std::vector<float> out(cols);
      for (size_t r = 0; r < 3; ++r) {
        DecodeRow(s.matrix, r, out);
        for (size_t c = 0; c < cols; ++c)
          ASSERT_EQ(std::bit_cast<uint32_t>(out[c]), std::bit_cast<uint32_t>(static_cast<float>(s.values[r * cols + c])))
              << FindGgmlType(static_cast<uint32_t>(type))->name << " " << cols << " " << c << ": " << out[c];
      }
    }
  }
}
// Mutations, each red: any offset, shift or mask of a format; the subtraction of a minimum as a fused multiply-add of an
// inexact product.

TEST_P(MatrixTest, ProductsMatchDoubleSums) {
  for (const GgmlType type : kTypes) {
    for (const size_t cols : kCols) {
      if (!Fits(type, cols)) continue;
      for (const size_t tokens : {1u, 2u, 4u, 5u, 49u}) {
        const size_t rows = 7, element = type == GgmlType::kF32 ? 4 : type == GgmlType::kF16 || type == GgmlType::kBF16 ? 2 : 1;
        const Sample s = MakeSample(type, rows, cols, element, 2);        // as unaligned as the type allows
        const std::vector<float> x = RandomVector(1 + tokens * cols, 3);  // used from 1: unaligned for SIMD
        std::vector<float> y(tokens * (rows + 2), -7.0f);
        MatMulRows(s.matrix, 0, rows, x.data() + 1, tokens, y.data(), rows + 2);
        for (size_t t = 0; t < tokens; ++t) {
          const std::span<const float> token(x.data() + 1 + t * cols, cols);
          const std::vector<double> inputs = IsPlain(type) ? std::vector<double>(token.begin(), token.end()) : Rounded(token);
          for (size_t r = 0; r < rows; ++r) {
            double sum = 0, magnitude = 0;
            for (size_t c = 0; c < cols; ++c) {
              const double term = s.values[r * cols + c] * inputs[c];
              sum += term, magnitude += std::abs(term);
            }
            // cols/32 + 5 additions and a product, each within 2^-24 of terms that sum to `magnitude`; where minima are taken off
            // afterwards, both parts can be some times as large.
            const double parts = IsPlain(type) ? 1 : 16;
            const double tolerance = (static_cast<double>(cols) / 32 + 7) * parts * 0x1p-24 * magnitude;
            ASSERT_NEAR(y[t * (rows + 2) + r], sum, tolerance) << cols << " cols, row " << r << ", token " << t;
          }
          ASSERT_EQ(y[t * (rows + 2) + rows], -7.0f) << "wrote outside its rows";
        }
      }
    }
  }
}
// Mutation: skip DotRow's tail; the second tile of a step reads the first's tokens; round inputs to 15 bits; leave out the offset
// or the minimum of a type; the last group of a row without its blocks -> each red.

TEST_P(MatrixTest, AnyGroupingGivesTheSameBits) {
  for (const GgmlType type : kTypes) {
    for (const size_t cols : {size_t{32}, size_t{40}, size_t{576}, size_t{1024}, size_t{2080}, size_t{2816}, size_t{3000}}) {
      if (!Fits(type, cols)) continue;
      const size_t rows = 11, tokens = 101;
      const Sample s = MakeSample(type, rows, cols, 0, 4);
      const std::vector<float> x = RandomVector(tokens * cols, 5);
      std::vector<float> all(tokens * rows), y(tokens * rows);
      MatMulRows(s.matrix, 0, rows, x.data(), tokens, all.data(), rows);
      std::mt19937 rng(6);
      for (int round = 0; round < 4; ++round) {
        std::fill(y.begin(), y.end(), 0.0f);
        for (size_t t = 0; t < tokens;) {
          const size_t m = round == 0 ? 1 : std::min<size_t>(tokens - t, 1 + rng() % 60);
          for (size_t r = 0; r < rows;) {
            const size_t n = std::min<size_t>(rows - r, 1 + rng() % 6);
            MatMulRows(s.matrix, r, r + n, x.data() + t * cols, m, y.data() + t * rows, rows);
            r += n;
          }
          t += m;
        }
        ASSERT_EQ(0, std::memcmp(all.data(), y.data(), y.size() * sizeof(float))) << cols << " round " << round;
      }
    }
  }
}
// Mutation: AddRuns adds the minimum's part first; Tile adds lanes in another order; AddLane leaves out the last waiting sum -> each
// red.

TEST_P(MatrixTest, InfinityAndNanSpreadOnlyWithinTheirRow) {
  std::vector<float> w(2 * 40, 1.0f), x(2 * 40, 1.0f), y(4);
  w[39] = std::numeric_limits<float>::quiet_NaN();
  const WeightMatrix m = MakeWeightMatrix(GgmlType::kF32, 2, 40, {reinterpret_cast<const uint8_t*>(w.data()), 320});
  MatMulRows(m, 0, 2, x.data(), 2, y.data(), 2);
  EXPECT_TRUE(std::isnan(y[0]) && std::isnan(y[2]));
  EXPECT_EQ(y[1], 40.0f);
  EXPECT_EQ(y[3], 40.0f);
}

// Inputs of a block type at the edges of what 16 bits and a power of two can say.
TEST_P(MatrixTest, RoundsInputsOfAnySize) {
  const Sample s = MakeSample(GgmlType::kQ8_0, 1, 64, 0, 10);
  const float inf = std::numeric_limits<float>::infinity();
  for (const size_t tokens : {1u, 7u}) {
    for (const float scale : {1.0f, 0x1p-126f, 0x1p-113f, 0x1p-112f, 0x1p-30f, 0x1p+100f}) {
      std::vector<float> x(64 * tokens, 0.0f), y(tokens);
      x[3] = scale, x[5] = 0.99999f * scale, x[40] = -scale;  // 5: 2^15 units, where 16 bits end
      MatMulRows(s.matrix, 0, 1, x.data(), tokens, y.data(), 1);
      const double exact = static_cast<double>(scale) * (s.values[3] + 0.99999 * s.values[5] - s.values[40]);
      const double size = static_cast<double>(scale) * (std::abs(s.values[3]) + std::abs(s.values[5]) + std::abs(s.values[40]));
      ASSERT_NEAR(y[0], exact, scale < 0x1p-112f ? size : size * 0x1p-14) << scale;
      for (size_t t = 1; t < tokens; ++t) ASSERT_EQ(y[t], 0.0f);
    }
    for (const float bad : {inf, -inf, std::numeric_limits<float>::quiet_NaN()}) {
      std::vector<float> x(64 * tokens, 1.0f), y(tokens);
      x[33] = bad;
      MatMulRows(s.matrix, 0, 1, x.data(), tokens, y.data(), 1);
      ASSERT_TRUE(std::isnan(y[0])) << bad;
      for (size_t t = 1; t < tokens; ++t) ASSERT_TRUE(std::isfinite(y[t]));
    }
  }
}
// Mutation: take the largest input by comparing floats, which lose NaN; is_zero from exponent 14 on -> red.

// A copy of w, in `bytes`.
WeightMatrix Copy(const WeightMatrix& w, std::vector<uint8_t>& bytes) {
  bytes.assign(CopyBytes(w), 0xAA);
  for (size_t r = 0; r < w.rows; r += kStripRows) CopyRows(w, r, std::min(w.rows, r + kStripRows), bytes.data());
  return CopyAt(w, bytes.data());
}

bool HasStrips(GgmlType type) { return type == GgmlType::kQ4_0 || type == GgmlType::kQ4_1 || type == GgmlType::kQ4_K; }

// Of types in strips: the others are copied as they are, as the next test has it.
TEST_P(MatrixTest, CopiesGiveTheSameBits) {
  for (const GgmlType type : kTypes) {
    if (!HasStrips(type)) continue;
    for (const size_t cols : {size_t{32}, size_t{288}, size_t{576}, size_t{1024}}) {
      if (!Fits(type, cols)) continue;
      for (const size_t rows : {1u, 8u, 13u, 75u}) {  // 75: more than a panel of any target
        const Sample s = MakeSample(type, rows, cols, 0, 11);
        std::vector<uint8_t> bytes;
        const WeightMatrix copy = Copy(s.matrix, bytes);
        std::vector<float> row(cols), copied(cols);
        for (size_t r = 0; r < rows; ++r) {
          DecodeRow(s.matrix, r, row), DecodeRow(copy, r, copied);
          ASSERT_EQ(row, copied) << FindGgmlType(static_cast<uint32_t>(type))->name << " row " << r;
        }
        for (const size_t tokens : {1u, 3u, 5u, 30u}) {
          const std::vector<float> x = RandomVector(tokens * cols, 12);
          std::vector<float> y(tokens * rows), z(tokens * rows);
          MatMulRows(s.matrix, 0, rows, x.data(), tokens, y.data(), rows);
          for (size_t r = 0; r < rows;) {  // ranges that begin and end within strips, too
            const size_t n = std::min<size_t>(rows - r, tokens == 3 ? 8 : 21);
            MatMulRows(copy, r, r + n, x.data(), tokens, z.data(), rows);
            r += n;
          }
          ASSERT_EQ(0, std::memcmp(y.data(), z.data(), y.size() * sizeof(float)))
              << FindGgmlType(static_cast<uint32_t>(type))->name << " " << rows << " x " << cols << ", " << tokens << " tokens";
        }
      }
    }
  }
}
// Mutation, each red: AddRun leaves out the offset; WriteRuns shifts pairs by 4, 12, 8; FillPanelFrom leaves
// the offset in; the parts of a range that begin within a strip computed from its first row on.

TEST(MatrixCopies, AreStripsWhereFourBitsMakeThemPay) {
  for (const GgmlType type : kTypes) {
    const Sample s = MakeSample(type, 9, 256, 0, 13);
    std::vector<uint8_t> bytes;
    EXPECT_EQ(Copy(s.matrix, bytes).in_strips, HasStrips(type));
    if (!HasStrips(type)) {
      EXPECT_EQ(bytes, s.bytes);
    } else if (type == GgmlType::kQ4_0) {
      EXPECT_EQ(bytes.size(), 16 * s.matrix.row_bytes) << "two strips, as long as the rows they hold";
    }
  }
}

// Sessions move between machines: the same file gives the same bits, for block types everywhere, for plain numbers wherever products
// are fused.
TEST(MatrixTargets, AgreeBitForBit) {
  for (const GgmlType type : kTypes) {
    for (const size_t tokens : {1u, 9u}) {  // by each kernel
      const Sample s = MakeSample(type, 9, 2048, 0, 8);
      const std::vector<float> x = RandomVector(tokens * 2048, 9);
      std::vector<std::vector<float>> results;
      for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
        if (IsPlain(type) && target > HWY_AVX2 && target != HWY_NEON) continue;
        hwy::SetSupportedTargetsForTest(target);
        MatMulRows(s.matrix, 0, 9, x.data(), tokens, results.emplace_back(tokens * 9).data(), 9);
      }
      hwy::SetSupportedTargetsForTest(0);
      for (const auto& r : results) EXPECT_EQ(r, results[0]) << FindGgmlType(static_cast<uint32_t>(type))->name;
    }
  }
}

TEST(MatrixTypes, AreKnownByName) {
  EXPECT_EQ(WeightTypeNames(), "F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS");
  EXPECT_TRUE(IsWeightType(GgmlType::kQ4_K));
  EXPECT_FALSE(IsWeightType(GgmlType::kF64));
}

}  // namespace
}  // namespace lp
