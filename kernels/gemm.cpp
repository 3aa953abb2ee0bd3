#include "kernels/gemm.hpp"

#include <string>
#include <utility>

#include <cblas.h>

#include "kernels/blas.hpp"
#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "kernels/twins.hpp"

namespace bayesum {

namespace cpu {
namespace {

constexpr std::size_t kRowBlock = 256;

void call_gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, double alpha,
               const double* a, int lda, const double* b, int ldb, double beta, double* c,
               int ldc) {
  cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void call_gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, double alpha,
               const float* a, int lda, const float* b, int ldb, double beta, float* c, int ldc) {
  cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, static_cast<float>(alpha), a, lda, b, ldb,
              static_cast<float>(beta), c, ldc);
}

template <class T>
void gemm_in_row_blocks(const Gemm& op, MatrixView<const T> a, MatrixView<const T> b,
                        MatrixView<T> c) {
  const bool a_transposed = op.transpose_a == Transpose::kYes;
  const int k = blas_int(a_transposed ? a.rows : a.cols);
  const int n = blas_int(c.cols);
  const int lda = blas_stride(a), ldb = blas_stride(b), ldc = blas_stride(c);
  const CBLAS_TRANSPOSE ta = a_transposed ? CblasTrans : CblasNoTrans;
  const CBLAS_TRANSPOSE tb = op.transpose_b == Transpose::kYes ? CblasTrans : CblasNoTrans;
  parallel_ranges(c.rows, kRowBlock, [&](std::size_t begin, std::size_t end) {
    const T* const a_block = a.data + (a_transposed ? begin : begin * a.stride);
    call_gemm(ta, tb, static_cast<int>(end - begin), n, k, op.alpha, a_block, lda, b.data, ldb,
              op.beta, c.data + begin * c.stride, ldc);
  });
}

}  // namespace

void gemm(const Stream&, const Gemm& op, MatrixView<const double> a, MatrixView<const double> b,
          MatrixView<double> c) {
  gemm_in_row_blocks(op, a, b, c);
}

void gemm(const Stream&, const Gemm& op, MatrixView<const float> a, MatrixView<const float> b,
          MatrixView<float> c) {
  gemm_in_row_blocks(op, a, b, c);
}

void gemv(const Stream&, double alpha, MatrixView<const double> a, std::span<const double> x,
          double beta, std::span<double> y) {
  const int n = blas_int(a.cols), stride = blas_stride(a);
  parallel_ranges(a.rows, kRowBlock, [&](std::size_t begin, std::size_t end) {
    cblas_dgemv(CblasRowMajor, CblasNoTrans, static_cast<int>(end - begin), n, alpha,
                a.data + begin * a.stride, stride, x.data(), 1, beta, y.data() + begin, 1);
  });
}

}  // namespace cpu

namespace {

template <class T>
std::string shape(const MatrixView<T>& matrix) {
  return std::to_string(matrix.rows) + " x " + std::to_string(matrix.cols);
}

// False when there is nothing to compute.
template <class T>
bool check_gemm(const Gemm& op, MatrixView<const T> a, MatrixView<const T> b, MatrixView<T> c) {
  if (op.transpose_a == Transpose::kYes) std::swap(a.rows, a.cols);
  if (op.transpose_b == Transpose::kYes) std::swap(b.rows, b.cols);
  if (a.rows != c.rows || b.cols != c.cols || a.cols != b.rows) {
    throw Error(ExitCode::kUsage, "a product of matrices " + shape(a) + " and " + shape(b) +
                                      " does not fit into " + shape(c));
  }
  return c.rows != 0 && c.cols != 0;
}

}  // namespace

void gemm(const Stream& stream, const Gemm& op, MatrixView<const double> a,
          MatrixView<const double> b, MatrixView<double> c) {
  if (check_gemm(op, a, b, c)) BAYESUM_DISPATCH(stream, gemm(stream, op, a, b, c));
}

void gemm(const Stream& stream, const Gemm& op, MatrixView<const float> a,
          MatrixView<const float> b, MatrixView<float> c) {
  if (check_gemm(op, a, b, c)) BAYESUM_DISPATCH(stream, gemm(stream, op, a, b, c));
}

void gemv(const Stream& stream, double alpha, MatrixView<const double> a, std::span<const double> x,
          double beta, std::span<double> y) {
  if (a.rows != y.size() || a.cols != x.size()) {
    throw Error(ExitCode::kUsage, "a product of a matrix " + shape(a) + " and a vector of " +
                                      std::to_string(x.size()) + " does not fit into " +
                                      std::to_string(y.size()));
  }
  if (a.cols == 0) {  // a BLAS would leave y alone
    const MatrixView<double> column(y.data(), y.size(), 1);
    return gemm(stream, {.alpha = alpha, .beta = beta}, a, {x.data(), 0, 1}, column);
  }
  if (a.rows != 0) BAYESUM_DISPATCH(stream, gemv(stream, alpha, a, x, beta, y));
}

}  // namespace bayesum
