#include "kernels/gemm.hpp"

#include "kernels/blas.hpp"
#include "kernels/cuda_launch.cuh"
#include "kernels/twins.hpp"

// cuBLAS counts columns first: what it sees of a row-major matrix is the transposed one. So it is
// asked for C' = op(B)' op(A)'.
namespace bayesum::cuda {
namespace {

cublasOperation_t operation(Transpose transpose) {
  return transpose == Transpose::kYes ? CUBLAS_OP_T : CUBLAS_OP_N;
}

template <class T>
int inner_size(const Gemm& op, const MatrixView<const T>& a) {
  return blas_int(op.transpose_a == Transpose::kYes ? a.rows : a.cols);
}

}  // namespace

void gemm(const Stream& stream, const Gemm& op, MatrixView<const double> a,
          MatrixView<const double> b, MatrixView<double> c) {
  check(cublasDgemm(blas(stream), operation(op.transpose_b), operation(op.transpose_a),
                    blas_int(c.cols), blas_int(c.rows), inner_size(op, a), &op.alpha, b.data,
                    blas_stride(b), a.data, blas_stride(a), &op.beta, c.data, blas_stride(c)));
}

void gemm(const Stream& stream, const Gemm& op, MatrixView<const float> a,
          MatrixView<const float> b, MatrixView<float> c) {
  const auto alpha = static_cast<float>(op.alpha), beta = static_cast<float>(op.beta);
  check(cublasSgemm(blas(stream), operation(op.transpose_b), operation(op.transpose_a),
                    blas_int(c.cols), blas_int(c.rows), inner_size(op, a), &alpha, b.data,
                    blas_stride(b), a.data, blas_stride(a), &beta, c.data, blas_stride(c)));
}

void gemv(const Stream& stream, double alpha, MatrixView<const double> a, std::span<const double> x,
          double beta, std::span<double> y) {
  check(cublasDgemv(blas(stream), CUBLAS_OP_T, blas_int(a.cols), blas_int(a.rows), &alpha, a.data,
                    blas_stride(a), x.data(), 1, &beta, y.data(), 1));
}

}  // namespace bayesum::cuda
