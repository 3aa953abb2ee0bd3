#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cuda_launch.cuh"
#include "kernels/network/half_words.hpp"

namespace bayesum::cuda {

// A thread draws one block and walks the elements, those in range, that it is for.
template <class Op>
struct WithHalfWords {
  Op op;
  NoiseId id;
  std::uint64_t first_index;
  std::size_t size;

  __device__ void operator()(std::size_t thread) const {
    const std::uint64_t block_index = first_index / kHalfWordsPerBlock + thread;
    const PhiloxBlock block = random_block(id, block_index);
    for (std::size_t k = 0; k < kHalfWordsPerBlock; ++k) {
      const std::uint64_t i = kHalfWordsPerBlock * block_index + k - first_index;  // may wrap
      if (i < size) op(i, half_word(block, k));
    }
  }
};

// op(i, the half-word of element first_index + i) for i = 0 .. size-1, in any order.
template <class Op>
void with_half_words(const Stream& stream, NoiseId id, std::uint64_t first_index, std::size_t size,
                     const Op& op) {
  if (size == 0) return;
  const std::size_t offset = first_index % kHalfWordsPerBlock;
  for_each(stream, (offset + size + kHalfWordsPerBlock - 1) / kHalfWordsPerBlock,
           WithHalfWords<Op>{op, id, first_index, size});
}

}  // namespace bayesum::cuda
