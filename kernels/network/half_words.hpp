#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/host_device.hpp"
#include "kernels/philox.hpp"
#include "kernels/random.hpp"

namespace bayesum {

// 16 random bits for each element: element j of the vector `id` takes half-word j % 8 of the Philox
// block of counter (j / 8, step, draw), the lower half of a word first.
inline constexpr std::size_t kHalfWordsPerBlock = 8;

BAYESUM_HOST_DEVICE inline std::uint32_t half_word(const PhiloxBlock& block, std::size_t which) {
  return (block.word[which / 2] >> (16 * (which % 2))) & 0xffffu;
}

}  // namespace bayesum
