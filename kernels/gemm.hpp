#pragma once

#include <span>

#include "kernels/matrix.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

enum class Transpose { kNo, kYes };

// C = alpha op(A) op(B) + beta C, row-major. Shapes: op(A) m x k, op(B) k x n, C m x n.
// Throws Error(kUsage) when they do not fit. Rows of C are cut into fixed blocks, each computed by
// one thread: the same bits for any number of threads.
struct Gemm {
  Transpose transpose_a = Transpose::kNo;
  Transpose transpose_b = Transpose::kNo;
  double alpha = 1.0;
  double beta = 0.0;
};
void gemm(const Stream& stream, const Gemm& op, MatrixView<const double> a,
          MatrixView<const double> b, MatrixView<double> c);
void gemm(const Stream& stream, const Gemm& op, MatrixView<const float> a,
          MatrixView<const float> b, MatrixView<float> c);

// y = alpha A x + beta y, A m x n.
void gemv(const Stream& stream, double alpha, MatrixView<const double> a, std::span<const double> x,
          double beta, std::span<double> y);

}  // namespace bayesum
