#include "base/thread_pool.h"

#include <algorithm>

#include "base/check.h"

namespace lp {
namespace {

// About 20 us of polling: longer than the serial stretches between two loops of a forward pass.
constexpr uint32_t kSpins = 20000;
// Ranges per thread: enough that a thread which the system interrupts leaves its share to the others.
constexpr size_t kRangesPerThread = 4;

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
    generation_.store(kStop, std::memory_order_release);
  }
  start_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::TakeRanges() {
  while (true) {
    const size_t begin = next_.fetch_add(range_, std::memory_order_relaxed);
    if (begin >= n_) return;
    call_(body_, begin, begin + std::min(range_, n_ - begin));
  }
}

void ThreadPool::Run(size_t n, size_t grain, RangeFunction call, const void* body) {
  LP_DCHECK(grain >= 1);
  if (n == 0) return;
  if (workers_.empty() || n <= grain) return call(body, 0, n);
  const size_t grains = (n - 1) / grain + 1, ranges = kRangesPerThread * size();
  n_ = n;
  range_ = grain * ((grains - 1) / ranges + 1);
  call_ = call;
  body_ = body;
  next_.store(0, std::memory_order_relaxed);
  pending_.store(workers_.size(), std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);  // no worker is between its last look at generation_ and its sleep
    generation_.store(generation_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  start_.notify_all();
  TakeRanges();
  for (uint32_t i = 0; i < spins_; ++i) {
    if (pending_.load(std::memory_order_acquire) == 0) return;
  }
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return pending_.load(std::memory_order_acquire) == 0; });
}

uint64_t ThreadPool::AwaitGenerationAfter(uint64_t seen) {
  uint64_t generation = seen;
  for (uint32_t i = 0; i < spins_; ++i) {
    generation = generation_.load(std::memory_order_acquire);
    if (generation != seen) return generation;
  }
  std::unique_lock lock(mutex_);
  start_.wait(lock, [&] {
    generation = generation_.load(std::memory_order_acquire);
    return generation != seen;
  });
  return generation;
}

void ThreadPool::WorkerLoop() {
  uint64_t seen = 0;
  while ((seen = AwaitGenerationAfter(seen)) != kStop) {
    TakeRanges();
    if (pending_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      // Taken and let go so that the caller is not between its last look at pending_ and its sleep. The pool outlives
      // this: its destructor joins.
      { const std::lock_guard lock(mutex_); }
      done_.notify_one();
    }
  }
}

}  // namespace lp
