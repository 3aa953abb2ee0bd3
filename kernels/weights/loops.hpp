#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/parallel.hpp"
#include "kernels/weights/noise.hpp"
#include "kernels/weights/random_words.hpp"

// The loops of the CPU twins over weights. Iterations are independent of one another. They call
// copies of `op`, which no store can change: its constants stay in registers.
namespace bayesum::cpu {

inline constexpr std::size_t kWeightGrain = 16384;

// op(i) for i = 0 .. size-1.
template <class Op>
void for_each_weight(const Op& op, std::size_t size) {
  parallel_ranges(size, kWeightGrain, [&](std::size_t begin, std::size_t end) {
    const Op mine = op;
    BAYESUM_SIMD()
    for (std::size_t i = begin; i < end; ++i) mine(i);
  });
}

// op(i, noise of element start.first + i) for i = 0 .. size-1, by tiles of noise in the L1 cache.
// Noise is arithmetic, the rest is memory: what the next tile reads is fetched meanwhile.
template <class Noise, class Op>
void for_each_weight_with_noise(const Op& op, NoiseStart start, std::size_t size) {
  constexpr std::size_t kTile = 128, kCacheLine = 64 / sizeof(float);
  const std::size_t offset = start.first % 4;  // of the first element in its block
  parallel_ranges(size + offset, kWeightGrain, [&](std::size_t from, std::size_t to) {
    const Op mine = op;
    alignas(64) float noise[kTile];
    alignas(64) std::uint64_t words[4][kTile / 4];
    for (std::size_t tile = from; tile < to; tile += kTile) {
      const auto inputs = mine.inputs();
      for (std::size_t i = tile + kTile; i < std::min(tile + 2 * kTile, to); i += kCacheLine) {
        for (const float* const input : inputs) __builtin_prefetch(input + (i - offset));
      }
      const std::size_t first_block = (start.first - offset + tile) / 4;
      random_words(start.id, first_block, words);
      BAYESUM_SIMD()
      for (std::size_t b = 0; b < kTile / 4; ++b) {
        const NoiseBlock block = Noise::from(
            {{static_cast<std::uint32_t>(words[0][b]), static_cast<std::uint32_t>(words[1][b]),
              static_cast<std::uint32_t>(words[2][b]), static_cast<std::uint32_t>(words[3][b])}});
        noise[4 * b] = block.element[0];
        noise[4 * b + 1] = block.element[1];
        noise[4 * b + 2] = block.element[2];
        noise[4 * b + 3] = block.element[3];
      }
      const std::size_t begin = std::max(tile, offset) - offset;
      const std::size_t end = std::min(tile + kTile, to) - offset;
      const float* const of_index = noise + begin + offset - tile;
      BAYESUM_SIMD()
      for (std::size_t i = begin; i < end; ++i) mine(i, of_index[i - begin]);
    }
  });
}

}  // namespace bayesum::cpu
