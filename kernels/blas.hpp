#pragma once

#include <climits>
#include <cstddef>
#include <string>

#include "kernels/error.hpp"
#include "kernels/matrix.hpp"

// What CPU and CUDA callers of a BLAS share: BLAS counts in int, and wants a stride even of
// nothing.
namespace bayesum {

inline int blas_int(std::size_t count) {
  if (count > INT_MAX) {
    throw Error(ExitCode::kUsage, std::to_string(count) + " elements along one side of a matrix, " +
                                      "but BLAS can count to " + std::to_string(INT_MAX));
  }
  return static_cast<int>(count);
}

template <class T>
int blas_stride(const MatrixView<T>& matrix) {
  return blas_int(matrix.stride == 0 ? 1 : matrix.stride);
}

}  // namespace bayesum
