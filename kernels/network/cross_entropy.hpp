#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/bfloat16.hpp"
#include "kernels/matrix.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

inline constexpr std::int32_t kIgnoredTarget = -1;

// What a loss adds to, three float64 numbers on the stream's device, so that a micro-step need not
// wait for the device: sums[0] += sum of losses, sums[1] += rows counted, sums[2] += rows whose
// largest output is that of the target (the first of equals).
inline constexpr std::size_t kLossSums = 3;

// Softmax, cross-entropy and gradient at once. With p_r the softmax of the first `classes` logits
// of row r, computed relative to the largest,
//
//   loss_r = -log p_r,target     logits_rj <- scale (p_rj - [j = target])
//
// and 0 in the columns from `classes` on, which pad the vocabulary. A row with target
// kIgnoredTarget counts nowhere and has gradient 0. Any other target outside the classes makes the
// loss NaN. Throws Error(kUsage) when shapes do not fit.
template <class T>
struct CrossEntropy {
  MatrixView<T> logits{};  // rows x (classes and padding); becomes the gradient
  std::size_t classes = 0;
  std::span<const std::int32_t> targets{};
  float scale = 1.0f;
  std::span<double> sums{};  // kLossSums, added to
};
void cross_entropy(const Stream& stream, const CrossEntropy<float>& op);
void cross_entropy(const Stream& stream, const CrossEntropy<BFloat16>& op);

// log p_rj, by the same softmax: rows x classes without gaps, in host memory, and so waits for the
// stream. Throws Error(kUsage) when shapes do not fit.
void log_softmax(const Stream& stream, MatrixView<const float> logits, std::size_t classes,
                 std::span<float> out);

// Regression with Gaussian noise of a precision whose logarithm lies on the device, outputs f
// (rows x columns):
//
//   loss_r = sum_j [precision (y_rj - f_rj)^2 - log(precision / 2 pi)] / 2
//   f_rj  <- scale precision (f_rj - y_rj)
//
// sums[0] += losses, sums[1] += rows, sums[2] += sum of (y - f)^2. A precision that is zero or not
// finite in float32 makes the loss NaN, and counts as 1 in f.
template <class T>
struct SquaredError {
  MatrixView<T> output{};  // becomes the gradient
  MatrixView<const float> target{};
  const float* log_precision = nullptr;
  float scale = 1.0f;
  std::span<double> sums{};  // kLossSums, added to
};
void squared_error(const Stream& stream, const SquaredError<float>& op);
void squared_error(const Stream& stream, const SquaredError<BFloat16>& op);

}  // namespace bayesum
