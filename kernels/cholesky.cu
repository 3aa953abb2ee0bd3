#include "kernels/cholesky.hpp"

#include "kernels/blas.hpp"
#include "kernels/cuda_launch.cuh"
#include "kernels/reduce_ops.hpp"
#include "kernels/twins.hpp"

// cuBLAS and cuSOLVER count columns first: their upper triangle is our lower one, transposed.
namespace bayesum::cuda {
namespace {

constexpr cublasFillMode_t kOurLower = CUBLAS_FILL_MODE_UPPER;

// Zeroes the strict upper triangle; *bad = 1 if an element below is not finite.
struct FinishFactor {
  MatrixView<double> a;
  int* bad;
  __device__ void operator()(std::size_t element) const {
    const std::size_t i = element / a.cols, j = element % a.cols;
    double& value = a.data[i * a.stride + j];
    if (j > i) {
      value = 0.0;
    } else if (!isfinite(value)) {
      *bad = 1;
    }
  }
};

struct SetIdentity {
  MatrixView<double> a;
  __device__ void operator()(std::size_t element) const {
    const std::size_t i = element / a.cols, j = element % a.cols;
    a.data[i * a.stride + j] = i == j ? 1.0 : 0.0;
  }
};

struct LoadLogDiagonal {
  MatrixView<const double> l;
  __device__ double operator()(std::size_t i) const { return log(l.data[i * l.stride + i]); }
};

struct Unpack {
  double scale;
  const double* packed;
  MatrixView<double> dense;
  __device__ void operator()(std::size_t element) const {
    const std::size_t i = element / dense.cols, j = element % dense.cols;
    const std::size_t row = i > j ? i : j, col = i > j ? j : i;
    dense.data[i * dense.stride + j] = scale * packed[row * (row + 1) / 2 + col];
  }
};

}  // namespace

bool cholesky(const Stream& stream, MatrixView<double> a) {
  const int d = blas_int(a.rows), stride = blas_stride(a);
  int work_size = 0;
  check(cusolverDnDpotrf_bufferSize(solver(stream), kOurLower, d, a.data, stride, &work_size));
  double* const work = scratch(stream, static_cast<std::size_t>(work_size) + 1);
  int* const flags = reinterpret_cast<int*>(work + work_size);  // cuSOLVER's info, not finite
  check(cudaMemsetAsync(flags, 0, 2 * sizeof(int), queue(stream)));
  check(cusolverDnDpotrf(solver(stream), kOurLower, d, a.data, stride, work, work_size, flags));
  for_each(stream, a.rows * a.cols, FinishFactor{a, flags + 1});
  int host[2] = {};
  check(cudaMemcpyAsync(host, flags, sizeof host, cudaMemcpyDeviceToHost, queue(stream)));
  stream.synchronize();
  return host[0] == 0 && host[1] == 0;
}

void solve_triangular(const Stream& stream, Triangle triangle, MatrixView<const double> l,
                      MatrixView<double> b) {
  const double one = 1.0;
  check(cublasDtrsm(blas(stream), CUBLAS_SIDE_LEFT, kOurLower,
                    triangle == Triangle::kLower ? CUBLAS_OP_T : CUBLAS_OP_N, CUBLAS_DIAG_NON_UNIT,
                    blas_int(l.rows), blas_int(b.rows), &one, l.data, blas_stride(l), b.data,
                    blas_stride(b)));
}

void invert_triangular(const Stream& stream, MatrixView<const double> l,
                       MatrixView<double> inverse) {
  const double one = 1.0;
  const int d = blas_int(l.rows);
  for_each(stream, inverse.rows * inverse.cols, SetIdentity{inverse});
  check(cublasDtrsm(blas(stream), CUBLAS_SIDE_RIGHT, kOurLower, CUBLAS_OP_N, CUBLAS_DIAG_NON_UNIT,
                    d, d, &one, l.data, blas_stride(l), inverse.data, blas_stride(inverse)));
}

double log_determinant(const Stream& stream, MatrixView<const double> l) {
  double* const partial = scratch(stream, reduce_scratch(l.rows));
  return 2.0 *
         to_host(stream, reduce_on_device(stream, l.rows, LoadLogDiagonal{l}, Plus{}, partial));
}

void unpack_symmetric(const Stream& stream, double scale, std::span<const double> packed,
                      MatrixView<double> dense) {
  for_each(stream, dense.rows * dense.cols, Unpack{scale, packed.data(), dense});
}

}  // namespace bayesum::cuda
