#include "base/huge_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>

#include "base/str_cat.h"

namespace lp {
namespace {

// The number a one-line file holds, such as those of a control group; 0 where it holds none ("max"), or is not there.
uint64_t NumberIn(const char* path) {
  std::ifstream file(path);
  uint64_t number = 0;
  return file >> number ? number : 0;
}

}  // namespace

Result<HugeMemory> HugeMemory::Allocate(size_t n) {
  HugeMemory out;
  if (n == 0) return out;
  void* const data = ::mmap(nullptr, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) return Error{ErrorCode::kOutOfRange, StrCat("the system has no ", n >> 20, " MiB of memory left"), ""};
#ifdef MADV_HUGEPAGE
  ::madvise(data, n, MADV_HUGEPAGE);  // where refused, small pages serve
#endif
  out.data_ = static_cast<uint8_t*>(data), out.size_ = n;
  return out;
}

HugeMemory::HugeMemory(HugeMemory&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

HugeMemory& HugeMemory::operator=(HugeMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

HugeMemory::~HugeMemory() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

uint64_t PhysicalMemory() {
  return static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

uint64_t AvailableMemory() {
  uint64_t available = 0;
  std::ifstream file("/proc/meminfo");
  for (std::string word; file >> word;) {
    if (word != "MemAvailable:") continue;
    file >> available;
    available <<= 10;  // it is told in KiB
    break;
  }
  if (const uint64_t limit = NumberIn("/sys/fs/cgroup/memory.max"); limit > 0) {
    available = std::min(available, limit - std::min(limit, NumberIn("/sys/fs/cgroup/memory.current")));
  }
  return available;
}

}  // namespace lp
