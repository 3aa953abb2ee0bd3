#pragma once

#include <span>

#include "kernels/bfloat16.hpp"
#include "kernels/gemm.hpp"
#include "kernels/matrix.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

// The matrix products of a network, row-major:
//
//   C = alpha op(A) op(B) + beta C + 1 bias'      op(A) m x k, op(B) k x n, C m x n, bias n or
//   empty
//
// With weights [in, out] as in Hugging Face's GPT-2 Conv1D, a linear layer and its backward pass
// are
//   Y = X W + 1 b'        matmul({.bias = b}, x, w, y)
//   dX = dY W'            matmul({.transpose_b = kYes}, dy, w, dx)
//   dW += X' dY           matmul({.transpose_a = kYes, .beta = 1}, x, dy, dw)
//   logits = X E'         matmul({.transpose_b = kYes}, x, token_table, logits)
// BFloat16 is multiplied and summed in float32 and rounded once, where C is BFloat16. C must not
// overlap A or B. With beta 0 what C held does not matter. C is cut into tiles by its shape alone
// and each tile is computed by one thread: the same bits for any number of threads.
// Throws Error(kUsage) when shapes do not fit.
struct Matmul {
  Transpose transpose_a = Transpose::kNo;
  Transpose transpose_b = Transpose::kNo;
  float alpha = 1.0f;
  float beta = 0.0f;
  std::span<const float> bias{};
};
void matmul(const Stream& stream, const Matmul& op, MatrixView<const float> a,
            MatrixView<const float> b, MatrixView<float> c);
void matmul(const Stream& stream, const Matmul& op, MatrixView<const BFloat16> a,
            MatrixView<const BFloat16> b, MatrixView<float> c);
void matmul(const Stream& stream, const Matmul& op, MatrixView<const BFloat16> a,
            MatrixView<const BFloat16> b, MatrixView<BFloat16> c);

// The same with GELU (kernels/network/activation.hpp) behind it: pre = alpha op(A) op(B) + 1 bias',
// y = gelu(pre), of the rounded pre. beta is 0.
void matmul_gelu(const Stream& stream, const Matmul& op, MatrixView<const float> a,
                 MatrixView<const float> b, MatrixView<float> pre, MatrixView<float> y);
void matmul_gelu(const Stream& stream, const Matmul& op, MatrixView<const BFloat16> a,
                 MatrixView<const BFloat16> b, MatrixView<BFloat16> pre, MatrixView<BFloat16> y);

// Back through GELU in the product that brings the gradient of its output:
// dpre = (alpha op(A) op(B)) gelu'(pre), element by element. beta is 0, there
// is no bias, and pre must not overlap dpre.
void matmul_gelu_backward(const Stream& stream, const Matmul& op, MatrixView<const float> a,
                          MatrixView<const float> b, MatrixView<const float> pre,
                          MatrixView<float> dpre);
void matmul_gelu_backward(const Stream& stream, const Matmul& op, MatrixView<const BFloat16> a,
                          MatrixView<const BFloat16> b, MatrixView<const BFloat16> pre,
                          MatrixView<BFloat16> dpre);

}  // namespace bayesum
