#include "kernels/gram.hpp"

#include <algorithm>
#include <string>

#include <cblas.h>

#include "kernels/blas.hpp"
#include "kernels/buffer.hpp"
#include "kernels/error.hpp"
#include "kernels/gram_accumulator.hpp"
#include "kernels/parallel.hpp"
#include "kernels/twins.hpp"

namespace bayesum {

namespace cpu {
namespace {

std::size_t gram_blocks(std::size_t rows) { return (rows + kGramRows - 1) / kGramRows; }

MatrixView<const double> gram_block(MatrixView<const double> x, std::size_t block) {
  const std::size_t begin = block * kGramRows;
  return x.row_block(begin, std::min(kGramRows, x.rows - begin));
}

struct GramLane {
  MatrixView<const double> x;
  const double* weight;
  GramAccumulator sum;

  void clear() { sum.clear(); }
  void add(std::size_t block) {
    sum.add(gram_block(x, block), weight == nullptr ? nullptr : weight + block * kGramRows);
  }
};

struct ColumnSumLane {
  MatrixView<const double> x;
  const double* weight;
  Buffer<double> sum;

  void clear() { std::fill_n(sum.data(), sum.size(), 0.0); }
  void add(std::size_t block) {
    const MatrixView<const double> rows = gram_block(x, block);
    cblas_dgemv(CblasRowMajor, CblasTrans, static_cast<int>(rows.rows), static_cast<int>(rows.cols),
                1.0, rows.data, blas_stride(rows), weight + block * kGramRows, 1, 1.0, sum.data(),
                1);
  }
};

}  // namespace

void weighted_gram(const Stream&, MatrixView<const double> x, std::span<const double> w,
                   std::span<double> packed) {
  const double* const weight = w.empty() ? nullptr : w.data();
  sum_in_lanes(
      gram_blocks(x.rows),
      [&] {
        return GramLane{x, weight, GramAccumulator(x.cols)};
      },
      [&](const GramLane& lane) { lane.sum.add_to(packed); });
}

void weighted_column_sum(const Stream&, MatrixView<const double> x, std::span<const double> w,
                         std::span<double> out) {
  blas_int(x.cols);
  sum_in_lanes(
      gram_blocks(x.rows),
      [&] {
        return ColumnSumLane{x, w.data(), Buffer<double>(Device{}, x.cols)};
      },
      [&](const ColumnSumLane& lane) {
        for (std::size_t j = 0; j < x.cols; ++j) out[j] += lane.sum.data()[j];
      });
}

}  // namespace cpu

namespace {

void check_size(const char* name, std::size_t size, std::size_t expected,
                MatrixView<const double> x) {
  if (size == expected) return;
  throw Error(ExitCode::kUsage, std::string(name) + " has " + std::to_string(size) +
                                    " elements where a matrix of " + std::to_string(x.rows) +
                                    " x " + std::to_string(x.cols) + " needs " +
                                    std::to_string(expected));
}

}  // namespace

void weighted_gram(const Stream& stream, MatrixView<const double> x, std::span<const double> w,
                   std::span<double> packed) {
  if (!w.empty()) check_size("the weight", w.size(), x.rows, x);
  check_size("the packed sum", packed.size(), packed_size(x.cols), x);
  if (x.rows != 0 && x.cols != 0) BAYESUM_DISPATCH(stream, weighted_gram(stream, x, w, packed));
}

void weighted_column_sum(const Stream& stream, MatrixView<const double> x,
                         std::span<const double> w, std::span<double> out) {
  check_size("the weight", w.size(), x.rows, x);
  check_size("the column sum", out.size(), x.cols, x);
  if (x.rows != 0 && x.cols != 0) BAYESUM_DISPATCH(stream, weighted_column_sum(stream, x, w, out));
}

}  // namespace bayesum
