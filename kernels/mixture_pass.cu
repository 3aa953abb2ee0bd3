#include "kernels/mixture_pass.hpp"

#include "kernels/blas.hpp"
#include "kernels/cuda_gram.cuh"
#include "kernels/cuda_launch.cuh"
#include "kernels/twins.hpp"

namespace bayesum::cuda {
namespace {

struct TakeDifference {
  MatrixView<const double> x;
  const double* mean;
  double* out;
  __device__ void operator()(std::size_t i) const {
    const std::size_t row = i / x.cols, col = i % x.cols;
    out[i] = x.data[row * x.stride + col] - mean[col];
  }
};

struct SquareOf {
  const double* values;
  std::size_t cols;
  __device__ double operator()(std::size_t i, std::size_t j) const {
    const double value = values[i * cols + j];
    return value * value;
  }
};

}  // namespace

void squared_distances(const Stream& stream, MatrixView<const double> x,
                       const MixtureMetric& metric, MatrixView<double> distance) {
  const std::size_t d = x.cols, most = gram_rows(x.rows, d);
  double* const mapped = scratch(stream, most * d);
  for (std::size_t first = 0; first < x.rows; first += most) {
    const auto rows = x.row_block(first, std::min(most, x.rows - first));
    for (std::size_t k = 0; k < metric.means.rows; ++k) {
      for_each(stream, rows.rows * d,
               TakeDifference{rows, metric.means.data + k * metric.means.stride, mapped});
      const auto factor = metric.factors.row_block(k * d, d);
      const double one = 1.0;
      check(cublasDtrmm(blas(stream), CUBLAS_SIDE_LEFT, CUBLAS_FILL_MODE_UPPER, CUBLAS_OP_T,
                        CUBLAS_DIAG_NON_UNIT, blas_int(d), blas_int(rows.rows), &one, factor.data,
                        blas_stride(factor), mapped, blas_int(d), mapped, blas_int(d)));
      row_sums(stream, rows.rows, d, SquareOf{mapped, d},
               distance.data + k * distance.stride + first);
    }
  }
}

void apply(const Stream& stream, const ResolveComponents& op, std::size_t size) {
  for_each(stream, size, op);
}

}  // namespace bayesum::cuda
