#pragma once

#include <cstddef>
#include <type_traits>

#include "kernels/host_device.hpp"

namespace bayesum {

// A row-major matrix that somebody else owns: element (i, j) is data[i * stride + j].
template <class T>
struct MatrixView {
  T* data = nullptr;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t stride = 0;

  MatrixView() = default;
  MatrixView(T* first, std::size_t row_count, std::size_t col_count)
      : MatrixView(first, row_count, col_count, col_count) {}
  MatrixView(T* first, std::size_t row_count, std::size_t col_count, std::size_t row_stride)
      : data(first), rows(row_count), cols(col_count), stride(row_stride) {}

  template <class U>
  requires std::is_same_v<const U, T> MatrixView(const MatrixView<U>& other)
      : data(other.data), rows(other.rows), cols(other.cols), stride(other.stride) {}

  MatrixView row_block(std::size_t first, std::size_t count) const {
    return {data + first * stride, count, cols, stride};
  }
};

// Packed lower triangle, row by row: (0,0) (1,0) (1,1) (2,0) ...
BAYESUM_HOST_DEVICE inline constexpr std::size_t packed_size(std::size_t dimension) {
  return dimension * (dimension + 1) / 2;
}
BAYESUM_HOST_DEVICE inline constexpr std::size_t packed_index(std::size_t row, std::size_t col) {
  return row * (row + 1) / 2 + col;
}

}  // namespace bayesum
