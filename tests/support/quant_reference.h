// What a block of each weight type means, one number at a time and in double, written from the layouts of the block
// structs in ggml's ggml-common.h (read 2026-11): the second opinion about src/quant.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "gguf/gguf.h"

namespace lp::reference {

// A half from its definition: (-1)^s 2^(e-15) (1 + m/1024), e = 0: (-1)^s 2^-14 m/1024, e = 31: infinity or NaN.
inline double HalfValue(uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const double mantissa = (bits & 1023) / 1024.0, sign = bits >> 15 ? -1.0 : 1.0;
  if (exponent == 31) {
    return mantissa != 0 ? std::numeric_limits<double>::quiet_NaN() : sign * std::numeric_limits<double>::infinity();
  }
  return exponent == 0 ? sign * std::ldexp(mantissa, -14) : sign * std::ldexp(1 + mantissa, exponent - 15);
}
inline double HalfAt(const uint8_t* p) { return HalfValue(static_cast<uint16_t>(p[0] | p[1] << 8)); }

// The bytes of a block at which a half stands; all others may be anything.
inline std::vector<size_t> HalfOffsets(GgmlType type) {
  switch (type) {
    case GgmlType::kQ4_0:
    case GgmlType::kQ5_0:
    case GgmlType::kQ8_0:
    case GgmlType::kIQ4_NL:
    case GgmlType::kIQ4_XS:
      return {0};
    case GgmlType::kQ4_1:
    case GgmlType::kQ5_1:
    case GgmlType::kQ4_K:
    case GgmlType::kQ5_K:
      return {0, 2};
    case GgmlType::kQ2_K:
      return {80, 82};
    case GgmlType::kQ3_K:
      return {108};
    case GgmlType::kQ6_K:
      return {208};
    default:
      return {};
  }
}

// Number i of a block, exactly (the caller rounds it to float32 once).
inline double NumberOf(GgmlType type, const uint8_t* b, size_t i) {
  static constexpr int kNonlinear[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
  const auto nibble = [&](size_t at) { return i % 32 < 16 ? b[at + i % 16] & 15 : b[at + i % 16] >> 4; };  // blocks of 32
  const auto fifth = [&](size_t at) {
    uint32_t bits;
    std::memcpy(&bits, b + at, 4);
    return static_cast<int>(bits >> i & 1) << 4;
  };
  // Of blocks of 256: the 6-bit scale and minimum of 32 numbers, Q4_K and Q5_K.
  const auto scale_min = [&](const uint8_t* s, size_t j) {
    if (j < 4) return std::pair(s[j] & 63, s[j + 4] & 63);
    return std::pair((s[j + 4] & 15) | (s[j - 4] >> 6) << 4, (s[j + 4] >> 4) | (s[j] >> 6) << 4);
  };
  const size_t half = i / 128, l = i % 32, j = i % 128 / 32;  // of 256: half, lane, quarter of the half
  switch (type) {
    case GgmlType::kQ4_0:
      return HalfAt(b) * (nibble(2) - 8);
    case GgmlType::kQ4_1:
      return HalfAt(b) * nibble(4) + HalfAt(b + 2);
    case GgmlType::kQ5_0:
      return HalfAt(b) * ((nibble(6) | fifth(2)) - 16);
    case GgmlType::kQ5_1:
      return HalfAt(b) * (nibble(8) | fifth(4)) + HalfAt(b + 2);
    case GgmlType::kQ8_0:
      return HalfAt(b) * static_cast<int8_t>(b[2 + i]);
    case GgmlType::kIQ4_NL:
      return HalfAt(b) * kNonlinear[nibble(2)];
    case GgmlType::kQ2_K: {
      const int scale = b[i / 16], q = b[16 + 32 * half + l] >> 2 * j & 3;
      return HalfAt(b + 80) * (scale & 15) * q - HalfAt(b + 82) * (scale >> 4);
    }
    case GgmlType::kQ3_K: {
      const uint8_t* s = b + 96;
      const size_t k = i / 16;
      const int low = k < 8 ? s[k] & 15 : s[k - 8] >> 4, high = s[8 + k % 4] >> 2 * (k / 4) & 3;
      const int q = (b[32 + 32 * half + l] >> 2 * j & 3) - (b[l] >> (4 * half + j) & 1 ? 0 : 4);
      return HalfAt(b + 108) * ((low | high << 4) - 32) * q;
    }
    case GgmlType::kQ4_K: {
      const auto [scale, min] = scale_min(b + 4, i / 32);
      const int byte = b[16 + 32 * (i / 64) + l], q = i % 64 < 32 ? byte & 15 : byte >> 4;
      return HalfAt(b) * scale * q - HalfAt(b + 2) * min;
    }
    case GgmlType::kQ5_K: {
      const auto [scale, min] = scale_min(b + 4, i / 32);
      const int byte = b[48 + 32 * (i / 64) + l];
      const int q = (i % 64 < 32 ? byte & 15 : byte >> 4) | (b[16 + l] >> (i / 32) & 1) << 4;
      return HalfAt(b) * scale * q - HalfAt(b + 2) * min;
    }
    case GgmlType::kQ6_K: {
      const int byte = b[64 * half + 32 * (j % 2) + l], low = j < 2 ? byte & 15 : byte >> 4;
      const int high = b[128 + 32 * half + l] >> 2 * j & 3;
      return HalfAt(b + 208) * static_cast<int8_t>(b[192 + i / 16]) * ((low | high << 4) - 32);
    }
    case GgmlType::kIQ4_XS: {
      const size_t k = i / 32;
      const int high = (b[2] | b[3] << 8) >> 2 * k & 3, low = b[4 + k / 2] >> 4 * (k % 2) & 15;
      const int byte = b[8 + 16 * k + i % 16], q = i % 32 < 16 ? byte & 15 : byte >> 4;
      return HalfAt(b) * ((low | high << 4) - 32) * kNonlinear[q];
    }
    case GgmlType::kF32: {
      float x;
      std::memcpy(&x, b, 4);
      return static_cast<double>(x);
    }
    case GgmlType::kF16:
      return HalfAt(b);
    case GgmlType::kBF16:
      return static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(b[0] | b[1] << 8) << 16));
    default:
      return std::numeric_limits<double>::quiet_NaN();
  }
}

}  // namespace lp::reference
