#pragma once

#include <cstddef>

#include "kernels/cuda_launch.cuh"
#include "kernels/weights/noise.hpp"

namespace bayesum::cuda {

// A thread makes one block of noise and walks the four elements, those in range, that it is for.
template <class Noise, class Op>
struct WithNoise {
  Op op;
  NoiseStart start;
  std::size_t size;

  __device__ void operator()(std::size_t thread) const {
    const std::uint64_t block_index = start.first / 4 + thread;
    const NoiseBlock block = Noise::block(start.id, block_index);
    for (int k = 0; k < 4; ++k) {
      const std::uint64_t i = 4 * block_index + k - start.first;  // wraps below the first
      if (i < size) op(i, block.element[k]);
    }
  }
};

// op(i, noise of element start.first + i) for i = 0 .. size-1, in any order.
template <class Noise, class Op>
void for_each_with_noise(const Stream& stream, const Op& op, NoiseStart start, std::size_t size) {
  const std::size_t blocks = (start.first % 4 + size + 3) / 4;
  if (size != 0) for_each(stream, blocks, WithNoise<Noise, Op>{op, start, size});
}

}  // namespace bayesum::cuda
