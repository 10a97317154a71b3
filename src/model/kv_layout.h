// Where keys and values lie in memory, as the tree keeps them and attention reads them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace lp {

// Keys and values lie in slabs of slots, one slot a token, each head's by themselves:
//   keys    [slots / 8][head_dim][8]: eight slots side by side, so that a vector holds one element of eight keys, and the sums of a
//           score are lanes that need no adding up
//   values  [slots][head_dim]
inline constexpr size_t kKeys = 8;  // a slab's slots are a multiple

// One position of a path: its slot, and how many positions from this one on (itself included) have slots one after another in that slab.
struct KvRow {
  float* slab;
  uint32_t slot, run;
};

// Where a head's keys and values begin in a slab.
struct HeadPlace {
  size_t keys, values;
};

// The first element of a position's key; the others follow kKeys apart.
inline float* KeyOf(const KvRow& row, HeadPlace place, size_t head_dim) {
  return row.slab + place.keys + row.slot / kKeys * kKeys * head_dim + row.slot % kKeys;
}
inline float* ValueOf(const KvRow& row, HeadPlace place, size_t head_dim) { return row.slab + place.values + row.slot * head_dim; }

// key, value: [head_dim] what a position has.
inline void Put(const float* key, const float* value, const KvRow& row, HeadPlace place, size_t head_dim) {
  float* const to = KeyOf(row, place, head_dim);
  for (size_t i = 0; i < head_dim; ++i) to[i * kKeys] = key[i];
  std::copy_n(value, head_dim, ValueOf(row, place, head_dim));
}

}  // namespace lp
