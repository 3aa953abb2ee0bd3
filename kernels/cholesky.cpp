#include "kernels/cholesky.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include <cblas.h>
#include <lapacke.h>

#include "kernels/blas.hpp"
#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "kernels/twins.hpp"

namespace bayesum {

namespace cpu {
namespace {

// LAPACK counts columns first: its upper triangle is our lower one.
constexpr char kOurLower = 'U';

void zero_strict_upper(MatrixView<double> a) {
  for (std::size_t i = 0; i < a.rows; ++i) {
    double* const row = a.data + i * a.stride;
    std::fill(row + i + 1, row + a.cols, 0.0);
  }
}

bool lower_is_finite(MatrixView<const double> a) {
  for (std::size_t i = 0; i < a.rows; ++i) {
    const double* const row = a.data + i * a.stride;
    if (!std::all_of(row, row + i + 1, [](double value) { return std::isfinite(value); })) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool cholesky(const Stream&, MatrixView<double> a) {
  const int info =
      LAPACKE_dpotrf(LAPACK_COL_MAJOR, kOurLower, blas_int(a.rows), a.data, blas_stride(a));
  zero_strict_upper(a);
  return info == 0 && lower_is_finite(a);
}

void solve_triangular(const Stream&, Triangle triangle, MatrixView<const double> l,
                      MatrixView<double> b) {
  constexpr std::size_t kRowBlock = 256;
  const int d = blas_int(l.rows), l_stride = blas_stride(l), b_stride = blas_stride(b);
  // L x = b for a column x is x' L' = b' for a row.
  const CBLAS_TRANSPOSE transpose = triangle == Triangle::kLower ? CblasTrans : CblasNoTrans;
  parallel_ranges(b.rows, kRowBlock, [&](std::size_t begin, std::size_t end) {
    cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, transpose, CblasNonUnit,
                static_cast<int>(end - begin), d, 1.0, l.data, l_stride, b.data + begin * b.stride,
                b_stride);
  });
}

void invert_triangular(const Stream&, MatrixView<const double> l, MatrixView<double> inverse) {
  for (std::size_t i = 0; i < l.rows; ++i) {
    std::copy_n(l.data + i * l.stride, i + 1, inverse.data + i * inverse.stride);
  }
  zero_strict_upper(inverse);
  const int info = LAPACKE_dtrtri(LAPACK_COL_MAJOR, kOurLower, 'N', blas_int(l.rows), inverse.data,
                                  blas_stride(inverse));
  if (info != 0) {
    throw Error(ExitCode::kNumerical, "a triangular matrix of " + std::to_string(l.rows) +
                                          " rows is singular or not finite: it has no inverse");
  }
}

double log_determinant(const Stream&, MatrixView<const double> l) {
  double sum = 0.0;
  for (std::size_t i = 0; i < l.rows; ++i) sum += std::log(l.data[i * l.stride + i]);
  return 2.0 * sum;
}

void unpack_symmetric(const Stream&, double scale, std::span<const double> packed,
                      MatrixView<double> dense) {
  parallel_for(dense.rows, [&](std::size_t i) {
    for (std::size_t j = 0; j < dense.cols; ++j) {
      dense.data[i * dense.stride + j] =
          scale * packed[packed_index(std::max(i, j), std::min(i, j))];
    }
  });
}

}  // namespace cpu

namespace {

void check_square(MatrixView<const double> a) {
  if (a.rows == a.cols) return;
  throw Error(ExitCode::kUsage, "a square matrix was needed, not one of " + std::to_string(a.rows) +
                                    " x " + std::to_string(a.cols));
}

void check_rows(MatrixView<const double> l, MatrixView<const double> b) {
  check_square(l);
  if (l.cols == b.cols) return;
  throw Error(ExitCode::kUsage, "rows of " + std::to_string(b.cols) +
                                    " elements cannot be solved with a triangle of " +
                                    std::to_string(l.cols));
}

}  // namespace

bool cholesky(const Stream& stream, MatrixView<double> a) {
  check_square(a);
  return a.rows == 0 || BAYESUM_DISPATCH(stream, cholesky(stream, a));
}

void solve_triangular(const Stream& stream, Triangle triangle, MatrixView<const double> l,
                      MatrixView<double> b) {
  check_rows(l, b);
  if (b.rows != 0 && b.cols != 0) {
    BAYESUM_DISPATCH(stream, solve_triangular(stream, triangle, l, b));
  }
}

void solve_cholesky(const Stream& stream, MatrixView<const double> l, MatrixView<double> b) {
  solve_triangular(stream, Triangle::kLower, l, b);
  solve_triangular(stream, Triangle::kLowerTransposed, l, b);
}

void invert_triangular(const Stream& stream, MatrixView<const double> l,
                       MatrixView<double> inverse) {
  check_square(l);
  if (inverse.rows != l.rows || inverse.cols != l.cols) {
    throw Error(ExitCode::kUsage, "the inverse of a triangle of " + std::to_string(l.rows) +
                                      " rows does not fit into " + std::to_string(inverse.rows) +
                                      " x " + std::to_string(inverse.cols));
  }
  if (l.rows != 0) BAYESUM_DISPATCH(stream, invert_triangular(stream, l, inverse));
}

double log_determinant(const Stream& stream, MatrixView<const double> l) {
  check_square(l);
  return l.rows == 0 ? 0.0 : BAYESUM_DISPATCH(stream, log_determinant(stream, l));
}

void unpack_symmetric(const Stream& stream, double scale, std::span<const double> packed,
                      MatrixView<double> dense) {
  check_square(dense);
  if (packed.size() != packed_size(dense.rows)) {
    throw Error(ExitCode::kUsage, "a packed triangle of " + std::to_string(packed.size()) +
                                      " elements does not fit a matrix of " +
                                      std::to_string(dense.rows) + " rows");
  }
  if (dense.rows != 0) BAYESUM_DISPATCH(stream, unpack_symmetric(stream, scale, packed, dense));
}

}  // namespace bayesum
