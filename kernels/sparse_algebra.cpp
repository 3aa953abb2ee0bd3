#include "kernels/sparse_algebra.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "kernels/error.hpp"
#include "kernels/parallel.hpp"

namespace bayesum {

namespace cpu {

std::size_t sparse_block_rows(std::size_t dimension) {
  return std::clamp<std::size_t>(dimension, 512, 8192);
}

namespace {

struct Blocks {
  std::size_t rows, size;

  explicit Blocks(const SparseView& x) : rows(x.rows()), size(sparse_block_rows(x.cols)) {}
  std::size_t count() const { return (rows + size - 1) / size; }
  std::size_t first(std::size_t block) const { return block * size; }
  std::size_t last(std::size_t block) const { return std::min(rows, (block + 1) * size); }
};

// One thread's sums over the rows of a lane: add_row(row, sums).
template <class AddRow>
struct Lane {
  Blocks blocks;
  AddRow add_row;
  std::vector<double> sums;

  void clear() { std::ranges::fill(sums, 0.0); }
  void add(std::size_t block) {
    for (std::size_t i = blocks.first(block); i < blocks.last(block); ++i) add_row(i, sums.data());
  }
};

template <class AddRow>
void sum_rows(const SparseView& x, std::span<double> out, const AddRow& add_row) {
  const Blocks blocks(x);
  sum_in_lanes(
      blocks.count(),
      [&] {
        return Lane<AddRow>{blocks, add_row, std::vector<double>(out.size())};
      },
      [&](const Lane<AddRow>& lane) {
        for (std::size_t j = 0; j < out.size(); ++j) out[j] += lane.sums[j];
      });
}

}  // namespace
}  // namespace cpu

namespace {

void check_size(const char* name, std::size_t size, std::size_t expected) {
  if (size == expected) return;
  throw Error(ExitCode::kUsage, std::to_string(size) + " elements of " + name +
                                    " were given for sparse rows where " +
                                    std::to_string(expected) + " belong");
}

}  // namespace

void check_sparse(const SparseView& x) {
  check_size("columns", x.column.size(), x.value.size());
  for (std::size_t i = 0; i < x.rows(); ++i) {
    const std::size_t first = x.row_start[i], last = x.row_start[i + 1];
    bool good = first <= last && last <= x.column.size();
    for (std::size_t k = first; good && k < last; ++k) {
      good = x.column[k] < x.cols && (k == first || x.column[k - 1] < x.column[k]);
    }
    if (!good) {
      throw Error(ExitCode::kUsage,
                  "row " + std::to_string(i) +
                      " of a sparse matrix does not hold ascending columns below " +
                      std::to_string(x.cols));
    }
  }
}

void weighted_gram(const SparseView& x, std::span<const double> w, std::span<double> packed) {
  check_sparse(x);
  if (!w.empty()) check_size("the weight", w.size(), x.rows());
  check_size("the packed sum", packed.size(), packed_size(x.cols));
  cpu::sum_rows(x, packed, [&](std::size_t i, double* sums) {
    cpu::add_outer(cpu::SparseRow(x, i), w.empty() ? 1.0 : w[i], sums);
  });
}

void weighted_column_sum(const SparseView& x, std::span<const double> w, std::span<double> out) {
  check_sparse(x);
  check_size("the weight", w.size(), x.rows());
  check_size("the sum", out.size(), x.cols);
  cpu::sum_rows(x, out, [&](std::size_t i, double* sums) {
    const cpu::SparseRow row(x, i);
    for (std::size_t k = 0; k < row.size; ++k) sums[row.column[k]] += w[i] * row.value[k];
  });
}

void multiply_transposed(const SparseView& x, MatrixView<const double> b, MatrixView<double> out) {
  check_sparse(x);
  check_size("the matrix's columns", b.cols, x.cols);
  check_size("the product's rows", out.rows, x.rows());
  check_size("the product's columns", out.cols, b.rows);
  cpu::parallel_ranges(x.rows(), 256, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const cpu::SparseRow row(x, i);
      for (std::size_t m = 0; m < b.rows; ++m) {
        const double* const factor = b.data + m * b.stride;
        double sum = 0.0;
        for (std::size_t k = 0; k < row.size; ++k) sum += row.value[k] * factor[row.column[k]];
        out.data[i * out.stride + m] = sum;
      }
    }
  });
}

}  // namespace bayesum
