#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace bayesum {

// A sparse matrix by rows (CSR) that somebody else owns. Row i holds the elements
// [row_start[i], row_start[i + 1]) of `column` and `value`, columns ascending within it.
struct SparseView {
  std::span<const std::size_t> row_start;  // rows() + 1 of them; empty: no matrix
  std::span<const std::uint32_t> column;
  std::span<const double> value;
  std::size_t cols = 0;

  std::size_t rows() const { return row_start.empty() ? 0 : row_start.size() - 1; }
  bool empty() const { return row_start.empty(); }
};

}  // namespace bayesum
