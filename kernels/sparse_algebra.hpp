#pragma once

#include <cstddef>
#include <span>

#include "kernels/matrix.hpp"
#include "kernels/sparse.hpp"

namespace bayesum {

// What dense rows have in kernels/gram.hpp and kernels/gemm.hpp, of sparse ones; on the CPU, the
// same bits for any number of threads. Each throws Error(kUsage) when sizes do not fit or a column
// is out of range.

// packed += X' diag(w) X, O(k^2) a row of k elements; empty w: ones.
void weighted_gram(const SparseView& x, std::span<const double> w, std::span<double> packed);
// out += X' w.
void weighted_column_sum(const SparseView& x, std::span<const double> w, std::span<double> out);
// out = X B', X n x d, B m x d, out n x m.
void multiply_transposed(const SparseView& x, MatrixView<const double> b, MatrixView<double> out);

// Error(kUsage) unless the view is a matrix: starts that ascend, columns ascending and in range.
void check_sparse(const SparseView& x);

namespace cpu {

// One row.
struct SparseRow {
  const std::uint32_t* column;
  const double* value;
  std::size_t size;

  SparseRow(const SparseView& x, std::size_t row)
      : column(x.column.data() + x.row_start[row]),
        value(x.value.data() + x.row_start[row]),
        size(x.row_start[row + 1] - x.row_start[row]) {}
};

// Rows of a block: enough of them that lanes' sums of `dimension` columns are worth their addition.
std::size_t sparse_block_rows(std::size_t dimension);

// packed += weight x x'
inline void add_outer(const SparseRow& x, double weight, double* packed) {
  for (std::size_t i = 0; i < x.size; ++i) {
    double* const row = packed + packed_index(x.column[i], 0);
    const double factor = weight * x.value[i];
    for (std::size_t j = 0; j <= i; ++j) row[x.column[j]] += factor * x.value[j];
  }
}

}  // namespace cpu

}  // namespace bayesum
