#pragma once

#include <cstddef>
#include <string>

#include "kernels/error.hpp"
#include "kernels/host_device.hpp"
#include "kernels/matrix.hpp"

// What the public functions of this folder ask of their arguments; Error(kUsage) otherwise.
namespace bayesum {

inline void check_size(const char* name, std::size_t size, std::size_t expected) {
  if (size == expected) return;
  throw Error(ExitCode::kUsage, std::string(name) + " has " + std::to_string(size) +
                                    " elements where " + std::to_string(expected) + " belong");
}

template <class T>
void check_shape(const char* name, const MatrixView<T>& matrix, std::size_t rows,
                 std::size_t cols) {
  if (matrix.rows == rows && matrix.cols == cols) return;
  throw Error(ExitCode::kUsage, std::string(name) + " is " + std::to_string(matrix.rows) + " x " +
                                    std::to_string(matrix.cols) + " where " + std::to_string(rows) +
                                    " x " + std::to_string(cols) + " belongs");
}

// A matrix that may be left out.
template <class T>
BAYESUM_HOST_DEVICE bool is_given(const MatrixView<T>& matrix) {
  return matrix.data != nullptr;
}

template <class T>
BAYESUM_HOST_DEVICE T* row_of(const MatrixView<T>& matrix, std::size_t row) {
  return matrix.data + row * matrix.stride;
}

}  // namespace bayesum
