#include "kernels/mixture_pass.hpp"

#include <algorithm>
#include <string>

#include <cblas.h>

#include "kernels/blas.hpp"
#include "kernels/buffer.hpp"
#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "kernels/twins.hpp"

namespace bayesum {

namespace cpu {
namespace {

constexpr std::size_t kRowsAtOnce = 128;

void distances_of_block(MatrixView<const double> x, MatrixView<const double> factor,
                        const double* mean, double* mapped, double* out) {
  const std::size_t d = x.cols;
  for (std::size_t i = 0; i < x.rows; ++i) {
    const double* const row = x.data + i * x.stride;
    for (std::size_t j = 0; j < d; ++j) mapped[i * d + j] = row[j] - mean[j];
  }
  cblas_dtrmm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit,
              static_cast<int>(x.rows), static_cast<int>(d), 1.0, factor.data, blas_stride(factor),
              mapped, static_cast<int>(d));
  for (std::size_t i = 0; i < x.rows; ++i) {
    out[i] = cblas_ddot(static_cast<int>(d), mapped + i * d, 1, mapped + i * d, 1);
  }
}

}  // namespace

void squared_distances(const Stream&, MatrixView<const double> x, const MixtureMetric& metric,
                       MatrixView<double> distance) {
  const std::size_t d = x.cols, blocks = (x.rows + kRowsAtOnce - 1) / kRowsAtOnce;
  Buffer<double> mapped(Device{}, x.rows * d);
  double* const workplace = mapped.data();
  parallel_for(blocks, [&](std::size_t block) {
    const std::size_t first = block * kRowsAtOnce;
    const auto rows = x.row_block(first, std::min(kRowsAtOnce, x.rows - first));
    for (std::size_t k = 0; k < metric.means.rows; ++k) {
      distances_of_block(rows, metric.factors.row_block(k * d, d),
                         metric.means.data + k * metric.means.stride, workplace + first * d,
                         distance.data + k * distance.stride + first);
    }
  });
}

void apply(const Stream&, const ResolveComponents& op, std::size_t size) {
  parallel_ranges(size, kRowsAtOnce, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) op(i);
  });
}

}  // namespace cpu

namespace {

void check_shape(const char* name, const MatrixView<const double>& matrix, std::size_t rows,
                 std::size_t cols) {
  if (matrix.rows == rows && matrix.cols == cols) return;
  throw Error(ExitCode::kUsage, std::string("distances from a mixture's components were given ") +
                                    name + " of " + std::to_string(matrix.rows) + " x " +
                                    std::to_string(matrix.cols) + " where " + std::to_string(rows) +
                                    " x " + std::to_string(cols) + " belong");
}

}  // namespace

void squared_distances(const Stream& stream, MatrixView<const double> x,
                       const MixtureMetric& metric, MatrixView<double> distance) {
  const std::size_t components = metric.means.rows;
  blas_int(x.cols);
  check_shape("means", metric.means, components, x.cols);
  check_shape("factors", metric.factors, components * x.cols, x.cols);
  check_shape("results", distance, components, x.rows);
  if (x.rows == 0 || x.cols == 0) return;
  BAYESUM_DISPATCH(stream, squared_distances(stream, x, metric, distance));
}

void apply(const Stream& stream, const ResolveComponents& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

}  // namespace bayesum
