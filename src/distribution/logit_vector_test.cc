#include "distribution/logit_vector.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <numeric>
#include <thread>

namespace lp {
namespace {

std::vector<float> Counting(size_t n) {
  std::vector<float> x(n);
  std::iota(x.begin(), x.end(), 0.0f);
  return x;
}

std::vector<float> Values(const LogitVector& v) {
  std::vector<float> x;
  for (size_t i = 0; i < v.size(); ++i) x.push_back(v[i]);
  return x;
}

TEST(LogitVector, ViewsWholeBlocksAndPadsTheLast) {
  for (const size_t n : {0u, 1u, 255u, 256u, 257u, 512u, 1000u}) {
    const std::vector<float> x = Counting(n);
    const LogitVector v(x);
    ASSERT_EQ(v.size(), n);
    ASSERT_EQ(v.n_blocks(), (n + 255) / 256);
    EXPECT_EQ(Values(v), x);
    for (size_t b = 0; b < n / 256; ++b) EXPECT_EQ(v.block(b), x.data() + 256 * b);
    for (size_t i = n; i < 256 * v.n_blocks(); ++i) EXPECT_EQ(v.block(i / 256)[i % 256], kMasked);
  }
}

TEST(LogitVector, WritesCopyOnlyWhatTheyTouch) {
  const std::vector<float> x = Counting(1024);
  const LogitVector a(x);
  LogitVector b = a;
  b.Set(300, -1);
  EXPECT_EQ(x[300], 300);
  EXPECT_EQ(a[300], 300);
  EXPECT_EQ(b[300], -1);
  for (size_t block = 0; block < 4; ++block) EXPECT_EQ(a.SharesBlock(b, block), block != 1);
  const float* own = b.block(1);
  b.Set(301, -2);
  EXPECT_EQ(b.block(1), own) << "a block of one's own is written in place";
  b.MaskBlock(2);
  EXPECT_EQ(b[512], kMasked);
  EXPECT_EQ(a[512], 512);
}

// Mutation: do not mark the arena as shared when copying -> red.
TEST(LogitVector, ACopyKeepsItsValuesWhenTheOriginalIsWritten) {
  const std::vector<float> x = Counting(600);
  LogitVector a(x);
  a.Set(5, -5);
  LogitVector b = a;
  a.Set(5, -6);
  a.Set(590, -7);
  b.Set(6, -8);
  EXPECT_EQ(a[5], -6);
  EXPECT_EQ(b[5], -5);
  EXPECT_EQ(b[590], 590);
  EXPECT_EQ(a[6], 6);
  a = b;
  b.Set(5, -9);
  EXPECT_EQ(a[5], -5);
  EXPECT_EQ(a[6], -8);
}

TEST(LogitVector, BlocksOutliveTheVectorThatWroteThem) {
  const std::vector<float> x = Counting(300);
  LogitVector copy;
  {
    LogitVector a(x);
    a.Set(0, 9);
    copy = a;
  }
  const LogitVector other(x);  // would reuse what the pool got back too early
  EXPECT_EQ(copy[0], 9);
  EXPECT_EQ(copy[299], 299);
}

// Any program of copies and writes equals the same program on plain vectors.
RC_GTEST_PROP(LogitVector, BehavesLikeAPlainVector, ()) {
  const size_t n = *rc::gen::inRange<size_t>(1, 800);
  const std::vector<float> x = Counting(n);
  std::vector<LogitVector> vectors = {LogitVector(x), LogitVector(x), LogitVector(x)};
  std::vector<std::vector<float>> plain(3, x);
  const auto steps = *rc::gen::container<std::vector<std::tuple<int, size_t, size_t>>>(
      rc::gen::tuple(rc::gen::inRange(0, 5), rc::gen::inRange<size_t>(0, 3), rc::gen::inRange<size_t>(0, n)));
  float next = -1;
  for (const auto& [action, target, i] : steps) {
    const size_t from = i % 3, block = i / 256;
    if (action == 0) {
      vectors[target] = vectors[from];
      plain[target] = plain[from];
    } else if (action == 1) {
      vectors[target].MaskBlock(block);
      for (size_t j = 256 * block; j < std::min(n, 256 * block + 256); ++j) plain[target][j] = kMasked;
    } else if (action == 2) {
      float* values = vectors[target].Replace(block);
      std::fill_n(values, 256, kMasked);
      for (size_t j = 256 * block; j < std::min(n, 256 * block + 256); ++j)
        values[j - 256 * block] = plain[target][j] = next;
      next -= 1;
    } else {
      vectors[target].Set(i, next);
      plain[target][i] = next;
      next -= 1;
    }
  }
  for (size_t v = 0; v < 3; ++v) RC_ASSERT(Values(vectors[v]) == plain[v]);
}

TEST(LogitVector, CopiesAreIndependentAcrossThreads) {
  const std::vector<float> x = Counting(5000);
  LogitVector base(x);
  base.Set(7, -1);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&base, t] {
      for (int round = 0; round < 50; ++round) {
        LogitVector mine = base;
        for (size_t i = 0; i < mine.size(); i += 100) mine.Set(i, static_cast<float>(-t));
        const LogitVector copy = mine;
        for (size_t i = 0; i < mine.size(); i += 100) ASSERT_EQ(copy[i], static_cast<float>(-t));
        ASSERT_EQ(copy[7], -1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace lp
