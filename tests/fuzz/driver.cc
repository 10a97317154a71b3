// Stands in for libFuzzer where clang is not at hand: runs every seed, every truncation of a seed up to 4 KiB, then
// mutations with a fixed seed, so that a failure comes back.
//
//   gguf_fuzz [--mutations N] [--seed S] [--write-seeds FOLDER] [FILE...]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "fuzz.h"

namespace {

using Bytes = std::vector<uint8_t>;

// Numbers that sizes, counts and offsets are most often wrong about.
constexpr uint64_t kInteresting[] = {0,          1,          2,           31,         32,         255,        256,       0x7FFF,
                                     0x8000,     0xFFFF,     0x7FFFFFFF,  0x80000000, 0xFFFFFFFF, 1ull << 32, 1ull << 40,
                                     1ull << 62, 1ull << 63, ~uint64_t{0}, ~uint64_t{0} - 7};

void Mutate(Bytes& bytes, std::mt19937_64& random) {
  const auto below = [&](size_t n) { return static_cast<size_t>(random() % std::max<size_t>(n, 1)); };
  for (size_t times = 1 + below(4); times > 0; --times) {
    if (bytes.empty()) bytes.push_back(0);
    const size_t at = below(bytes.size());
    switch (below(7)) {
      case 0:
        bytes[at] = static_cast<uint8_t>(bytes[at] ^ (1u << below(8)));
        break;
      case 1:
        bytes[at] = static_cast<uint8_t>(random());
        break;
      case 2: {
        const uint64_t value = kInteresting[below(std::size(kInteresting))];
        const size_t width = std::min(bytes.size() - at, size_t{1} << below(4));
        std::memcpy(bytes.data() + at, &value, width);
        break;
      }
      case 3:
        bytes.resize(at);
        break;
      case 4: {
        const size_t end = std::min(bytes.size(), at + below(16));
        bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.begin() + static_cast<std::ptrdiff_t>(end));
        break;
      }
      case 5:
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), below(16), static_cast<uint8_t>(random()));
        break;
      default: {
        const size_t from = below(bytes.size()), n = std::min({below(64), bytes.size() - from, bytes.size() - at});
        std::memmove(bytes.data() + at, bytes.data() + from, n);
        break;
      }
    }
  }
}

void Run(const Bytes& bytes) {
  const Bytes exact(bytes);  // of exactly this size, so that a sanitizer sees a read past its end
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

}  // namespace

int main(int argc, char** argv) {
  size_t mutations = 2000;
  uint64_t seed = 1;
  std::vector<Bytes> seeds = lp::testing::Seeds();
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    if (arg == "--mutations" && i + 1 < argc) {
      mutations = std::strtoull(argv[++i], nullptr, 10);
    } else if (arg == "--seed" && i + 1 < argc) {
      seed = std::strtoull(argv[++i], nullptr, 10);
    } else if (arg == "--write-seeds" && i + 1 < argc) {
      const std::string folder = argv[++i];
      for (size_t n = 0; n < seeds.size(); ++n) {
        std::ofstream(folder + "/seed" + std::to_string(n), std::ios::binary)
            .write(reinterpret_cast<const char*>(seeds[n].data()), static_cast<std::streamsize>(seeds[n].size()));
      }
      return 0;
    } else {
      std::ifstream in(arg, std::ios::binary);
      seeds = {Bytes(std::istreambuf_iterator<char>(in), {})};
      mutations = 0;
    }
  }
  size_t runs = 0;
  for (const Bytes& bytes : seeds) {
    Run(bytes);
    for (size_t n = 0; n < std::min<size_t>(bytes.size(), 4096); ++n, ++runs) {
      Run(Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n)));
    }
  }
  std::mt19937_64 random(seed);
  for (size_t i = 0; i < mutations; ++i, ++runs) {
    Bytes bytes = seeds[random() % seeds.size()];
    Mutate(bytes, random);
    Run(bytes);
  }
  std::printf("%zu inputs from %zu seeds, no finding\n", runs, seeds.size());
  return 0;
}
