// Fork-join over a fixed set of threads. One loop at a time; the caller is one of the workers.
//
// Not a task queue: the forward pass splits each matrix product over rows and must meet again right after.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace lp {

class ThreadPool {
 public:
  // `n_threads` >= 1 counts the caller; 1 starts no thread.
  explicit ThreadPool(size_t n_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  size_t size() const { return workers_.size() + 1; }

  // Calls body(begin, end) over a partition of [0, n) into contiguous ranges whose edges are multiples of `grain`, and
  // returns when all have returned. Which thread gets which range must not influence the result (callers compute each
  // index on its own). Not reentrant; one caller at a time.
  void ParallelFor(size_t n, size_t grain, const std::function<void(size_t begin, size_t end)>& body);

 private:
  void WorkerLoop(size_t index);
  void RunShare(size_t index);

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable start_, done_;
  // all below guarded by mutex_, except that a running loop reads its own copy of the job
  uint64_t generation_ = 0;
  size_t pending_ = 0;
  bool stop_ = false;
  size_t n_ = 0, grain_ = 1;
  const std::function<void(size_t, size_t)>* body_ = nullptr;
};

}  // namespace lp
