#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "core/families/family.hpp"
#include "core/families/wishart.hpp"
#include "kernels/matrix.hpp"

namespace bayesum {

// Normal-Wishart over theta = (x, Lambda), a mean of D elements and a D x D precision matrix,
// packed:
//
//   Lambda ~ Wishart(n, inverse scale W)      x | Lambda ~ N(m, (kappa Lambda)^-1)
//   T      = [log|Lambda|, x' Lambda x, Lambda x, Lambda_ij for j <= i]
//   lambda = [(n - D) / 2, -kappa / 2, kappa m, -G_ii / 2 and -G_ij, packed],  G = W + kappa m m'
//   A      = n (D log 2 - log|W|) / 2 + log Gamma_D(n / 2) + D log(2 pi / kappa) / 2
//
// The conjugate family of a Gaussian's mean and precision: a row y with weight w adds
// [w / 2, -w / 2, w y, -w y_i^2 / 2 and -w y_i y_j] to lambda. Bishop (2006), appendix B.
// A W that is singular within rounding is not proper.
std::shared_ptr<const Family> make_normal_wishart(std::size_t rows);  // D

// The chart (m, kappa, n, C) with W = C C'. E[Lambda] and E[log|Lambda|] are those of `precision`,
// and E[(y - x)' Lambda (y - x)] = n |C^-1 (y - m)|^2 + D / kappa.
struct NormalWishartMoments {
  std::vector<double> mean;  // m
  double kappa = 0;
  WishartMoments precision;  // n and C

  // Error(kNumerical) when kappa is not positive or the Wishart is not proper.
  static NormalWishartMoments from_natural(std::span<const double> natural, std::size_t rows);
  std::vector<double> to_natural() const;

  // Of the Student-t marginals of x: x_i ~ t_nu(m_i, scale_i^2), nu = n - D + 1,
  // scale_i^2 = W_ii / (kappa nu).
  double degrees_of_freedom() const {
    return precision.degrees - static_cast<double>(mean.size()) + 1.0;
  }
  std::vector<double> scales() const;
};

}  // namespace bayesum
