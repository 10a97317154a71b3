// SortByRank: a radix sort from the lowest digit up, for comparisons of random logits are guessed wrong half the time.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "distribution/select.h"

namespace lp {
namespace {

constexpr size_t kFew = 64;  // below, comparing is as fast
constexpr size_t kDigits = 4, kBuckets = 256;

// Ascending as values descend. -0 and 0 are one value.
uint32_t Key(float value) {
  uint32_t bits;
  value += 0.0f;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits >> 31 ? bits : ~bits & 0x7FFFFFFFu;
}
size_t Digit(uint32_t key, size_t i) { return key >> (8 * i) & (kBuckets - 1); }

}  // namespace

void SortByRank(std::span<Candidate> c) {
  if (c.size() < kFew) return std::sort(c.begin(), c.end(), RanksBefore);
  std::array<std::array<uint32_t, kBuckets>, kDigits> starts{};
  for (const Candidate& candidate : c) {
    const uint32_t key = Key(candidate.value);
    for (size_t i = 0; i < kDigits; ++i) ++starts[i][Digit(key, i)];
  }
  std::vector<Candidate> other(c.size());
  std::span<Candidate> from = c, to = other;
  const uint32_t any = Key(c[0].value);
  for (size_t i = 0; i < kDigits; ++i) {
    if (starts[i][Digit(any, i)] == c.size()) continue;  // all have this digit
    uint32_t start = 0;
    for (uint32_t& n : starts[i]) start += std::exchange(n, start);
    for (const Candidate& candidate : from) to[starts[i][Digit(Key(candidate.value), i)]++] = candidate;
    std::swap(from, to);
  }
  if (from.data() != c.data()) std::copy(from.begin(), from.end(), c.begin());
  // Equal values by id.
  for (auto first = c.begin(); first != c.end();) {
    auto last = first + 1;
    while (last != c.end() && last->value == first->value) ++last;
    if (last - first > 1) std::sort(first, last, RanksBefore);
    first = last;
  }
}

}  // namespace lp
