#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/host_device.hpp"
#include "kernels/random.hpp"

namespace bayesum {

// Philox4x32-10, a counter-based generator: 128 random bits as a pure function of a 128-bit counter
// and a 64-bit key. Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3",
// SC'11.
struct PhiloxBlock {
  std::uint32_t word[4];
};
struct PhiloxKey {
  std::uint32_t word[2];
};

inline constexpr int kPhiloxRounds = 10;
inline constexpr std::uint32_t kPhiloxMultiplier0 = 0xD2511F53;
inline constexpr std::uint32_t kPhiloxMultiplier1 = 0xCD9E8D57;
inline constexpr std::uint32_t kPhiloxWeyl0 = 0x9E3779B9;
inline constexpr std::uint32_t kPhiloxWeyl1 = 0xBB67AE85;

BAYESUM_HOST_DEVICE inline PhiloxBlock philox4x32(PhiloxBlock counter, PhiloxKey key) {
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const std::uint64_t product0 = std::uint64_t{kPhiloxMultiplier0} * counter.word[0];
    const std::uint64_t product1 = std::uint64_t{kPhiloxMultiplier1} * counter.word[2];
    counter = {{static_cast<std::uint32_t>(product1 >> 32) ^ counter.word[1] ^ key.word[0],
                static_cast<std::uint32_t>(product1),
                static_cast<std::uint32_t>(product0 >> 32) ^ counter.word[3] ^ key.word[1],
                static_cast<std::uint32_t>(product0)}};
    key.word[0] += kPhiloxWeyl0;
    key.word[1] += kPhiloxWeyl1;
  }
  return counter;
}

// The bits of block `block` of the noise vector `id`.
BAYESUM_HOST_DEVICE inline PhiloxBlock random_block(NoiseId id, std::uint64_t block) {
  return philox4x32(
      {{static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), id.step,
        id.draw}},
      {{static_cast<std::uint32_t>(id.seed), static_cast<std::uint32_t>(id.seed >> 32)}});
}

// Noise comes in pairs: elements 2 p and 2 p + 1 are made of the block of counter (p, step, draw).
struct NoisePair {
  double element[2];
};

struct UniformNoise {
  // 52 random bits in the middle of their cell: k + 1/2 over 2^52, never 0 and never 1.
  BAYESUM_HOST_DEVICE static double from_bits(std::uint32_t high, std::uint32_t low) {
    const std::uint64_t bits = (static_cast<std::uint64_t>(high) << 32) | low;
    return (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52;
  }

  BAYESUM_HOST_DEVICE static NoisePair pair(NoiseId id, std::uint64_t index) {
    const PhiloxBlock random = random_block(id, index);
    return {{from_bits(random.word[0], random.word[1]), from_bits(random.word[2], random.word[3])}};
  }
};

// The Box-Muller transform of a pair of uniforms:
//   sqrt(-2 log u0) (cos 2 pi u1, sin 2 pi u1)
struct NormalNoise {
  BAYESUM_HOST_DEVICE static NoisePair pair(NoiseId id, std::uint64_t index) {
    constexpr double kTwoPi = 6.283185307179586476925286766559;
    const NoisePair uniform = UniformNoise::pair(id, index);
    const double radius = std::sqrt(-2.0 * std::log(uniform.element[0]));
    const double angle = kTwoPi * uniform.element[1];
    return {{radius * std::cos(angle), radius * std::sin(angle)}};
  }
};

// Writes the elements of pair `first_index / 2 + i` that lie in [first_index, first_index + size):
// one call of a functor for both twins.
template <class Noise>
struct FillNoise {
  NoiseId id;
  std::uint64_t first_index;
  std::uint64_t size;
  double* out;

  std::uint64_t pairs() const {
    return size == 0 ? 0 : (first_index + size - 1) / 2 - first_index / 2 + 1;
  }

  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const {
    const std::uint64_t pair_index = first_index / 2 + i;
    const NoisePair noise = Noise::pair(id, pair_index);
    for (std::uint64_t half = 0; half < 2; ++half) {
      const std::uint64_t position = 2 * pair_index + half - first_index;  // wraps below the first
      if (position < size) out[position] = noise.element[half];
    }
  }
};

}  // namespace bayesum
