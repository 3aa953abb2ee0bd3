#pragma once

#include <limits>
#include <span>
#include <vector>

#include "core/posterior.hpp"
#include "kernels/matrix.hpp"
#include "kernels/sparse.hpp"

namespace bayesum {

// What the "coefficients" block of a regression says of linear functionals of its coefficients:
//
//   x' theta ~ t_nu( x' m, squared scale x' Sigma x )       nu infinite: Gaussian
//
// Gaussian blocks: m and Sigma as they are. Normal-Gamma: nu = 2 a, Sigma = (b / a) Lambda^-1, and
// the noise has precision tau ~ Gamma(a, rate b). Both what is reported of the coefficients and
// what is predicted for a row are such functionals.
struct LinearPosterior {
  std::vector<double> mean;            // m, D
  std::vector<double> inverse_factor;  // L^-1 with Sigma^-1 = L L', D x D lower; or
  std::vector<double> variance;        // a diagonal Sigma, D
  double shape = std::numeric_limits<double>::infinity();  // a
  double rate = 0;                                         // b

  // Error(kUsage) when there is no block "coefficients", or it is of another family.
  static LinearPosterior of(const Posterior& posterior);

  double degrees_of_freedom() const { return 2.0 * shape; }
  double noise() const { return rate / shape; }  // squared scale of a response about x' theta

  // location[i] = x_i' m + offset_i and squared_scale[i] = x_i' Sigma x_i for every row of x, on
  // the host. Empty offset: zeros.
  void functionals(MatrixView<const double> x, std::span<const double> offset,
                   std::span<double> location, std::span<double> squared_scale) const;
  // The same for sparse rows; forms Sigma, D^3 operations, where it is full.
  void functionals(const SparseView& x, std::span<const double> offset, std::span<double> location,
                   std::span<double> squared_scale) const;
};

}  // namespace bayesum
