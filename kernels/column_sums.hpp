#pragma once

#include <cmath>
#include <cstddef>
#include <span>

#include "kernels/gamma.hpp"
#include "kernels/host_device.hpp"
#include "kernels/matrix.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

// What conjugate models gather from the rows of X, n x d, with weights w, of n elements or empty
// for all ones. Each is added to what is there, rows summed in fixed blocks in a fixed order: the
// same bits for any number of threads. Error(kUsage) when sizes do not fit.

// sums += X' w and squares += (X o X)' w, of d elements each.
void weighted_column_moments(const Stream& stream, MatrixView<const double> x,
                             std::span<const double> w, std::span<double> sums,
                             std::span<double> squares);

// counts[first[j] + l] += the weight of the rows with x_ij = l, for every level l of column j,
// first[j+1] - first[j] of them. `first`, of d + 1 elements, is on the stream's device, and ends
// with the size of counts. An x_ij that is no level is not counted.
void weighted_level_counts(const Stream& stream, MatrixView<const double> x,
                           std::span<const double> w, std::span<const std::size_t> first,
                           std::span<double> counts);

// out[0] += sum_i w_i e^offset_i, the exposure, and out[1] += sum_i w_i sum_j (x_ij offset_i -
// log x_ij!), what the log-likelihood of Poisson counts has beside the logarithms of rates. An
// empty offset is zeros.
void weighted_count_sums(const Stream& stream, MatrixView<const double> x,
                         std::span<const double> w, std::span<const double> offset,
                         std::span<double> out);

// The two terms of one row, the row at `x`.
struct CountTerms {
  MatrixView<const double> x;
  const double* offset;  // null: zeros

  BAYESUM_HOST_DEVICE double shift(std::size_t i) const {
    return offset == nullptr ? 0.0 : offset[i];
  }
  BAYESUM_HOST_DEVICE double exposure(std::size_t i) const { return std::exp(shift(i)); }
  BAYESUM_HOST_DEVICE double base(std::size_t i) const {
    double sum = 0.0;
    for (std::size_t j = 0; j < x.cols; ++j) {
      const double count = x.data[i * x.stride + j];
      sum += count * shift(i) - log_factorial(count);
    }
    return sum;
  }
};

}  // namespace bayesum
