#pragma once

#include <cstddef>

#include "kernels/bfloat16.hpp"
#include "kernels/cuda_launch.cuh"

// What the kernels of attention are made of: products of tiles in shared memory. The threads of a
// block are a square of 16 x 16. Those of one row of the square, half a warp, share kPer rows of a
// tile of scores or of sums: what they write of those rows only they read.
namespace bayesum::cuda {

inline constexpr unsigned kSide = 16;
static_assert(kSide * kSide == kThreads);

__device__ inline void load_four(const float* from, float (&to)[4]) {
  const float4 four = *reinterpret_cast<const float4*>(from);
  to[0] = four.x;
  to[1] = four.y;
  to[2] = four.z;
  to[3] = four.w;
}

// `value` of the threads of one row of the square combined, the same for each of them.
template <class Combine>
__device__ float reduce_row(float value, const Combine& combine) {
  for (unsigned half = kSide / 2; half > 0; half /= 2) {
    value = combine(value, __shfl_xor_sync(~0U, value, half));
  }
  return value;
}

// kRows tokens of one head, whose channels are padded with zeros to kSize.
template <unsigned kSize, unsigned kRows>
struct Tile {
  static constexpr unsigned kPer = kRows / kSide;
  static constexpr unsigned kCols = kSize / kSide;
  static constexpr unsigned kStride = kSize + 4;  // so that eight rows lie in different banks
  static constexpr unsigned kScoreStride = kRows + 4;
  static constexpr unsigned kFloats = kRows * kStride;
  static constexpr unsigned kScoreFloats = kRows * kScoreStride;
  static_assert(kCols % 4 == 0);

  using Scores = float[kPer][kPer];
  using Sums = float[kPer][kCols];

  // What element i, j of a thread's Scores, and element i, k of its Sums, are in the tile.
  __device__ static unsigned row(unsigned i) { return threadIdx.x / kSide * kPer + i; }
  __device__ static unsigned score_column(unsigned j) { return threadIdx.x % kSide + kSide * j; }
  __device__ static unsigned column(unsigned k) {
    return k / 4 * 4 * kSide + threadIdx.x % kSide * 4 + k % 4;
  }

  // `count` rows of `size` channels, times a factor.
  template <class T>
  __device__ static void load(const T* from, std::size_t stride, std::size_t count,
                              std::size_t size, float factor, float* to) {
    for (unsigned i = threadIdx.x; i < kRows * kSize; i += kThreads) {
      const unsigned r = i / kSize, c = i % kSize;
      to[r * kStride + c] =
          r < count && c < size ? factor * static_cast<float>(from[r * stride + c]) : 0.0f;
    }
  }

  // scores = A B', of tiles A and B
  __device__ static void multiply(const float* a, const float* b, Scores& scores) {
    for (unsigned i = 0; i < kPer; ++i) {
      for (unsigned j = 0; j < kPer; ++j) scores[i][j] = 0.0f;
    }
    for (unsigned c = 0; c < kSize; c += 4) {
      float left[kPer][4], right[kPer][4];
      for (unsigned i = 0; i < kPer; ++i) {
        load_four(a + row(i) * kStride + c, left[i]);
        load_four(b + score_column(i) * kStride + c, right[i]);
      }
      for (unsigned i = 0; i < kPer; ++i) {
        for (unsigned j = 0; j < kPer; ++j) {
          for (unsigned k = 0; k < 4; ++k) scores[i][j] += left[i][k] * right[j][k];
        }
      }
    }
  }

  __device__ static void store_scores(const Scores& scores, float* to) {
    for (unsigned i = 0; i < kPer; ++i) {
      for (unsigned j = 0; j < kPer; ++j) {
        to[row(i) * kScoreStride + score_column(j)] = scores[i][j];
      }
    }
  }

  // sums += scores B, of what store_scores wrote and a tile B
  __device__ static void add_product(const float* scores, const float* b, Sums& sums) {
    for (unsigned l = 0; l < kRows; l += 4) {
      float weight[kPer][4];
      for (unsigned i = 0; i < kPer; ++i) load_four(scores + row(i) * kScoreStride + l, weight[i]);
      for (unsigned m = 0; m < 4; ++m) {
        for (unsigned k = 0; k < kCols; k += 4) {
          float values[4];
          load_four(b + (l + m) * kStride + column(k), values);
          for (unsigned i = 0; i < kPer; ++i) {
            for (unsigned n = 0; n < 4; ++n) sums[i][k + n] += weight[i][m] * values[n];
          }
        }
      }
    }
  }

  // Element i, k of the sums times factor(i) to row(i), column(k) where that is within the rows and
  // channels that there are.
  template <class T, class Factor>
  __device__ static void write(const Sums& sums, const Factor& factor, std::size_t count,
                               std::size_t size, T* to, std::size_t stride) {
    for (unsigned i = 0; i < kPer; ++i) {
      if (row(i) >= count) continue;
      const float times = factor(i);
      for (unsigned k = 0; k < kCols; ++k) {
        if (column(k) < size) store(to[row(i) * stride + column(k)], times * sums[i][k]);
      }
    }
  }
};

}  // namespace bayesum::cuda
