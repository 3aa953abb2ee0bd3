#include "kernels/network/product.cuh"

#include <cublasLt.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>

#include "kernels/blas.hpp"
#include "kernels/network/check.hpp"
#include "kernels/network/cuda_rows.cuh"

// cuBLASLt is told of row-major matrices as the transposed column-major ones, which are the same
// memory, and asked for C' = op(B)' op(A)': its first factor is our second. A bias of columns of C
// is then its bias of rows.
//
// Sums are of float32: CUBLAS_COMPUTE_32F. Rounding the factors to TF32 would be
// CUBLAS_COMPUTE_32F_FAST_TF32 in kCompute, faster for float and not the arithmetic of the CPU.
namespace bayesum::cuda {
namespace {

constexpr cublasComputeType_t kCompute = CUBLAS_COMPUTE_32F;

template <class T>
constexpr cudaDataType_t kType = CUDA_R_32F;
template <>
constexpr cudaDataType_t kType<BFloat16> = CUDA_R_16BF;

// The largest power of two, up to what cudaMalloc gives, that an address is a multiple of.
std::uint32_t alignment_of(const void* data) {
  constexpr std::uintptr_t kMost = 256;
  const std::uintptr_t bits = reinterpret_cast<std::uintptr_t>(data) | kMost;
  return static_cast<std::uint32_t>(bits & (~bits + 1));
}

// Results, and a bias that is read in pieces as wide as theirs.
template <class C>
std::uint32_t alignment_of_result(const MatrixView<C>& c, std::span<const float> bias) {
  return bias.empty() ? alignment_of(c.data)
                      : std::min(alignment_of(c.data), alignment_of(bias.data()));
}

cublasOperation_t operation(Transpose transpose) {
  return transpose == Transpose::kYes ? CUBLAS_OP_T : CUBLAS_OP_N;
}

template <class T, class C>
struct Product {
  Matmul op;
  MatrixView<const T> a, b;
  MatrixView<C> c;

  std::size_t inner() const { return op.transpose_a == Transpose::kYes ? a.rows : a.cols; }
};

// What an algorithm is chosen by.
using Key = std::array<std::size_t, 15>;

template <class T, class C>
Key key_of(const Stream& stream, const Product<T, C>& p) {
  return {static_cast<std::size_t>(stream.device().index),
          static_cast<std::size_t>(kType<T>),
          static_cast<std::size_t>(kType<C>),
          static_cast<std::size_t>(p.op.transpose_a),
          static_cast<std::size_t>(p.op.transpose_b),
          p.c.rows,
          p.c.cols,
          p.inner(),
          p.a.stride,
          p.b.stride,
          p.c.stride,
          std::size_t{p.op.bias.empty()},
          alignment_of(p.a.data),
          alignment_of(p.b.data),
          alignment_of_result(p.c, p.op.bias)};
}

// A product as cuBLASLt describes it, in memory of our own, and the algorithm that its heuristics
// put first.
struct Plan {
  cublasLtMatmulDescOpaque_t product;
  cublasLtMatrixLayoutOpaque_t first, second, result;
  cublasLtMatmulAlgo_t algorithm;
  bool found = false;

  template <class T, class C>
  void make(const Stream& stream, const Product<T, C>& p);

 private:
  template <class Value>
  void set(cublasLtMatmulDescAttributes_t attribute, const Value& value) {
    check(cublasLtMatmulDescSetAttribute(&product, attribute, &value, sizeof value));
  }
  template <class T>
  static void describe(cublasLtMatrixLayoutOpaque_t& layout, const MatrixView<T>& matrix,
                       cudaDataType_t type) {
    check(cublasLtMatrixLayoutInit(&layout, type, matrix.cols, matrix.rows, blas_stride(matrix)));
  }
};

// Sums may be cut into parts and the parts added in float32, in a fixed order: never in the type of
// the result, which would round more than once.
template <class T, class C>
void Plan::make(const Stream& stream, const Product<T, C>& p) {
  check(cublasLtMatmulDescInit(&product, kCompute, CUDA_R_32F));
  set(CUBLASLT_MATMUL_DESC_TRANSA, operation(p.op.transpose_b));
  set(CUBLASLT_MATMUL_DESC_TRANSB, operation(p.op.transpose_a));
  set(CUBLASLT_MATMUL_DESC_EPILOGUE,
      p.op.bias.empty() ? CUBLASLT_EPILOGUE_DEFAULT : CUBLASLT_EPILOGUE_BIAS);
  if (!p.op.bias.empty()) set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, p.op.bias.data());
  describe(first, p.b, kType<T>);
  describe(second, p.a, kType<T>);
  describe(result, p.c, kType<C>);
  cublasLtMatmulPreferenceOpaque_t preference;
  check(cublasLtMatmulPreferenceInit(&preference));
  const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
    check(cublasLtMatmulPreferenceSetAttribute(&preference, attribute, &value, sizeof value));
  };
  prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{kProductWorkspace});
  prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
         static_cast<std::uint32_t>(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment_of(p.b.data));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment_of(p.a.data));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment_of_result(p.c, p.op.bias));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment_of_result(p.c, p.op.bias));
  cublasLtMatmulHeuristicResult_t best;
  int count = 0;
  const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
      reinterpret_cast<cublasLtHandle_t>(blas(stream)), &product, &first, &second, &result, &result,
      &preference, 1, &best, &count);
  if (status != CUBLAS_STATUS_NOT_SUPPORTED) check(status);
  found = status == CUBLAS_STATUS_SUCCESS && count > 0;
  if (found) algorithm = best.algo;
}

template <class T, class C>
Plan& plan_of(const Stream& stream, const Product<T, C>& p) {
  constexpr std::size_t kKept = 4096;
  thread_local std::map<Key, Plan> kept;
  if (kept.size() == kKept) kept.clear();
  const auto [place, is_new] = kept.try_emplace(key_of(stream, p));
  if (is_new) place->second.make(stream, p);
  return place->second;
}

// C = beta C + 1 bias'
template <class C>
struct BlendBias {
  float beta;
  const float* bias;  // or null
  MatrixView<C> c;
  template <class Team>
  __device__ void operator()(std::size_t i, const Team& team) const {
    C* const row = row_of(c, i);
    for (std::size_t j = team.rank; j < c.cols; j += Team::size) {
      const float before = beta == 0.0f ? 0.0f : beta * static_cast<float>(row[j]);
      store(row[j], before + (bias == nullptr ? 0.0f : bias[j]));
    }
  }
};

template <class C>
void blend_bias(const Stream& stream, float beta, std::span<const float> bias, MatrixView<C> c) {
  for_each_row(stream, c.rows, c.cols, BlendBias<C>{beta, bias.empty() ? nullptr : bias.data(), c});
}

// cuBLAS takes every stride and address; cuBLASLt may have nothing for odd ones. Its parts of sums
// are of float32, too.
template <class T, class C>
void multiply_by_cublas(const Stream& stream, const Product<T, C>& p) {
  const Matmul& op = p.op;
  check(cublasSetMathMode(blas(stream), CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION));
  check(cublasGemmEx(blas(stream), operation(op.transpose_b), operation(op.transpose_a),
                     blas_int(p.c.cols), blas_int(p.c.rows), blas_int(p.inner()), &op.alpha,
                     p.b.data, kType<T>, blas_stride(p.b), p.a.data, kType<T>, blas_stride(p.a),
                     &op.beta, p.c.data, kType<C>, blas_stride(p.c), kCompute,
                     CUBLAS_GEMM_DEFAULT));
  if (!op.bias.empty()) blend_bias(stream, 1.0f, op.bias, p.c);
}

template <class T, class C>
void run(const Stream& stream, const Product<T, C>& p, void* workspace) {
  if (p.inner() == 0) return blend_bias(stream, p.op.beta, p.op.bias, p.c);
  Plan& plan = plan_of(stream, p);
  if (!plan.found) return multiply_by_cublas(stream, p);
  if (!p.op.bias.empty()) {
    const float* const bias = p.op.bias.data();
    check(cublasLtMatmulDescSetAttribute(&plan.product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias,
                                         sizeof bias));
  }
  check(cublasLtMatmul(reinterpret_cast<cublasLtHandle_t>(blas(stream)), &plan.product, &p.op.alpha,
                       p.b.data, &plan.first, p.a.data, &plan.second, &p.op.beta, p.c.data,
                       &plan.result, p.c.data, &plan.result, &plan.algorithm, workspace,
                       kProductWorkspace, queue(stream)));
}

}  // namespace

void multiply(const Stream& stream, const Matmul& op, MatrixView<const float> a,
              MatrixView<const float> b, MatrixView<float> c, void* workspace) {
  run(stream, Product<float, float>{op, a, b, c}, workspace);
}

void multiply(const Stream& stream, const Matmul& op, MatrixView<const BFloat16> a,
              MatrixView<const BFloat16> b, MatrixView<float> c, void* workspace) {
  run(stream, Product<BFloat16, float>{op, a, b, c}, workspace);
}

void multiply(const Stream& stream, const Matmul& op, MatrixView<const BFloat16> a,
              MatrixView<const BFloat16> b, MatrixView<BFloat16> c, void* workspace) {
  run(stream, Product<BFloat16, BFloat16>{op, a, b, c}, workspace);
}

}  // namespace bayesum::cuda
