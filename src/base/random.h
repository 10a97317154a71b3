// Random numbers as a pure function of (seed, position): no state to carry, so any step of a sentence can be drawn
// again on its own, in any order, on any machine. Philox4x32-10: Salmon, Moraes, Dror & Shaw, "Parallel Random Numbers:
// As Easy as 1, 2, 3", SC 2011. [D8]
#pragma once

#include <array>
#include <cstdint>

namespace lp {

// The ten-round Philox bijection of a 128-bit counter under a 64-bit key.
constexpr std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  constexpr uint64_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
  constexpr uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = kMultiplier0 * counter[0], p1 = kMultiplier1 * counter[2];
    counter = {static_cast<uint32_t>(p1 >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(p1),
               static_cast<uint32_t>(p0 >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(p0)};
    key = {key[0] + kWeyl0, key[1] + kWeyl1};
  }
  return counter;
}

// Uniform in [0, 1) with 53 random bits. `position` is the number of tokens before the one that is drawn; `stream` 0 is the draw
// itself, any other an experiment beside it.
constexpr double UniformAt(uint64_t seed, uint64_t position, uint64_t stream = 0) {
  const auto r = Philox4x32({static_cast<uint32_t>(position), static_cast<uint32_t>(position >> 32), static_cast<uint32_t>(stream),
                             static_cast<uint32_t>(stream >> 32)},
                            {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
  const uint64_t bits = (uint64_t{r[0]} << 32 | r[1]) >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

}  // namespace lp
