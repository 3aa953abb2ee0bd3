#pragma once

#include <span>

#include "kernels/bfloat16.hpp"
#include "kernels/matrix.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

// The gradient of a bias: out_j += sum_i dy_ij, in float32, rows in fixed blocks.
// Throws Error(kUsage) when out has not as many elements as dy has columns.
void add_column_sums(const Stream& stream, MatrixView<const float> dy, std::span<float> out);
void add_column_sums(const Stream& stream, MatrixView<const BFloat16> dy, std::span<float> out);

// Sums over examples of the squared gradients of a linear layer, for VOGN (Khan et al., "Fast and
// scalable Bayesian deep learning by weight-perturbation in Adam", ICML 2018). Row i is an example
// of its own, and its gradient of the weights is x_i dy_i', so
//
//   weight_ij += scale sum_r x_ri^2 dy_rj^2      bias_j += scale sum_r dy_rj^2
//
// x is rows x in, dy rows x out, weight in x out, bias out or empty. Not for layers that share
// weights between the rows of one example. Throws Error(kUsage) when shapes do not fit.
template <class T>
struct SquaredGradients {
  MatrixView<const T> x{};
  MatrixView<const T> dy{};
  float scale = 1.0f;
  MatrixView<float> weight{};
  std::span<float> bias{};
};
void add_squared_gradients(const Stream& stream, const SquaredGradients<float>& op);
void add_squared_gradients(const Stream& stream, const SquaredGradients<BFloat16>& op);

}  // namespace bayesum
