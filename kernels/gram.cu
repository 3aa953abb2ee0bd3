#include "kernels/gram.hpp"

#include "kernels/blas.hpp"
#include "kernels/cuda_gram.cuh"
#include "kernels/cuda_launch.cuh"
#include "kernels/twins.hpp"

namespace bayesum::cuda {
namespace {

struct ScaleRows {
  MatrixView<const double> x;
  const double* weight;
  double* scaled;
  __device__ void operator()(std::size_t element) const {
    const std::size_t i = element / x.cols, j = element % x.cols;
    scaled[element] = sqrt(weight[i]) * x.data[i * x.stride + j];
  }
};

struct AddLower {
  const double* dense;
  std::size_t d;
  double* packed;
  __device__ void operator()(std::size_t element) const {
    const std::size_t i = element / d, j = element % d;
    if (j <= i) packed[i * (i + 1) / 2 + j] += dense[element];
  }
};

struct WeightedElement {
  MatrixView<const double> x;
  const double* weight;
  __device__ double operator()(std::size_t i, std::size_t j) const {
    return weight[i] * x.data[i * x.stride + j];
  }
};

}  // namespace

void add_gram(const Stream& stream, MatrixView<const double> x, const double* weight,
              double* scaled, double* dense) {
  if (weight != nullptr) {
    for_each(stream, x.rows * x.cols, ScaleRows{x, weight, scaled});
    x = {scaled, x.rows, x.cols};
  }
  const double one = 1.0;
  const int d = blas_int(x.cols);
  check(cublasDsyrk(blas(stream), CUBLAS_FILL_MODE_UPPER, CUBLAS_OP_N, d, blas_int(x.rows), &one,
                    x.data, blas_stride(x), &one, dense, d));
}

void add_packed(const Stream& stream, const double* dense, std::size_t d,
                std::span<double> packed) {
  for_each(stream, d * d, AddLower{dense, d, packed.data()});
}

void add_weighted_columns(const Stream& stream, MatrixView<const double> x, const double* weight,
                          double* partial, double* out) {
  add_column_sums(stream, x.rows, x.cols, WeightedElement{x, weight}, partial, out);
}

void weighted_gram(const Stream& stream, MatrixView<const double> x, std::span<const double> w,
                   std::span<double> packed) {
  const std::size_t d = x.cols, chunk = gram_rows(x.rows, d);
  double* const dense = scratch(stream, d * d + (w.empty() ? 0 : chunk * d));
  check(cudaMemsetAsync(dense, 0, d * d * sizeof(double), queue(stream)));
  for (std::size_t begin = 0; begin < x.rows; begin += chunk) {
    add_gram(stream, x.row_block(begin, std::min(chunk, x.rows - begin)),
             w.empty() ? nullptr : w.data() + begin, dense + d * d, dense);
  }
  add_packed(stream, dense, d, packed);
}

void weighted_column_sum(const Stream& stream, MatrixView<const double> x,
                         std::span<const double> w, std::span<double> out) {
  add_weighted_columns(stream, x, w.data(), scratch(stream, slab_count(x.rows) * x.cols),
                       out.data());
}

}  // namespace bayesum::cuda
