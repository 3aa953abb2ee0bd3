#pragma once

#include <algorithm>
#include <cstddef>

// Products of small matrices that stay in the first caches, for blocks of attention: the rows of C
// in registers, one element of A against vectors of 16 columns of B.
namespace bayesum::cpu {

inline constexpr std::size_t kVector = 16;

inline constexpr std::size_t round_to_vectors(std::size_t size) {
  return (size + kVector - 1) / kVector * kVector;
}

// C (+)= A B, C m x n with n a multiple of kVector. Element (i, l) of A is a[i a_row + l a_col], so
// that A' is A with the two exchanged; B and C are row-major.
struct BlockProduct {
  std::size_t m, n, k;
  const float* a;
  std::size_t a_row, a_col;
  const float* b;
  std::size_t b_row;
  float* c;
  std::size_t c_row;
  bool accumulate = false;
};

using FloatVector __attribute__((vector_size(64), aligned(4), may_alias)) = float;

template <std::size_t kRows, std::size_t kVectors>
void multiply_strip(const BlockProduct& p, const float* a, const float* b, float* c) {
  FloatVector sum[kRows][kVectors];
  for (std::size_t i = 0; i < kRows; ++i) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      sum[i][v] = FloatVector{};
      if (p.accumulate) {
        sum[i][v] = *reinterpret_cast<const FloatVector*>(c + i * p.c_row + v * kVector);
      }
    }
  }
  for (std::size_t l = 0; l < p.k; ++l) {
    FloatVector row[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) {
      row[v] = *reinterpret_cast<const FloatVector*>(b + l * p.b_row + v * kVector);
    }
    for (std::size_t i = 0; i < kRows; ++i) {
      const float factor = a[i * p.a_row + l * p.a_col];
      for (std::size_t v = 0; v < kVectors; ++v) sum[i][v] += factor * row[v];
    }
  }
  for (std::size_t i = 0; i < kRows; ++i) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      *reinterpret_cast<FloatVector*>(c + i * p.c_row + v * kVector) = sum[i][v];
    }
  }
}

template <std::size_t kRows, std::size_t kVectors>
std::size_t multiply_strips(const BlockProduct& p, std::size_t first, std::size_t j) {
  for (; first + kRows <= p.m; first += kRows) {
    multiply_strip<kRows, kVectors>(p, p.a + first * p.a_row, p.b + j, p.c + first * p.c_row + j);
  }
  return first;
}

template <std::size_t kRows, std::size_t kVectors>
void multiply_columns(const BlockProduct& p, std::size_t j) {
  std::size_t i = multiply_strips<kRows, kVectors>(p, 0, j);
  i = multiply_strips<4, kVectors>(p, i, j);
  i = multiply_strips<2, kVectors>(p, i, j);
  multiply_strips<1, kVectors>(p, i, j);
}

inline void multiply_block(const BlockProduct& p) {
  std::size_t j = 0;
  for (; j + 4 * kVector <= p.n; j += 4 * kVector) multiply_columns<6, 4>(p, j);
  switch ((p.n - j) / kVector) {
    case 3:
      return multiply_columns<8, 3>(p, j);
    case 2:
      return multiply_columns<12, 2>(p, j);
    case 1:
      return multiply_columns<12, 1>(p, j);
    default:
      return;
  }
}

}  // namespace bayesum::cpu
