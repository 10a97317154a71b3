#include "base/thread_pool.h"

#include <algorithm>

#include "base/check.h"

namespace lp {
namespace {

// About 20 us of polling: longer than the serial stretches between two loops of a forward pass.
constexpr uint32_t kSpins = 20000;
// Ranges per thread: enough that a thread which the system interrupts leaves its share to the others.
constexpr size_t kRangesPerThread = 4;

bool HasWork(uint64_t ticket) { return static_cast<uint32_t>(ticket) < ticket >> 32; }

}  // namespace

ThreadPool::ThreadPool(size_t n_threads)
    // Where threads outnumber processors, a thread that spins keeps the one it waits for from running.
    : spins_(n_threads <= std::thread::hardware_concurrency() ? kSpins : 0) {
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
    const size_t begin = static_cast<uint32_t>(ticket) * range_;
    call_(body_, begin, begin + std::min(range_, n_ - begin));
    const auto count = static_cast<uint32_t>(ticket >> 32);
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
  const size_t grains = (n - 1) / grain + 1;
  n_ = n;
  range_ = grain * ((grains - 1) / (kRangesPerThread * size()) + 1);
  call_ = call;
  body_ = body;
  const auto count = static_cast<uint32_t>((n - 1) / range_ + 1);
  finished_.store(0, std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);  // no worker is between its last look at ticket_ and its sleep
    ticket_.store(uint64_t{count} << 32, std::memory_order_release);
  }
  start_.notify_all();
  TakeRanges();
  const auto is_done = [&] { return finished_.load(std::memory_order_acquire) == count; };
  for (uint32_t i = 0; i < spins_; ++i) {
    if (is_done()) return;
  }
  std::unique_lock lock(mutex_);
  done_.wait(lock, is_done);
}

bool ThreadPool::AwaitWork() {
  const auto is_over = [&] {
    return stop_.load(std::memory_order_acquire) || HasWork(ticket_.load(std::memory_order_acquire));
  };
  uint32_t i = 0;
  while (i < spins_ && !is_over()) ++i;
  if (i == spins_) {
    std::unique_lock lock(mutex_);
    start_.wait(lock, is_over);
  }
  return !stop_.load(std::memory_order_acquire);
}

void ThreadPool::WorkerLoop() {
  while (AwaitWork()) TakeRanges();
}

}  // namespace lp
