#pragma once

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/data/dataset.hpp"

namespace bayesum::examples {

// Rows with many zeros, in both forms, and what goes with them.
struct SparseRows {
  std::size_t columns;
  std::vector<double> x;  // rows x columns
  std::vector<double> y, offset, weight;
  std::vector<std::size_t> start = {0};
  std::vector<std::uint32_t> column;
  std::vector<double> value;

  SparseRows(std::size_t cols, std::vector<double> elements) : columns(cols), x(elements) {
    for (std::size_t first = 0; first < x.size(); first += columns) {
      for (std::size_t j = 0; j < columns; ++j) {
        if (x[first + j] == 0) continue;
        column.push_back(static_cast<std::uint32_t>(j));
        value.push_back(x[first + j]);
      }
      start.push_back(column.size());
    }
  }

  std::size_t rows() const { return x.size() / columns; }
  Batch dense() const { return {{x.data(), rows(), columns}, y, offset, weight}; }
  Batch sparse() const {
    Batch batch{{}, y, offset, weight};
    batch.sparse = {start, column, value, columns};
    return batch;
  }
};

// Rows 0, 5, 10, ... are empty; of the others about a third is not.
inline SparseRows sparse_rows(std::size_t rows, std::size_t columns) {
  std::vector<double> x(rows * columns);
  for (std::size_t k = 0; k < x.size(); ++k) {
    const bool present = (k / columns) % 5 != 0 && (7 * k + k / columns) % 3 == 0;
    if (present) x[k] = 1.3 * std::sin(1.7 * static_cast<double>(k));
  }
  SparseRows all(columns, std::move(x));
  for (std::size_t i = 0; i < rows; ++i) {
    const auto at = static_cast<double>(i);
    all.y.push_back(i % 3 == 0 ? 1.0 : 0.0);
    all.offset.push_back(0.3 * std::cos(at));
    all.weight.push_back(i % 7 == 2 ? 0.0 : 1.0 + 0.5 * std::sin(at));
  }
  return all;
}

}  // namespace bayesum::examples
