#pragma once

#include <algorithm>
#include <cstddef>

#include "kernels/cuda_check.cuh"
#include "kernels/reduce.hpp"
#include "kernels/reduce_ops.hpp"
#include "kernels/stream.hpp"

// What the CUDA twins are made of: a walk over elements, and three sums in a fixed order.
namespace bayesum::cuda {

inline constexpr unsigned kThreads = 256;

inline cudaStream_t queue(const Stream& stream) {
  return static_cast<cudaStream_t>(stream.native());
}
inline cublasHandle_t blas(const Stream& stream) {
  return static_cast<cublasHandle_t>(stream.blas());
}
inline cusolverDnHandle_t solver(const Stream& stream) {
  return static_cast<cusolverDnHandle_t>(stream.solver());
}

inline double* scratch(const Stream& stream, std::size_t count) {
  return static_cast<double*>(stream.scratch(count * sizeof(double)));
}

inline unsigned grid(std::size_t size, std::size_t per_block) {
  constexpr std::size_t kMaxBlocks = 1U << 30;
  return static_cast<unsigned>(std::min((size + per_block - 1) / per_block, kMaxBlocks));
}

template <class Op>
__global__ void for_each_kernel(std::size_t size, const __grid_constant__ Op op) {
  const std::size_t step = static_cast<std::size_t>(gridDim.x) * blockDim.x;
  for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < size;
       i += step) {
    op(i);
  }
}

// op(i) for i = 0 .. size-1, in any order.
template <class Op>
void for_each(const Stream& stream, std::size_t size, const Op& op) {
  if (size == 0) return;
  for_each_kernel<<<grid(size, kThreads), kThreads, 0, queue(stream)>>>(size, op);
  check(cudaGetLastError());
}

template <class Load, class Combine>
__global__ void reduce_blocks_kernel(std::size_t size, Load load, Combine combine, double* out) {
  __shared__ double partial[kThreads];
  const std::size_t begin = static_cast<std::size_t>(blockIdx.x) * kReduceBlock;
  const std::size_t end = begin + kReduceBlock < size ? begin + kReduceBlock : size;
  double value = 0.0;
  for (std::size_t i = begin + threadIdx.x; i < end; i += kThreads) value = combine(value, load(i));
  partial[threadIdx.x] = value;
  __syncthreads();
  for (unsigned half = kThreads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) {
      partial[threadIdx.x] = combine(partial[threadIdx.x], partial[threadIdx.x + half]);
    }
    __syncthreads();
  }
  if (threadIdx.x == 0) out[blockIdx.x] = partial[0];
}

// Doubles that reduce_on_device needs for its partial sums.
inline std::size_t reduce_scratch(std::size_t size) {
  std::size_t count = 0;
  do {
    size = (size + kReduceBlock - 1) / kReduceBlock;
    count += size;
  } while (size > 1);
  return count;
}

// Reduces to one number, left on the device in `partial`; returns its place. size > 0.
template <class Load, class Combine>
double* reduce_on_device(const Stream& stream, std::size_t size, const Load& load,
                         const Combine& combine, double* partial) {
  const std::size_t blocks = (size + kReduceBlock - 1) / kReduceBlock;
  reduce_blocks_kernel<<<static_cast<unsigned>(blocks), kThreads, 0, queue(stream)>>>(
      size, load, combine, partial);
  check(cudaGetLastError());
  if (blocks == 1) return partial;
  return reduce_on_device(stream, blocks, LoadValue{partial}, combine, partial + blocks);
}

inline double to_host(const Stream& stream, const double* value) {
  double host = 0.0;
  check(cudaMemcpyAsync(&host, value, sizeof host, cudaMemcpyDeviceToHost, queue(stream)));
  stream.synchronize();
  return host;
}

inline constexpr unsigned kWarp = 32;

template <class Term>
__global__ void row_sums_kernel(std::size_t rows, std::size_t cols, Term term, double* out) {
  const std::size_t row = (static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x) / kWarp;
  if (row >= rows) return;
  double sum = 0.0;
  for (std::size_t j = threadIdx.x % kWarp; j < cols; j += kWarp) sum += term(row, j);
  for (unsigned half = kWarp / 2; half > 0; half /= 2) sum += __shfl_xor_sync(~0U, sum, half);
  if (threadIdx.x % kWarp == 0) out[row] = sum;
}

// out[i] = sum_j term(i, j), a warp to a row.
template <class Term>
void row_sums(const Stream& stream, std::size_t rows, std::size_t cols, const Term& term,
              double* out) {
  if (rows == 0) return;
  row_sums_kernel<<<grid(rows, kThreads / kWarp), kThreads, 0, queue(stream)>>>(rows, cols, term,
                                                                                out);
  check(cudaGetLastError());
}

inline constexpr std::size_t kSlabRows = 1024;

template <class Term>
__global__ void column_slabs_kernel(std::size_t rows, std::size_t cols, Term term,
                                    double* partial) {
  constexpr unsigned kTeams = kThreads / kWarp;
  __shared__ double team_sum[kTeams][kWarp];
  const unsigned lane = threadIdx.x % kWarp, team = threadIdx.x / kWarp;
  const std::size_t j = static_cast<std::size_t>(blockIdx.y) * kWarp + lane;
  const std::size_t begin = static_cast<std::size_t>(blockIdx.x) * kSlabRows;
  const std::size_t end = begin + kSlabRows < rows ? begin + kSlabRows : rows;
  double sum = 0.0;
  if (j < cols) {
    for (std::size_t i = begin + team; i < end; i += kTeams) sum += term(i, j);
  }
  team_sum[team][lane] = sum;
  __syncthreads();
  if (team == 0 && j < cols) {
    for (unsigned other = 1; other < kTeams; ++other) sum += team_sum[other][lane];
    partial[blockIdx.x * cols + j] = sum;
  }
}

template <class Out>
struct AddSlabs {
  std::size_t slabs;
  std::size_t cols;
  const double* partial;
  Out* out;
  __device__ void operator()(std::size_t j) const {
    double sum = 0.0;
    for (std::size_t slab = 0; slab < slabs; ++slab) sum += partial[slab * cols + j];
    out[j] += static_cast<Out>(sum);
  }
};

inline std::size_t slab_count(std::size_t rows) { return (rows + kSlabRows - 1) / kSlabRows; }

// out[j] += sum_i term(i, j), slabs of rows added in order; `partial` holds slab_count x cols.
template <class Term, class Out>
void add_column_sums(const Stream& stream, std::size_t rows, std::size_t cols, const Term& term,
                     double* partial, Out* out) {
  if (rows == 0 || cols == 0) return;
  const std::size_t slabs = slab_count(rows);
  const dim3 blocks(static_cast<unsigned>(slabs), grid(cols, kWarp));
  column_slabs_kernel<<<blocks, kThreads, 0, queue(stream)>>>(rows, cols, term, partial);
  check(cudaGetLastError());
  for_each(stream, cols, AddSlabs<Out>{slabs, cols, partial, out});
}

}  // namespace bayesum::cuda
