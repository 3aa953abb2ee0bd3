#include "kernels/network/matmul.hpp"

#include <algorithm>

#include "kernels/network/check.hpp"
#include "kernels/network/cuda_rows.cuh"
#include "kernels/network/math.hpp"
#include "kernels/network/product.cuh"
#include "kernels/network/twins.hpp"

// cuBLASLt adds a float32 bias to a float32 result as it is promised here. Its other epilogues do
// not fit: a BFloat16 result takes a BFloat16 bias only, and GELU is taken of what was not yet
// rounded. So those are kernels over float32 sums, made of so many rows at a time that the sums are
// read back from the second cache.
namespace bayesum::cuda {
namespace {

constexpr std::size_t kSums = std::size_t{1} << 23;

template <class Finish>
struct FinishRow {
  const float* sums;
  std::size_t first, cols;
  Finish finish;
  template <class Team>
  __device__ void operator()(std::size_t r, const Team& team) const {
    for (std::size_t j = team.rank; j < cols; j += Team::size) {
      finish(sums[r * cols + j], first + r, j);
    }
  }
};

// finish(sum, i, j) for every element of alpha op(A) op(B), m x n.
template <class T, class Finish>
void through_sums(const Stream& stream, const Matmul& op, MatrixView<const T> a,
                  MatrixView<const T> b, std::size_t m, std::size_t n, const Finish& finish) {
  constexpr std::size_t kTile = 128;
  const std::size_t rows = std::min(m, std::max(kTile, kSums / n / kTile * kTile));
  void* const workspace = stream.scratch(kProductWorkspace + rows * n * sizeof(float));
  float* const sums = after_workspace(workspace);
  const Matmul plain{op.transpose_a, op.transpose_b, op.alpha};
  for (std::size_t first = 0; first < m; first += rows) {
    const std::size_t count = std::min(rows, m - first);
    const MatrixView<const T> part =
        op.transpose_a == Transpose::kYes
            ? MatrixView<const T>(a.data + first, a.rows, count, a.stride)
            : a.row_block(first, count);
    multiply(stream, plain, part, b, MatrixView<float>(sums, count, n), workspace);
    for_each_row(stream, count, n, FinishRow<Finish>{sums, first, n, finish});
  }
}

const float* pointer_or_null(std::span<const float> x) { return x.empty() ? nullptr : x.data(); }

struct Biased {
  const float* bias;  // or null
  __device__ float operator()(float sum, std::size_t j) const {
    return bias == nullptr ? sum : sum + bias[j];
  }
};

struct StoreBlended {
  float beta;
  Biased biased;
  MatrixView<BFloat16> c;
  __device__ void operator()(float sum, std::size_t i, std::size_t j) const {
    BFloat16& out = row_of(c, i)[j];
    if (beta != 0.0f) sum += beta * static_cast<float>(out);
    store(out, biased(sum, j));
  }
};

template <class T>
struct StoreGelu {
  Biased biased;
  MatrixView<T> pre, y;
  __device__ void operator()(float sum, std::size_t i, std::size_t j) const {
    T& x = row_of(pre, i)[j];
    store(x, biased(sum, j));
    store(row_of(y, i)[j], Gelu::value(x));
  }
};

template <class T>
struct StoreTimesSlope {
  MatrixView<const T> pre;
  MatrixView<T> dpre;
  __device__ void operator()(float sum, std::size_t i, std::size_t j) const {
    store(row_of(dpre, i)[j], sum * Gelu::slope(row_of(pre, i)[j]));
  }
};

template <class T>
void multiply_gelu(const Stream& stream, const Matmul& op, MatrixView<const T> a,
                   MatrixView<const T> b, MatrixView<T> pre, MatrixView<T> y) {
  through_sums(stream, op, a, b, pre.rows, pre.cols,
               StoreGelu<T>{{pointer_or_null(op.bias)}, pre, y});
}

template <class T>
void multiply_gelu_backward(const Stream& stream, const Matmul& op, MatrixView<const T> a,
                            MatrixView<const T> b, MatrixView<const T> pre, MatrixView<T> dpre) {
  through_sums(stream, op, a, b, dpre.rows, dpre.cols, StoreTimesSlope<T>{pre, dpre});
}

}  // namespace

void matmul(const Stream& stream, const Matmul& op, MatrixView<const float> a,
            MatrixView<const float> b, MatrixView<float> c) {
  multiply(stream, op, a, b, c, stream.scratch(kProductWorkspace));
}

void matmul(const Stream& stream, const Matmul& op, MatrixView<const BFloat16> a,
            MatrixView<const BFloat16> b, MatrixView<float> c) {
  multiply(stream, op, a, b, c, stream.scratch(kProductWorkspace));
}

void matmul(const Stream& stream, const Matmul& op, MatrixView<const BFloat16> a,
            MatrixView<const BFloat16> b, MatrixView<BFloat16> c) {
  if (op.bias.empty()) {
    multiply(stream, op, a, b, c, stream.scratch(kProductWorkspace));
  } else {
    through_sums(stream, op, a, b, c.rows, c.cols, StoreBlended{op.beta, {op.bias.data()}, c});
  }
}

void matmul_gelu(const Stream& stream, const Matmul& op, MatrixView<const float> a,
                 MatrixView<const float> b, MatrixView<float> pre, MatrixView<float> y) {
  multiply_gelu(stream, op, a, b, pre, y);
}

void matmul_gelu(const Stream& stream, const Matmul& op, MatrixView<const BFloat16> a,
                 MatrixView<const BFloat16> b, MatrixView<BFloat16> pre, MatrixView<BFloat16> y) {
  multiply_gelu(stream, op, a, b, pre, y);
}

void matmul_gelu_backward(const Stream& stream, const Matmul& op, MatrixView<const float> a,
                          MatrixView<const float> b, MatrixView<const float> pre,
                          MatrixView<float> dpre) {
  multiply_gelu_backward(stream, op, a, b, pre, dpre);
}

void matmul_gelu_backward(const Stream& stream, const Matmul& op, MatrixView<const BFloat16> a,
                          MatrixView<const BFloat16> b, MatrixView<const BFloat16> pre,
                          MatrixView<BFloat16> dpre) {
  multiply_gelu_backward(stream, op, a, b, pre, dpre);
}

}  // namespace bayesum::cuda
