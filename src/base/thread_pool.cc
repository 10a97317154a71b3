#include "base/thread_pool.h"

#include <algorithm>
#include <chrono>

#include "base/check.h"
#include "hwy/cache_control.h"

namespace lp {
namespace {

// How long a thread polls before it sleeps: longer than what lies between two tokens (a draw, its trace). Waking takes
// tens of microseconds, in which the caller has done most of a loop by itself: the thread that comes too late for one
// loop would sleep again before the next.
constexpr auto kPatience = std::chrono::microseconds(500);
// Ranges per thread: enough that a thread which the system interrupts leaves some of its share to the others.
constexpr size_t kRangesPerThread = 4;

// Where range i of `count` begins, of n items for so many threads. Each thread's first range is most of its share, for what lies in one
// piece is read fastest; the others are short, so that no thread waits long for the last.
size_t RangeBegin(size_t i, size_t count, size_t n, size_t threads) {
  if (count <= threads) return i * n / count;
  const size_t first = std::max<size_t>(1, n * 4 / (5 * threads));
  if (i <= threads) return i * first;
  return first * threads + (i - threads) * (n - first * threads) / (count - threads);
}

bool HasWork(uint64_t ticket) { return static_cast<uint32_t>(ticket) < ticket >> 32; }

// Polls for at most kPatience; whether `is_over` came true.
template <class IsOver>
bool Poll(const IsOver& is_over) {
  constexpr int kPollsPerLook = 64;  // at the clock
  const auto end = std::chrono::steady_clock::now() + kPatience;
  do {
    for (int i = 0; i < kPollsPerLook; ++i) {
      if (is_over()) return true;
      hwy::Pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

}  // namespace

ThreadPool::ThreadPool(size_t n_threads)
    // Where threads outnumber processors, a thread that spins keeps the one it waits for from running.
    : polls_(n_threads <= std::thread::hardware_concurrency()) {
  LP_CHECK(n_threads >= 1);
  workers_.reserve(n_threads - 1);
  for (size_t i = 1; i < n_threads; ++i) workers_.emplace_back([this] { WorkerLoop(); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_.store(true, std::memory_order_release);
  }
  start_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::TakeRanges() {
  uint64_t ticket = ticket_.load(std::memory_order_acquire);
  while (HasWork(ticket)) {
    if (!ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel, std::memory_order_acquire))
      continue;
    const auto i = static_cast<uint32_t>(ticket), count = static_cast<uint32_t>(ticket >> 32);
    const auto edge = [&](size_t range) { return std::min(n_, grain_ * RangeBegin(range, count, grains_, size())); };
    if (const size_t begin = edge(i), end = edge(i + 1); begin < end) call_(body_, begin, end);
    if (finished_.fetch_add(1, std::memory_order_acq_rel) + 1 == count) {
      // Taken and let go so that the caller is not between its last look at finished_ and its sleep.
      { const std::lock_guard lock(mutex_); }
      done_.notify_one();
    }
    ticket = ticket_.load(std::memory_order_acquire);
  }
}

void ThreadPool::Run(size_t n, size_t grain, RangeFunction call, const void* body) {
  LP_DCHECK(grain >= 1);
  if (n == 0) return;
  if (workers_.empty() || n <= grain) return call(body, 0, n);
  n_ = n;
  grain_ = grain;
  grains_ = (n - 1) / grain + 1;
  call_ = call;
  body_ = body;
  const auto count = static_cast<uint32_t>(std::min(grains_, kRangesPerThread * size()));
  finished_.store(0, std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);  // no worker is between its last look at ticket_ and its sleep
    ticket_.store(uint64_t{count} << 32, std::memory_order_release);
  }
  start_.notify_all();
  TakeRanges();
  const auto is_done = [&] { return finished_.load(std::memory_order_acquire) == count; };
  if (polls_ && Poll(is_done)) return;
  std::unique_lock lock(mutex_);
  done_.wait(lock, is_done);
}

bool ThreadPool::AwaitWork() {
  const auto is_over = [&] {
    return stop_.load(std::memory_order_acquire) || HasWork(ticket_.load(std::memory_order_acquire));
  };
  if (!polls_ || !Poll(is_over)) {
    std::unique_lock lock(mutex_);
    start_.wait(lock, is_over);
  }
  return !stop_.load(std::memory_order_acquire);
}

void ThreadPool::WorkerLoop() {
  while (AwaitWork()) TakeRanges();
}

}  // namespace lp
