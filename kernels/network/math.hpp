#pragma once

#include <cstdint>

#include "kernels/host_device.hpp"

// float32 mathematics per element without calls or branches, so that loops over it become vector
// code. Relative errors are a few 2^-24 unless it says otherwise; NaN gives NaN.
namespace bayesum {

// e^x = 2^n (1 + tail): n the nearest whole number to x log2 e, tail = e^r - 1 by its Taylor series
// to the seventh power of r = x - n log 2, |r| <= 0.35. x within [-87.33, 88.37].
struct ExpParts {
  float power;  // 2^n
  float tail;

  BAYESUM_HOST_DEVICE explicit ExpParts(float x) {
    constexpr float kLog2E = 1.44269504f, kRound = 12582912.0f;  // 1.5 2^23: adding it rounds
    constexpr float kLog2High = 0.693359375f, kLog2Low = -2.12194440e-4f;
    const float shifted = x * kLog2E + kRound;
    const float n = shifted - kRound;
    const float r = (x - n * kLog2High) - n * kLog2Low;
    float series = r * (1.0f / 5040) + 1.0f / 720;
    series = series * r + 1.0f / 120;
    series = series * r + 1.0f / 24;
    series = series * r + 1.0f / 6;
    series = series * r + 0.5f;
    tail = series * r * r + r;
    const auto exponent = __builtin_bit_cast(std::uint32_t, shifted) + (127u - 0x4b400000u);
    power = __builtin_bit_cast(float, exponent << 23);
  }
};

// e^x; below -87.33 it is 0, above 88.37 it stays at e^88.37.
BAYESUM_HOST_DEVICE inline float fast_exp(float x) {
  constexpr float kLowest = -87.33f, kHighest = 88.37f;
  const float inside = x < kLowest ? kLowest : x > kHighest ? kHighest : x;
  const ExpParts parts(inside);
  return x < kLowest ? 0.0f : parts.power * parts.tail + parts.power;
}

// (e^2x - 1) / (e^2x + 1)
BAYESUM_HOST_DEVICE inline float fast_tanh(float x) {
  constexpr float kSaturated = 18.0f;
  const float inside = x < -kSaturated ? -kSaturated : x > kSaturated ? kSaturated : x;
  const ExpParts parts(2.0f * inside);
  const float minus_one = parts.power * parts.tail + (parts.power - 1.0f);
  return minus_one / (minus_one + 2.0f);
}

// The functions of Activation (kernels/network/activation.hpp): their values and slopes at x.
struct Gelu {
  static constexpr float kRate = 1.59576912f;  // 2 sqrt(2 / pi)
  static constexpr float kCubic = 0.044715f;

  // Beyond it gelu is 0 or x: at -kLevel it is -3e-21. Further down products with it and its slope
  // would become subnormal, with which a processor is many times slower.
  static constexpr float kLevel = 8.0f;

  // e^-u, u = kRate (x + kCubic x^3): gelu is x / (1 + e^-u).
  BAYESUM_HOST_DEVICE static float decay(float x) {
    return fast_exp(-kRate * x * (1.0f + kCubic * x * x));
  }
  BAYESUM_HOST_DEVICE static float value(float x) {
    return x < -kLevel ? 0.0f : x / (1.0f + decay(x));
  }
  BAYESUM_HOST_DEVICE static float slope(float x) {
    const float inside = x < -kLevel ? -kLevel : x > kLevel ? kLevel : x;
    const float e = decay(inside), sigmoid = 1.0f / (1.0f + e);
    const float rate = kRate * (1.0f + 3.0f * kCubic * inside * inside);
    return x < -kLevel ? 0.0f : sigmoid + inside * sigmoid * (e * sigmoid) * rate;
  }
};

struct Relu {
  BAYESUM_HOST_DEVICE static float value(float x) { return x < 0.0f ? 0.0f : x; }
  BAYESUM_HOST_DEVICE static float slope(float x) { return x > 0.0f ? 1.0f : 0.0f; }
};

struct Tanh {
  BAYESUM_HOST_DEVICE static float value(float x) { return fast_tanh(x); }
  BAYESUM_HOST_DEVICE static float slope(float x) {
    const float y = fast_tanh(x);
    return (1.0f - y) * (1.0f + y);
  }
};

}  // namespace bayesum
