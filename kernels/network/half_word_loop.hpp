#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/network/half_words.hpp"
#include "kernels/network/simd.hpp"
#include "kernels/weights/random_words.hpp"

namespace bayesum::cpu {

inline constexpr std::size_t kHalfWordBlocks = 128;

// body(i, the half-word of element first_index + i) for i = 0 .. size-1. Blocks are drawn many at a
// time, in vector code.
template <class Body>
void with_half_words(NoiseId id, std::uint64_t first_index, std::size_t size, const Body& body) {
  if (size == 0) return;
  const std::uint64_t first_block = first_index / kHalfWordsPerBlock;
  const std::uint64_t last_block = (first_index + size - 1) / kHalfWordsPerBlock;
  const auto blocks = static_cast<std::size_t>(last_block - first_block + 1);
  parallel_ranges(blocks, kHalfWordBlocks, [&](std::size_t begin, std::size_t end) {
    alignas(64) std::uint64_t words[4][kHalfWordBlocks];
    random_words(id, first_block + begin, words);
    std::uint16_t bits[kHalfWordBlocks * kHalfWordsPerBlock];
    for (std::size_t k = 0; k < kHalfWordBlocks; ++k) {
      for (std::size_t h = 0; h < kHalfWordsPerBlock; ++h) {
        bits[k * kHalfWordsPerBlock + h] =
            static_cast<std::uint16_t>(words[h / 2][k] >> (16 * (h % 2)));
      }
    }
    // Elements of these blocks, clipped to first_index .. first_index + size - 1.
    const std::uint64_t from = (first_block + begin) * kHalfWordsPerBlock;
    const std::uint64_t low = std::max(from, first_index);
    const std::uint64_t high =
        std::min((first_block + end) * kHalfWordsPerBlock, first_index + size);
    const auto i0 = static_cast<std::size_t>(low - first_index);
    const std::uint16_t* const random = bits + (low - from);
    const auto count = static_cast<std::size_t>(high - low);
    BAYESUM_SIMD()
    for (std::size_t i = 0; i < count; ++i) body(i0 + i, random[i]);
  });
}

}  // namespace bayesum::cpu
