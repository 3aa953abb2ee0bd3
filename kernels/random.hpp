#pragma once

#include <cstdint>
#include <span>

#include "kernels/stream.hpp"

namespace bayesum {

// Names one vector of noise. Its element i is a pure function of (seed, step, draw, i): which rank
// asks, in how many slices and in what order, changes nothing. One id is one vector: normal and
// uniform noise of the same id are made of the same bits.
struct NoiseId {
  std::uint64_t seed = 0;
  std::uint32_t step = 0;
  std::uint32_t draw = 0;

  friend bool operator==(const NoiseId&, const NoiseId&) = default;
};

// A second vector of noise, independent of `id`, for what needs two in one draw.
inline NoiseId separate(NoiseId id) {
  id.draw ^= 0x80000000u;
  return id;
}

// out[i] = element first_index + i of the standard normal noise vector `id` (Philox4x32-10 counters
// through the Box-Muller transform, see kernels/philox.hpp). In float32 it is another vector, made
// for speed and the same to the bit on every device (kernels/weights/noise.hpp).
void fill_normal(const Stream& stream, NoiseId id, std::uint64_t first_index,
                 std::span<double> out);
void fill_normal(const Stream& stream, NoiseId id, std::uint64_t first_index, std::span<float> out);

// The same for uniform noise, strictly inside (0, 1).
void fill_uniform(const Stream& stream, NoiseId id, std::uint64_t first_index,
                  std::span<double> out);

}  // namespace bayesum
