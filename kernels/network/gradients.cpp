#include "kernels/network/gradients.hpp"

#include <algorithm>
#include <vector>

#include "kernels/buffer.hpp"
#include "kernels/network/check.hpp"
#include "kernels/network/matmul.hpp"
#include "kernels/network/simd.hpp"
#include "kernels/network/twins.hpp"

namespace bayesum {

namespace cpu {
namespace {

// The sums over a run of rows of f(element), column by column.
template <class T, class Function>
class ColumnSums {
 public:
  static constexpr std::size_t kRows = 16;

  ColumnSums(MatrixView<const T> x, Function function)
      : x_(x), function_(function), sums_(x.cols) {}

  void clear() { std::fill(sums_.begin(), sums_.end(), 0.0f); }
  void add(std::size_t block) {
    const std::size_t end = std::min(x_.rows, (block + 1) * kRows);
    for (std::size_t r = block * kRows; r < end; ++r) {
      const T* const row = row_of(x_, r);
      float* const sums = sums_.data();
      BAYESUM_SIMD()
      for (std::size_t j = 0; j < x_.cols; ++j) sums[j] += function_(static_cast<float>(row[j]));
    }
  }
  const std::vector<float>& sums() const { return sums_; }

 private:
  MatrixView<const T> x_;
  Function function_;
  std::vector<float> sums_;
};

template <class T, class Function>
void sum_columns(MatrixView<const T> x, float scale, std::span<float> out, Function function) {
  using Sums = ColumnSums<T, Function>;
  sum_in_lanes((x.rows + Sums::kRows - 1) / Sums::kRows, [&] { return Sums(x, function); },
               [&](const Sums& lane) {
                 for (std::size_t j = 0; j < x.cols; ++j) out[j] += scale * lane.sums()[j];
               });
}

template <class T>
void square_rows(MatrixView<const T> x, std::size_t first, std::size_t rows, float* out) {
  for_row_ranges(rows, x.cols, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      const T* const row = row_of(x, first + r);
      float* const to = out + r * x.cols;
      BAYESUM_SIMD()
      for (std::size_t j = 0; j < x.cols; ++j) {
        to[j] = static_cast<float>(row[j]) * static_cast<float>(row[j]);
      }
    }
  });
}

template <class T>
void add_squares(const Stream& stream, const SquaredGradients<T>& op) {
  constexpr std::size_t kRows = 4096;
  const std::size_t rows = std::min(kRows, op.x.rows), in = op.x.cols, out = op.dy.cols;
  Buffer<float> x(Device{}, rows * in), dy(Device{}, rows * out);
  for (std::size_t first = 0; first < op.x.rows; first += rows) {
    const std::size_t n = std::min(rows, op.x.rows - first);
    square_rows(op.x, first, n, x.data());
    square_rows(op.dy, first, n, dy.data());
    cpu::matmul(stream, Matmul{.transpose_a = Transpose::kYes, .alpha = op.scale, .beta = 1.0f},
                MatrixView<const float>(x.data(), n, in),
                MatrixView<const float>(dy.data(), n, out), op.weight);
  }
  if (!op.bias.empty()) {
    sum_columns(op.dy, op.scale, op.bias, [](float value) { return value * value; });
  }
}

}  // namespace

void add_column_sums(const Stream&, MatrixView<const float> dy, std::span<float> out) {
  sum_columns(dy, 1.0f, out, [](float value) { return value; });
}

void add_column_sums(const Stream&, MatrixView<const BFloat16> dy, std::span<float> out) {
  sum_columns(dy, 1.0f, out, [](float value) { return value; });
}

void add_squared_gradients(const Stream& stream, const SquaredGradients<float>& op) {
  add_squares(stream, op);
}

void add_squared_gradients(const Stream& stream, const SquaredGradients<BFloat16>& op) {
  add_squares(stream, op);
}

}  // namespace cpu

namespace {

template <class T>
void check_and_sum(const Stream& stream, MatrixView<const T> dy, std::span<float> out) {
  check_size("the gradient of a bias", out.size(), dy.cols);
  if (dy.rows != 0) BAYESUM_DISPATCH(stream, add_column_sums(stream, dy, out));
}

template <class T>
void check_and_add(const Stream& stream, const SquaredGradients<T>& op) {
  check_shape("the gradient of a layer's output", op.dy, op.x.rows, op.dy.cols);
  check_shape("the squared gradient of a weight", op.weight, op.x.cols, op.dy.cols);
  if (!op.bias.empty()) {
    check_size("the squared gradient of a bias", op.bias.size(), op.dy.cols);
  }
  if (op.x.rows != 0) BAYESUM_DISPATCH(stream, add_squared_gradients(stream, op));
}

}  // namespace

void add_column_sums(const Stream& stream, MatrixView<const float> dy, std::span<float> out) {
  check_and_sum(stream, dy, out);
}

void add_column_sums(const Stream& stream, MatrixView<const BFloat16> dy, std::span<float> out) {
  check_and_sum(stream, dy, out);
}

void add_squared_gradients(const Stream& stream, const SquaredGradients<float>& op) {
  check_and_add(stream, op);
}

void add_squared_gradients(const Stream& stream, const SquaredGradients<BFloat16>& op) {
  check_and_add(stream, op);
}

}  // namespace bayesum
