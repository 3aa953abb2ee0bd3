#pragma once

#include <cstddef>

#include "kernels/cuda_launch.cuh"

namespace bayesum::cuda {

// The threads that share a row, a warp or a whole block. All of them must come to a reduction.
template <unsigned kSize>
struct Team {
  static constexpr unsigned size = kSize;
  unsigned rank;

  // `value` of all threads combined in a fixed order, the same for every one of them.
  template <class T, class Combine>
  __device__ T reduce(T value, const Combine& combine) const {
    for (unsigned half = kWarp / 2; half > 0; half /= 2) {
      value = combine(value, __shfl_xor_sync(~0U, value, half));
    }
    if constexpr (kSize > kWarp) {
      __shared__ T of_warp[kSize / kWarp];
      __syncthreads();
      if (rank % kWarp == 0) of_warp[rank / kWarp] = value;
      __syncthreads();
      value = of_warp[0];
      for (unsigned warp = 1; warp < kSize / kWarp; ++warp) value = combine(value, of_warp[warp]);
    }
    return value;
  }

  template <class T>
  __device__ T sum(T value) const {
    return reduce(value, [](T a, T b) { return a + b; });
  }
  __device__ float largest(float value) const {
    return reduce(value, [](float a, float b) { return b > a ? b : a; });
  }
};

template <unsigned kSize, class Op>
__global__ void rows_kernel(std::size_t rows, const __grid_constant__ Op op) {
  const std::size_t thread = static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (thread / kSize < rows) op(thread / kSize, Team<kSize>{threadIdx.x % kSize});
}

// op(row, team) for all rows, each by so many threads.
template <unsigned kSize, class Op>
void for_each_row_by(const Stream& stream, std::size_t rows, const Op& op) {
  if (rows == 0) return;
  rows_kernel<kSize, Op><<<grid(rows, kThreads / kSize), kThreads, 0, queue(stream)>>>(rows, op);
  check(cudaGetLastError());
}

// The same, by a warp a row where there are few columns and by a block where there are many.
template <class Op>
void for_each_row(const Stream& stream, std::size_t rows, std::size_t cols, const Op& op) {
  constexpr std::size_t kFew = 1024;
  if (cols <= kFew) {
    for_each_row_by<kWarp>(stream, rows, op);
  } else {
    for_each_row_by<kThreads>(stream, rows, op);
  }
}

}  // namespace bayesum::cuda
