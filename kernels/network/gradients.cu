#include "kernels/network/gradients.hpp"

#include <algorithm>

#include "kernels/network/check.hpp"
#include "kernels/network/cuda_rows.cuh"
#include "kernels/network/product.cuh"
#include "kernels/network/twins.hpp"

namespace bayesum::cuda {
namespace {

template <class T>
struct ElementTerm {
  MatrixView<const T> x;
  __device__ double operator()(std::size_t i, std::size_t j) const {
    return static_cast<double>(static_cast<float>(row_of(x, i)[j]));
  }
};

template <class T>
struct SquareTerm {
  MatrixView<const T> x;
  double scale;
  __device__ double operator()(std::size_t i, std::size_t j) const {
    const ElementTerm<T> element{x};
    return scale * element(i, j) * element(i, j);
  }
};

template <class T>
void sum_columns(const Stream& stream, MatrixView<const T> dy, std::span<float> out) {
  add_column_sums(stream, dy.rows, dy.cols, ElementTerm<T>{dy},
                  scratch(stream, slab_count(dy.rows) * dy.cols), out.data());
}

template <class T>
struct SquareRow {
  MatrixView<const T> x;
  float* out;
  template <class Team>
  __device__ void operator()(std::size_t r, const Team& team) const {
    const T* const row = row_of(x, r);
    for (std::size_t j = team.rank; j < x.cols; j += Team::size) {
      out[r * x.cols + j] = static_cast<float>(row[j]) * static_cast<float>(row[j]);
    }
  }
};

// Sums of squared gradients are products of squares, some rows at a time.
template <class T>
void add_squares(const Stream& stream, const SquaredGradients<T>& op) {
  constexpr std::size_t kRows = 4096;
  const std::size_t rows = std::min(kRows, op.x.rows), in = op.x.cols, out = op.dy.cols;
  const std::size_t partial_size = slab_count(op.x.rows) * out * sizeof(double);
  const std::size_t squares_size = kProductWorkspace + rows * (in + out) * sizeof(float);
  void* const workspace = stream.scratch(std::max(partial_size, squares_size));
  if (!op.bias.empty()) {
    add_column_sums(stream, op.dy.rows, out, SquareTerm<T>{op.dy, static_cast<double>(op.scale)},
                    static_cast<double*>(workspace), op.bias.data());
  }
  if (in == 0 || out == 0) return;
  float* const x = after_workspace(workspace);
  float* const dy = x + rows * in;
  for (std::size_t first = 0; first < op.x.rows; first += rows) {
    const std::size_t n = std::min(rows, op.x.rows - first);
    for_each_row(stream, n, in, SquareRow<T>{op.x.row_block(first, n), x});
    for_each_row(stream, n, out, SquareRow<T>{op.dy.row_block(first, n), dy});
    multiply(stream, Matmul{.transpose_a = Transpose::kYes, .alpha = op.scale, .beta = 1.0f},
             MatrixView<const float>(x, n, in), MatrixView<const float>(dy, n, out), op.weight,
             workspace);
  }
}

}  // namespace

void add_column_sums(const Stream& stream, MatrixView<const float> dy, std::span<float> out) {
  sum_columns(stream, dy, out);
}

void add_column_sums(const Stream& stream, MatrixView<const BFloat16> dy, std::span<float> out) {
  sum_columns(stream, dy, out);
}

void add_squared_gradients(const Stream& stream, const SquaredGradients<float>& op) {
  add_squares(stream, op);
}

void add_squared_gradients(const Stream& stream, const SquaredGradients<BFloat16>& op) {
  add_squares(stream, op);
}

}  // namespace bayesum::cuda
