#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

namespace lp {
namespace {

TEST(ThreadPool, VisitsEveryIndexOnceInRangesOfWholeGrains) {
  for (const size_t threads : {1u, 2u, 3u, 5u}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.size(), threads);
    for (const size_t n : {0u, 1u, 2u, 7u, 8u, 9u, 63u, 64u, 65u, 1000u}) {
      for (const size_t grain : {1u, 3u, 8u, 64u, 5000u}) {
        std::vector<std::atomic<int>> visits(n);
        std::atomic<bool> aligned{true};
        pool.ParallelFor(n, grain, [&](size_t begin, size_t end) {
          if (begin % grain != 0 || (end % grain != 0 && end != n) || begin >= end) aligned = false;
          for (size_t i = begin; i < end; ++i) ++visits[i];
        });
        EXPECT_TRUE(aligned) << n << " by " << grain;
        for (size_t i = 0; i < n; ++i) ASSERT_EQ(visits[i], 1) << i << " of " << n << " by " << grain;
      }
    }
  }
}

TEST(ThreadPool, WaitsForRangesThatOthersTook) {
  ThreadPool pool(3);
  std::atomic<int> finished{0};
  pool.ParallelFor(24, 1, [&](size_t begin, size_t end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    finished += static_cast<int>(end - begin);
  });
  EXPECT_EQ(finished, 24);
}
// Mutation: return from Run without waiting for finished_ -> red.

TEST(ThreadPool, SmallLoopsStayOnTheCaller) {
  ThreadPool pool(3);
  const auto caller = std::this_thread::get_id();
  pool.ParallelFor(8, 8, [&](size_t begin, size_t end) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    EXPECT_EQ(begin, 0u);
    EXPECT_EQ(end, 8u);
  });
}

// Loops right after one another, and after pauses long enough for every worker to sleep.
TEST(ThreadPool, ManyLoopsInARow) {
  for (const size_t threads : {2u, 3u, 9u}) {
    ThreadPool pool(threads);
    std::vector<size_t> sums(256);
    for (size_t round = 0; round < 2000; ++round) {
      pool.ParallelFor(sums.size(), 1, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i) sums[i] += i;
      });
      if (round % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    for (size_t i = 0; i < sums.size(); ++i) ASSERT_EQ(sums[i], 2000 * i);
  }
}

TEST(ThreadPool, EndsWhetherItsWorkersSpinOrSleep) {
  for (int i = 0; i < 50; ++i) ThreadPool spinning(3);
  ThreadPool asleep(3);
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

}  // namespace
}  // namespace lp
