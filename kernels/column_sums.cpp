#include "kernels/column_sums.hpp"

#include <algorithm>
#include <string>

#include "kernels/buffer.hpp"
#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "kernels/twins.hpp"

namespace bayesum {

namespace cpu {
namespace {

constexpr std::size_t kBlockRows = 128;

// Adds add_row(i, weight of row i, sum) over the rows of its blocks.
template <class AddRow>
struct RowLane {
  std::size_t rows;
  const double* weight;
  const AddRow& add_row;
  Buffer<double> sum;

  void clear() { std::fill_n(sum.data(), sum.size(), 0.0); }
  void add(std::size_t block) {
    const std::size_t end = std::min(rows, (block + 1) * kBlockRows);
    for (std::size_t i = block * kBlockRows; i < end; ++i) {
      add_row(i, weight == nullptr ? 1.0 : weight[i], sum.data());
    }
  }
};

// merge(sum) for the sums of `size` elements of one lane after another.
template <class AddRow, class Merge>
void sum_rows(std::size_t rows, std::span<const double> w, std::size_t size, const AddRow& add_row,
              const Merge& merge) {
  sum_in_lanes((rows + kBlockRows - 1) / kBlockRows,
               [&] {
                 return RowLane<AddRow>{rows, w.empty() ? nullptr : w.data(), add_row,
                                        Buffer<double>(Device{}, size)};
               },
               [&](const RowLane<AddRow>& lane) { merge(lane.sum.data()); });
}

}  // namespace

void weighted_column_moments(const Stream&, MatrixView<const double> x, std::span<const double> w,
                             std::span<double> sums, std::span<double> squares) {
  const std::size_t d = x.cols;
  const auto add_row = [&](std::size_t i, double weight, double* sum) {
    const double* const row = x.data + i * x.stride;
    for (std::size_t j = 0; j < d; ++j) {
      const double weighted = weight * row[j];
      sum[j] += weighted;
      sum[d + j] += weighted * row[j];
    }
  };
  sum_rows(x.rows, w, 2 * d, add_row, [&](const double* sum) {
    for (std::size_t j = 0; j < d; ++j) {
      sums[j] += sum[j];
      squares[j] += sum[d + j];
    }
  });
}

void weighted_level_counts(const Stream&, MatrixView<const double> x, std::span<const double> w,
                           std::span<const std::size_t> first, std::span<double> counts) {
  const auto add_row = [&](std::size_t i, double weight, double* sum) {
    const double* const row = x.data + i * x.stride;
    for (std::size_t j = 0; j < x.cols; ++j) {
      const auto levels = static_cast<double>(first[j + 1] - first[j]);
      if (!(row[j] >= 0 && row[j] < levels)) continue;
      const auto level = static_cast<std::size_t>(row[j]);
      if (row[j] == static_cast<double>(level)) sum[first[j] + level] += weight;
    }
  };
  sum_rows(x.rows, w, counts.size(), add_row, [&](const double* sum) {
    for (std::size_t k = 0; k < counts.size(); ++k) counts[k] += sum[k];
  });
}

void weighted_count_sums(const Stream&, MatrixView<const double> x, std::span<const double> w,
                         std::span<const double> offset, std::span<double> out) {
  const CountTerms terms{x, offset.empty() ? nullptr : offset.data()};
  const auto add_row = [&](std::size_t i, double weight, double* sum) {
    sum[0] += weight * terms.exposure(i);
    sum[1] += weight * terms.base(i);
  };
  sum_rows(x.rows, w, 2, add_row, [&](const double* sum) {
    out[0] += sum[0];
    out[1] += sum[1];
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

void weighted_column_moments(const Stream& stream, MatrixView<const double> x,
                             std::span<const double> w, std::span<double> sums,
                             std::span<double> squares) {
  if (!w.empty()) check_size("the weight", w.size(), x.rows, x);
  check_size("the column sum", sums.size(), x.cols, x);
  check_size("the column sum of squares", squares.size(), x.cols, x);
  if (x.rows == 0 || x.cols == 0) return;
  BAYESUM_DISPATCH(stream, weighted_column_moments(stream, x, w, sums, squares));
}

void weighted_level_counts(const Stream& stream, MatrixView<const double> x,
                           std::span<const double> w, std::span<const std::size_t> first,
                           std::span<double> counts) {
  if (!w.empty()) check_size("the weight", w.size(), x.rows, x);
  check_size("the list of first levels", first.size(), x.cols + 1, x);
  if (x.rows == 0 || x.cols == 0) return;
  BAYESUM_DISPATCH(stream, weighted_level_counts(stream, x, w, first, counts));
}

void weighted_count_sums(const Stream& stream, MatrixView<const double> x,
                         std::span<const double> w, std::span<const double> offset,
                         std::span<double> out) {
  if (!w.empty()) check_size("the weight", w.size(), x.rows, x);
  if (!offset.empty()) check_size("the offset", offset.size(), x.rows, x);
  check_size("the pair of sums", out.size(), 2, x);
  if (x.rows != 0) BAYESUM_DISPATCH(stream, weighted_count_sums(stream, x, w, offset, out));
}

}  // namespace bayesum
