// The two orders in which FindMass and FindMassAround walk through a vocabulary, as a growing family of intervals of
// values: the tokens in Order::Until(key) are a prefix of the order, and grow with the key. Internal to FindMass.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "distribution/select.h"

namespace lp {

struct Interval {
  float low, high;  // both ends included; low > high: nothing
  bool Holds(float v) const { return v >= low && v <= high; }
};
constexpr Interval kEverything = {kMasked, std::numeric_limits<float>::infinity()};
constexpr Interval kNothing = {std::numeric_limits<float>::infinity(), kMasked};

class Order {
 public:
  static Order ByRank(float max) { return Order(false, static_cast<double>(max)); }
  static Order AroundCentre(double centre) { return Order(true, centre); }

  static constexpr uint32_t kLastKey = 0xFF7FFFFFu;  // everything that is not masked

  // By rank: the values from some float up, one float more with every key. Around: the values no further from the
  // centre than some float. Distances are not rounded: |x - centre| <= d is asked as centre - d <= x <= centre + d,
  // whose ends are rounded to the floats inside.
  Interval Until(uint32_t key) const {
    if (!around_) return {FromOrdered(~key), std::numeric_limits<float>::infinity()};
    const double d = static_cast<double>(FromBits(std::min(key, 0x7F800000u)));
    return {std::max(Up(centre_ - d), std::numeric_limits<float>::lowest()), Down(centre_ + d)};
  }
  // The smallest key whose interval holds all values that far from the beginning: `t` is a value, or a distance.
  uint32_t KeyAt(double t) const {
    if (!around_) return ~ToOrdered(Down(t));
    return ToBits(Up(std::max(t, 0.0)));
  }
  uint32_t FirstKey() const { return around_ ? 0 : KeyAt(centre_); }
  // How far `v` is from the beginning, as one minus sign would make the rank order ascending.
  double Position(float v) const {
    return around_ ? std::abs(static_cast<double>(v) - centre_) : -static_cast<double>(v);
  }
  double FromPosition(double position) const { return around_ ? position : -position; }
  bool around() const { return around_; }
  double centre() const { return centre_; }

  bool Before(const Candidate& a, const Candidate& b) const {
    const double pa = Position(a.value), pb = Position(b.value);
    return pa < pb || (pa == pb && a.id < b.id);
  }

 private:
  Order(bool around, double centre) : around_(around), centre_(centre) {}

  static uint32_t ToBits(float f) {
    uint32_t u;
    std::memcpy(&u, &f, sizeof(u));
    return u;
  }
  static float FromBits(uint32_t u) {
    float f;
    std::memcpy(&f, &u, sizeof(f));
    return f;
  }
  // Floats in ascending order as integers in ascending order.
  static uint32_t ToOrdered(float f) {
    const uint32_t u = ToBits(f);
    return u >> 31 ? ~u : u | 0x80000000u;
  }
  static float FromOrdered(uint32_t u) { return FromBits(u >> 31 ? u & 0x7FFFFFFFu : ~u); }

  static float Up(double v) {
    const auto f = static_cast<float>(v);
    return static_cast<double>(f) < v ? std::nextafter(f, std::numeric_limits<float>::infinity()) : f;
  }
  static float Down(double v) { return -Up(-v); }

  bool around_;
  double centre_;  // by rank: the highest value
};

}  // namespace lp
