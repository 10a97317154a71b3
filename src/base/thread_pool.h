// Fork-join over a fixed set of threads. One loop at a time; the caller is one of the workers.
//
// Not a task queue: the forward pass splits each matrix product over rows and must meet again right after, some hundred
// times per token. So threads that wait poll for half a millisecond before they sleep: waking a sleeper costs as much
// as a product.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
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

  // Calls body(begin, end) over a partition of [0, n) into contiguous ranges whose edges are multiples of `grain` >= 1, and returns when all
  // have returned. Threads take ranges as they become free, so which thread gets which range, and how long ranges are, must not influence the
  // result (callers compute each index on its own). Where n <= grain, body(0, n) runs on the calling thread alone. body must not throw.
  // Not reentrant; one caller at a time.
  template <class Body>
  void ParallelFor(size_t n, size_t grain, const Body& body) {
    const auto call = [](const void* b, size_t begin, size_t end) { (*static_cast<const Body*>(b))(begin, end); };
    Run(n, grain, call, &body);
  }

 private:
  // Not std::function, which would allocate for every loop.
  using RangeFunction = void (*)(const void* body, size_t begin, size_t end);

  void Run(size_t n, size_t grain, RangeFunction call, const void* body);
  void WorkerLoop();
  void TakeRanges();
  bool AwaitWork();  // false: the pool ends

  const bool polls_;  // before a wait sleeps

  // The current loop. Written before ticket_ is; read only by whoever took a range, and that holds the loop open.
  size_t n_ = 0, grain_ = 1, grains_ = 0;
  RangeFunction call_ = nullptr;
  const void* body_ = nullptr;

  // Ranges of the current loop << 32 | ranges taken. Taking one is a compare-and-swap of the whole, so a thread that
  // was asleep since an earlier loop can only ever take a range of the current one, and the loop need not wait for it
  // to wake.
  std::atomic<uint64_t> ticket_{0};
  std::atomic<uint32_t> finished_{0};  // ranges of the current loop that are done
  std::atomic<bool> stop_{false};
  std::mutex mutex_;  // held to change what a sleeper waits for
  std::condition_variable start_, done_;
  std::vector<std::thread> workers_;
};

}  // namespace lp
