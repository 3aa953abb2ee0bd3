#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "kernels/matrix.hpp"
#include "kernels/stream.hpp"

// The weighted Gram matrix of a block of rows, as glm_pass.cu and gram.cu need it.
namespace bayesum::cuda {

// Rows that are scaled and multiplied at a time: a function of the shape alone.
inline std::size_t gram_rows(std::size_t rows, std::size_t cols) {
  constexpr std::size_t kElements = std::size_t{1} << 24;
  return std::min(rows, std::max<std::size_t>(1024, kElements / std::max<std::size_t>(1, cols)));
}

// dense += X' diag(w) X, its lower triangle; null weight: ones. `scaled` holds rows x cols.
void add_gram(const Stream& stream, MatrixView<const double> x, const double* weight,
              double* scaled, double* dense);

// packed += the lower triangle of the d x d matrix `dense`.
void add_packed(const Stream& stream, const double* dense, std::size_t d, std::span<double> packed);

// out += X' w; `partial` holds slab_count(rows) x cols.
void add_weighted_columns(const Stream& stream, MatrixView<const double> x, const double* weight,
                          double* partial, double* out);

}  // namespace bayesum::cuda
