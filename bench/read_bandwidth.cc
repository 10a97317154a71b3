// How fast memory is read here: the yardstick of decoding, as JSON.
//
//   build/release/bin/read_bandwidth        {"read_gb_per_s": [1 thread, 2 threads]}
//
// 256 MiB, more than any cache, added up; huge pages where the system gives them. Medians.
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "base/thread_pool.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "../bench/read_bandwidth.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace lp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The sum of n floats, n a multiple of 8 vectors; nothing but loads and as many additions as hide each other.
float Sum(const float* p, size_t n) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  auto a = hn::Zero(d), b = a, c = a, e = a, f = a, g = a, h = a, i = a;
  for (size_t at = 0; at < n; at += 8 * lanes) {
    a = hn::Add(a, hn::Load(d, p + at));
    b = hn::Add(b, hn::Load(d, p + at + lanes));
    c = hn::Add(c, hn::Load(d, p + at + 2 * lanes));
    e = hn::Add(e, hn::Load(d, p + at + 3 * lanes));
    f = hn::Add(f, hn::Load(d, p + at + 4 * lanes));
    g = hn::Add(g, hn::Load(d, p + at + 5 * lanes));
    h = hn::Add(h, hn::Load(d, p + at + 6 * lanes));
    i = hn::Add(i, hn::Load(d, p + at + 7 * lanes));
  }
  const auto low = hn::Add(hn::Add(a, b), hn::Add(c, e)), high = hn::Add(hn::Add(f, g), hn::Add(h, i));
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(low, high)));
}

}  // namespace HWY_NAMESPACE
}  // namespace lp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lp {
namespace {

HWY_EXPORT(Sum);

constexpr size_t kBytes = size_t{256} << 20;
constexpr size_t kPiece = 1024;  // floats; a multiple of 8 vectors of any width
constexpr size_t kRepeats = 9;

double Bandwidth(const float* p, size_t n_threads) {
  ThreadPool pool(n_threads);
  std::vector<double> seconds;
  for (size_t i = 0; i < kRepeats; ++i) {
    const auto begun = std::chrono::steady_clock::now();
    pool.ParallelFor(kBytes / sizeof(float), kPiece, [&](size_t begin, size_t end) {
      volatile float sink = HWY_DYNAMIC_DISPATCH(Sum)(p + begin, end - begin);
      (void)sink;
    });
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
  }
  std::nth_element(seconds.begin(), seconds.begin() + kRepeats / 2, seconds.end());
  return static_cast<double>(kBytes) / seconds[kRepeats / 2] / 1e9;
}

int Main() {
  void* const memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  madvise(memory, kBytes, MADV_HUGEPAGE);
  auto* const p = static_cast<float*>(memory);
  std::fill_n(p, kBytes / sizeof(float), 1.0f);
  const double one = Bandwidth(p, 1), two = Bandwidth(p, 2);
  std::printf("{\"read_gb_per_s\": [%.2f, %.2f]}\n", one, two);
  return 0;
}

}  // namespace
}  // namespace lp

int main() { return lp::Main(); }
#endif  // HWY_ONCE
