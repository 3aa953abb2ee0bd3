#pragma once

#include <cmath>
#include <cstddef>
#include <span>

#include "kernels/host_device.hpp"
#include "kernels/matrix.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

// Squared distances of rows from K centres, each in a metric of its own:
//
//   distance(k, i) = |R_k (x_i - m_k)|^2,   R_k lower-triangular
//
// x is n x D, means K x D, factors (K D) x D with R_k in the rows k D .. (k + 1) D - 1, distance
// K x n. Differences are taken first, so that a narrow component far from zero loses nothing.
// Throws Error(kUsage) when the shapes do not fit.
struct MixtureMetric {
  MatrixView<const double> means;
  MatrixView<const double> factors;
};
void squared_distances(const Stream& stream, MatrixView<const double> x,
                       const MixtureMetric& metric, MatrixView<double> distance);

// The local step of a mixture for row i, given log rho_ik = constant_k - distance(k, i) / 2:
//
//   r_ik = w_i rho_ik / sum_k rho_ik      loss_i = -w_i log sum_k rho_ik
//
// relative to the largest of them, so that a row far from every component keeps both. `distance` is
// K x n and becomes r in place.
struct ResolveComponents {
  std::size_t components;
  std::size_t stride;  // between components, at least n
  const double* constant;
  const double* row_weight;  // null: ones
  double* distance;
  double* loss;
  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const {
    double largest = -HUGE_VAL;
    for (std::size_t k = 0; k < components; ++k) {
      double& at = distance[k * stride + i];
      at = constant[k] - 0.5 * at;
      if (!(at <= largest)) largest = at;
    }
    double sum = 0.0;
    for (std::size_t k = 0; k < components; ++k) {
      double& at = distance[k * stride + i];
      at = std::exp(at - largest);
      sum += at;
    }
    const double w = row_weight == nullptr ? 1.0 : row_weight[i];
    for (std::size_t k = 0; k < components; ++k) distance[k * stride + i] *= w / sum;
    loss[i] = -w * (largest + std::log(sum));
  }
};
void apply(const Stream& stream, const ResolveComponents& op, std::size_t size);

}  // namespace bayesum
