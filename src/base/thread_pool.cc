#include "base/thread_pool.h"

#include <algorithm>

#include "base/check.h"

namespace lp {

ThreadPool::ThreadPool(size_t n_threads) {
  LP_CHECK(n_threads >= 1);
  workers_.reserve(n_threads - 1);
  for (size_t i = 1; i < n_threads; ++i) workers_.emplace_back([this, i] { WorkerLoop(i); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  start_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

// Share `index` of [0, n): the same partition for every loop of the same (n, grain, size), so memory that a thread touched
// first stays near it.
void ThreadPool::RunShare(size_t index) {
  const size_t chunks = (n_ + grain_ - 1) / grain_;
  const size_t begin = std::min(n_, chunks * index / size() * grain_);
  const size_t end = std::min(n_, chunks * (index + 1) / size() * grain_);
  if (begin < end) (*body_)(begin, end);
}

void ThreadPool::ParallelFor(size_t n, size_t grain, const std::function<void(size_t, size_t)>& body) {
  LP_DCHECK(grain >= 1);
  if (n == 0) return;
  if (workers_.empty() || n <= grain) return body(0, n);
  {
    const std::lock_guard lock(mutex_);
    n_ = n;
    grain_ = grain;
    body_ = &body;
    pending_ = workers_.size();
    ++generation_;
  }
  start_.notify_all();
  RunShare(0);
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return pending_ == 0; });
}

void ThreadPool::WorkerLoop(size_t index) {
  uint64_t seen = 0;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      start_.wait(lock, [&] { return stop_ || generation_ != seen; });
      if (stop_) return;
      seen = generation_;
    }
    RunShare(index);
    {
      const std::lock_guard lock(mutex_);
      --pending_;
    }
    done_.notify_one();
  }
}

}  // namespace lp
