#pragma once

#include <cstdint>

#include "kernels/host_device.hpp"

namespace bayesum {

// The upper half of a float32: its sign, its 8 bits of exponent and 7 bits of fraction, so that
// rounding changes a value by at most 2^-8 of itself. Numbers are stored in it and computed in
// float32. From a float it rounds to the nearest, ties to even; a NaN stays a (quiet) NaN, and what
// lies beyond the largest finite value becomes infinite.
class BFloat16 {
 public:
  BFloat16() = default;
  BAYESUM_HOST_DEVICE constexpr explicit BFloat16(float value) : bits_(nearest(value)) {}
  BAYESUM_HOST_DEVICE constexpr operator float() const {
    return __builtin_bit_cast(float, static_cast<std::uint32_t>(bits_) << 16);
  }

  BAYESUM_HOST_DEVICE static constexpr BFloat16 from_bits(std::uint16_t bits) {
    BFloat16 value;
    value.bits_ = bits;
    return value;
  }
  BAYESUM_HOST_DEVICE constexpr std::uint16_t bits() const { return bits_; }
  BAYESUM_HOST_DEVICE constexpr void set_bits(std::uint16_t bits) { bits_ = bits; }

  BAYESUM_HOST_DEVICE static constexpr std::uint16_t nearest(float value) {
    const auto wide = __builtin_bit_cast(std::uint32_t, value);
    const std::uint32_t rounded = wide + 0x7fffu + ((wide >> 16) & 1u);
    return static_cast<std::uint16_t>((value != value ? wide | 0x400000u : rounded) >> 16);
  }

 private:
  std::uint16_t bits_ = 0;
};

// to = value, as a loop over elements stores it: g++ makes vector code of stores of bits, but not
// of copies of a class.
BAYESUM_HOST_DEVICE inline void store(float& to, float value) { to = value; }
BAYESUM_HOST_DEVICE inline void store(BFloat16& to, float value) {
  to.set_bits(BFloat16::nearest(value));
}

// One of the two neighbours of the value, each as likely as it is near, so that the mean over the
// 16 random bits is the value: towards zero when `random` is below 2^16 minus the fraction cut off.
// What is not finite is kept.
BAYESUM_HOST_DEVICE constexpr BFloat16 round_stochastically(float value, std::uint32_t random) {
  const auto wide = __builtin_bit_cast(std::uint32_t, value);
  const bool finite = (wide & 0x7f800000u) != 0x7f800000u;
  const std::uint32_t rounded = wide + (random & 0xffffu);
  return finite ? BFloat16::from_bits(static_cast<std::uint16_t>(rounded >> 16)) : BFloat16(value);
}

}  // namespace bayesum
