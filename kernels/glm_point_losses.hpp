#pragma once

#include <span>

#include "kernels/glm_pass.hpp"
#include "kernels/matrix.hpp"

namespace bayesum {

// Observations at points, in host memory: the linear predictor of row i at point s is z(i, s) +
// offset_i. Empty offset: zeros; empty weight: ones.
struct GlmPoints {
  Likelihood likelihood = Likelihood::kLogistic;
  double dispersion = 1.0;
  MatrixView<const double> z{};
  std::span<const double> y{};
  std::span<const double> offset{};
  std::span<const double> weight{};
};

// sums[s] += sum_i w_i l(z(i, s) + offset_i; y_i), rows in order.
void add_point_losses(const GlmPoints& points, std::span<double> sums);

}  // namespace bayesum
