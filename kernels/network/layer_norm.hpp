#pragma once

#include <span>

#include "kernels/bfloat16.hpp"
#include "kernels/matrix.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

// A layer's output joins the residual stream, and the next layer's input is normalised from it. For
// each row r, over channels j:
//
//   sum_rj = residual_rj + delta_rj
//   y_rj   = (sum_rj - mean_r) rstd_r gain_j + bias_j     rstd = 1 / sqrt(variance + epsilon)
//
// with the variance over the number of channels. No delta: `residual` is normalised and `sum` not
// written. `sum` may be the memory of `residual`. Ba, Kiros, Hinton, "Layer normalization",
// arXiv:1607.06450. Throws Error(kUsage) when shapes do not fit.
template <class T>
struct LayerNorm {
  MatrixView<const float> residual{};  // rows x channels
  MatrixView<const T> delta{};         // rows x channels, or empty
  MatrixView<float> sum{};             // rows x channels; unused without delta
  std::span<const float> gain{};       // channels
  std::span<const float> bias{};       // channels, or empty
  float epsilon = 1e-5f;
  MatrixView<T> y{};        // rows x channels
  std::span<float> mean{};  // rows; kept for the backward pass
  std::span<float> rstd{};  // rows
};
void layer_norm(const Stream& stream, const LayerNorm<float>& op);
void layer_norm(const Stream& stream, const LayerNorm<BFloat16>& op);

// From dy, and x = (sum - mean) rstd:
//
//   dsum_rj += rstd_r (dy_rj gain_j - mean_j[dy gain] - x_rj mean_j[dy gain x])
//   gain_gradient_j += sum_r dy_rj x_rj          bias_gradient_j += sum_r dy_rj
//
// dsum, the gradient of the residual stream, is that of `residual` and of `delta` both. For the
// backward pass of the layer that made delta it is written to ddelta too, after the addition, where
// one is given. Gradients that are empty are left out.
template <class T>
struct LayerNormBackward {
  MatrixView<const float> sum{};  // what was normalised
  MatrixView<const T> dy{};
  std::span<const float> gain{};
  std::span<const float> mean{};
  std::span<const float> rstd{};
  MatrixView<float> dsum{};  // added to
  MatrixView<T> ddelta{};    // written; or empty
  std::span<float> gain_gradient{};
  std::span<float> bias_gradient{};
};
void layer_norm_backward(const Stream& stream, const LayerNormBackward<float>& op);
void layer_norm_backward(const Stream& stream, const LayerNormBackward<BFloat16>& op);

}  // namespace bayesum
