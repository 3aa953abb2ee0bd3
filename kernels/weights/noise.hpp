#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/host_device.hpp"
#include "kernels/philox.hpp"
#include "kernels/random.hpp"

namespace bayesum {

// Noise of weights, in float32: elements 4 b .. 4 b + 3 of a vector are made of the Philox block of
// counter (b, step, draw). What it is made with is integers, IEEE operations and polynomials, and
// no multiply-add is contracted: every loop, vector width and device gives the same bits.
struct NoiseBlock {
  float element[4];
};

// -log u for u = (bits + 1/2) / 2^32, rounded to a float: from 0 to 33 log 2. With x = 2^32 u =
// 2^e (1 + t), 1 + t within sqrt(1/2) .. sqrt(2),
//   log (1 + t) = t - t^2/2 + t^3 P(t)
// in which P, of degree 7, was fitted (Remez) to an error of 6e-9 of the logarithm.
BAYESUM_HOST_DEVICE inline float minus_log_uniform(std::uint32_t bits) {
  constexpr std::uint32_t kSqrtHalf = 0x3f3504f3;  // as a float
  constexpr float kLog2 = 0.693147180559945309f;
  const float x = static_cast<float>(bits) + 0.5f;
  const auto x_bits = __builtin_bit_cast(std::uint32_t, x);
  const std::int32_t e = static_cast<std::int32_t>(x_bits - kSqrtHalf) >> 23;
  const float t = __builtin_bit_cast(float, x_bits - (static_cast<std::uint32_t>(e) << 23)) - 1.0f;
  const float z = t * t;
  const float low = (0.333333317f + t * -0.250008211f) + z * (0.200012270f + t * -0.166233553f);
  const float high = (0.142017545f + t * -0.131602004f) + z * (0.127616130f + t * -0.0763449287f);
  const float tail = z * (t * (low + (z * z) * high) - 0.5f);
  return static_cast<float>(32 - e) * kLog2 - (t + tail);
}

// Standard normal numbers by the Box-Muller transform, radius sqrt(-2 log u) <= 6.8. Two bits of
// the second word choose the quadrant, the others an angle within -pi/4 .. pi/4, where Taylor's
// polynomials of sine and cosine err by 3e-8.
struct NormalBlock {
  BAYESUM_HOST_DEVICE static void pair(std::uint32_t radius_bits, std::uint32_t angle_bits,
                                       float* out) {
    constexpr float kUnit = 0x1p-32f * 1.57079632679489662f;  // a quarter turn in 2^32 parts
    const float radius = std::sqrt(2.0f * minus_log_uniform(radius_bits));
    const float angle =
        kUnit * static_cast<float>(static_cast<std::int32_t>((angle_bits << 2) | 2U));
    const float z = angle * angle;
    const float cosine =
        1.0f + z * (-0.5f + z * (1.0f / 24.0f + z * (-1.0f / 720.0f + z * (1.0f / 40320.0f))));
    const float sine =
        angle * (1.0f + z * (-1.0f / 6.0f +
                             z * (1.0f / 120.0f + z * (-1.0f / 5040.0f + z * (1.0f / 362880.0f)))));
    const float large = (angle_bits >> 31) != 0 ? -radius * cosine : radius * cosine;
    const float small = radius * sine;
    const bool swap = (angle_bits >> 30 & 1U) != 0;
    out[0] = swap ? small : large;
    out[1] = swap ? large : small;
  }

  BAYESUM_HOST_DEVICE static NoiseBlock from(const PhiloxBlock& random) {
    NoiseBlock noise;
    pair(random.word[0], random.word[1], noise.element);
    pair(random.word[2], random.word[3], noise.element + 2);
    return noise;
  }

  BAYESUM_HOST_DEVICE static NoiseBlock block(NoiseId id, std::uint64_t index) {
    return from(random_block(id, index));
  }
};

// Half the logit of a uniform number, log(u / (1-u)) / 2: the noise of a relaxed Bernoulli weight.
struct LogisticBlock {
  BAYESUM_HOST_DEVICE static NoiseBlock from(const PhiloxBlock& random) {
    NoiseBlock noise;
    for (int k = 0; k < 4; ++k) {
      noise.element[k] =
          0.5f * (minus_log_uniform(~random.word[k]) - minus_log_uniform(random.word[k]));
    }
    return noise;
  }

  BAYESUM_HOST_DEVICE static NoiseBlock block(NoiseId id, std::uint64_t index) {
    return from(random_block(id, index));
  }
};

struct StoreNoise {
  float* out;
  std::array<const float*, 0> inputs() const { return {}; }
  BAYESUM_HOST_DEVICE void operator()(std::size_t i, float noise) const { out[i] = noise; }
};

// Where in which vector of noise the elements of a loop begin.
struct NoiseStart {
  NoiseId id;
  std::uint64_t first = 0;
};

}  // namespace bayesum
