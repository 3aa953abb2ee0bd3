#pragma once

#include <cstddef>

#include "kernels/bfloat16.hpp"
#include "kernels/matrix.hpp"
#include "kernels/network/matmul.hpp"
#include "kernels/stream.hpp"

// Matrix products by cuBLASLt, row-major, for operations that have their own memory for results.
namespace bayesum::cuda {

// What a product wants at the start of an operation's scratch memory, and what lies behind it.
inline constexpr std::size_t kProductWorkspace = std::size_t{32} << 20;

inline float* after_workspace(void* workspace) {
  return reinterpret_cast<float*>(static_cast<std::byte*>(workspace) + kProductWorkspace);
}

// C = alpha op(A) op(B) + beta C + 1 bias', summed in float32 and rounded once; C not empty. Into
// BFloat16 there is no bias.
void multiply(const Stream& stream, const Matmul& op, MatrixView<const float> a,
              MatrixView<const float> b, MatrixView<float> c, void* workspace);
void multiply(const Stream& stream, const Matmul& op, MatrixView<const BFloat16> a,
              MatrixView<const BFloat16> b, MatrixView<float> c, void* workspace);
void multiply(const Stream& stream, const Matmul& op, MatrixView<const BFloat16> a,
              MatrixView<const BFloat16> b, MatrixView<BFloat16> c, void* workspace);

}  // namespace bayesum::cuda
