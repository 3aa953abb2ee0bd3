#include "kernels/glm_pass.hpp"

#include "kernels/blas.hpp"
#include "kernels/cuda_gram.cuh"
#include "kernels/cuda_launch.cuh"
#include "kernels/glm_likelihood.hpp"
#include "kernels/reduce_ops.hpp"
#include "kernels/twins.hpp"

namespace bayesum::cuda {
namespace {

struct Square {
  MatrixView<const double> x;
  __device__ double operator()(std::size_t i, std::size_t j) const {
    const double value = x.data[i * x.stride + j];
    return value * value;
  }
};

struct WeightedSquareOfColumn {
  Square square;
  const double* weight;
  __device__ double operator()(std::size_t i, std::size_t j) const {
    return weight[j] * square(i, j);
  }
};

struct WeightedSquareOfRow {
  Square square;
  const double* weight;
  __device__ double operator()(std::size_t i, std::size_t j) const {
    return weight[i] * square(i, j);
  }
};

// z becomes w E[l'], v becomes w E[l''].
template <class Loss>
struct TakeExpectations {
  Loss of_row;
  QuadratureRules rules;
  const double* y;
  const double* weight;
  double* z;
  double* v;
  double* loss;
  __device__ void operator()(std::size_t i) const {
    const double w = weight == nullptr ? 1.0 : weight[i];
    const GlmExpectation expectation =
        weighted(glm_expectation(of_row, y[i], z[i], v[i], rules), w);
    loss[i] = expectation.loss;
    z[i] = expectation.gradient;
    v[i] = expectation.curvature;
  }
};

const double* at(std::span<const double> values, std::size_t index) {
  return values.empty() ? nullptr : values.data() + index;
}

bool wants_full_curvature(const GlmPass& pass) {
  return !pass.curvature.empty() && pass.curvature.size() == packed_size(pass.x.cols);
}

// Rows, and the memory in which they are worked on: `mapped` holds rows x cols.
struct Chunk {
  MatrixView<const double> x;
  std::size_t first;
  double* mapped;

  Chunk(const GlmPass& pass, std::size_t begin, double* workplace)
      : x(pass.x.row_block(begin,
                           std::min(gram_rows(pass.x.rows, pass.x.cols), pass.x.rows - begin))),
        first(begin),
        mapped(workplace) {}
};

bool needs_mapped(const GlmPass& pass) {
  return pass.inverse_factor.data != nullptr || wants_full_curvature(pass);
}

void predict_mean(const Stream& stream, const GlmPass& pass, const Chunk& chunk, double* z) {
  const std::size_t bytes = chunk.x.rows * sizeof(double);
  if (pass.offset.empty()) {
    check(cudaMemsetAsync(z, 0, bytes, queue(stream)));
  } else {
    check(cudaMemcpyAsync(z, at(pass.offset, chunk.first), bytes, cudaMemcpyDeviceToDevice,
                          queue(stream)));
  }
  if (chunk.x.cols != 0) cuda::gemv(stream, 1.0, chunk.x, pass.mean, 1.0, {z, chunk.x.rows});
}

// x' Sigma x: |L^-1 x|^2, a sum over the diagonal, or nothing.
void predict_variance(const Stream& stream, const GlmPass& pass, const Chunk& chunk, double* v) {
  const std::size_t n = chunk.x.rows, d = chunk.x.cols;
  if (d != 0 && pass.inverse_factor.data != nullptr) {
    const double one = 1.0;
    check(cublasDtrmm(blas(stream), CUBLAS_SIDE_LEFT, CUBLAS_FILL_MODE_UPPER, CUBLAS_OP_T,
                      CUBLAS_DIAG_NON_UNIT, blas_int(d), blas_int(n), &one,
                      pass.inverse_factor.data, blas_stride(pass.inverse_factor), chunk.x.data,
                      blas_stride(chunk.x), chunk.mapped, blas_int(d)));
    row_sums(stream, n, d, Square{{chunk.mapped, n, d}}, v);
  } else if (!pass.variance.empty()) {
    row_sums(stream, n, d, WeightedSquareOfColumn{{chunk.x}, pass.variance.data()}, v);
  } else {
    check(cudaMemsetAsync(v, 0, n * sizeof(double), queue(stream)));
  }
}

template <class Loss>
void take_expectations(const Stream& stream, const GlmPass& pass, const Loss& of_row,
                       const Chunk& chunk, double* z, double* v, double* loss) {
  for_each(stream, chunk.x.rows,
           TakeExpectations<Loss>{of_row, quadrature_rules(), at(pass.y, chunk.first),
                                  at(pass.weight, chunk.first), z, v, loss});
}

// What the whole pass works in, cut from the scratch memory of the stream.
struct Workplace {
  double *z, *v, *loss, *partial, *dense, *mapped;

  Workplace(const Stream& stream, const GlmPass& pass) {
    const std::size_t d = pass.x.cols, rows = gram_rows(pass.x.rows, d);
    const std::size_t sums = std::max(slab_count(rows) * d, reduce_scratch(rows));
    const std::size_t dense_size = wants_full_curvature(pass) ? d * d : 0;
    const std::size_t mapped_size = needs_mapped(pass) ? rows * d : 0;
    z = scratch(stream, 3 * rows + sums + dense_size + mapped_size);
    v = z + rows;
    loss = v + rows;
    partial = loss + rows;
    dense = partial + sums;
    mapped = dense + dense_size;
    check(cudaMemsetAsync(dense, 0, dense_size * sizeof(double), queue(stream)));
  }
};

void add_sums(const Stream& stream, const GlmPass& pass, const Chunk& chunk,
              const Workplace& work) {
  const std::size_t n = chunk.x.rows, d = chunk.x.cols;
  if (pass.loss != nullptr) {
    const double* const sum =
        reduce_on_device(stream, n, LoadValue{work.loss}, Plus{}, work.partial);
    for_each(stream, 1, AddScaled{1.0, sum, pass.loss});
  }
  if (!pass.gradient.empty()) {
    add_weighted_columns(stream, chunk.x, work.z, work.partial, pass.gradient.data());
  }
  if (wants_full_curvature(pass)) {
    add_gram(stream, chunk.x, work.v, work.mapped, work.dense);
  } else if (!pass.curvature.empty()) {
    add_column_sums(stream, n, d, WeightedSquareOfRow{{chunk.x}, work.v}, work.partial,
                    pass.curvature.data());
  }
}

}  // namespace

void glm_pass(const Stream& stream, const GlmPass& pass) {
  const Workplace work(stream, pass);
  for (std::size_t begin = 0; begin < pass.x.rows;) {
    const Chunk chunk(pass, begin, work.mapped);
    predict_mean(stream, pass, chunk, work.z);
    predict_variance(stream, pass, chunk, work.v);
    with_loss(pass.likelihood, pass.dispersion, [&](const auto& of_row) {
      take_expectations(stream, pass, of_row, chunk, work.z, work.v, work.loss);
    });
    add_sums(stream, pass, chunk, work);
    begin += chunk.x.rows;
  }
  if (wants_full_curvature(pass)) add_packed(stream, work.dense, pass.x.cols, pass.curvature);
}

void linear_predictor(const Stream& stream, const GlmPass& pass, std::span<double> mean_z,
                      std::span<double> variance_z) {
  const std::size_t d = pass.x.cols, rows = gram_rows(pass.x.rows, d);
  double* const mapped = pass.inverse_factor.data == nullptr ? nullptr : scratch(stream, rows * d);
  for (std::size_t begin = 0; begin < pass.x.rows;) {
    const Chunk chunk(pass, begin, mapped);
    predict_mean(stream, pass, chunk, mean_z.data() + begin);
    predict_variance(stream, pass, chunk, variance_z.data() + begin);
    begin += chunk.x.rows;
  }
}

}  // namespace bayesum::cuda
