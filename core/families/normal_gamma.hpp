#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "core/families/family.hpp"
#include "kernels/matrix.hpp"

namespace bayesum {

// Normal-Gamma over theta = (beta, tau), D coefficients and a precision:
//
//   tau ~ Gamma(a, rate b)      beta | tau ~ N(m, (tau Lambda)^-1)
//   T      = [log tau, tau, tau beta, tau beta_i beta_j for j <= i]
//   lambda = [a - 1 + D/2, -(b + m' Lambda m / 2), Lambda m, -Lambda_ii / 2 and -Lambda_ij, packed]
//   A      = log Gamma(a) - a log b - log|Lambda| / 2 + D log(2 pi) / 2
//
// The conjugate family of linear regression with unknown noise. Bernardo and Smith (1994).
std::shared_ptr<const Family> make_normal_gamma(std::size_t coefficients);

// The chart (a, b, m, L) with Lambda = L L'.
struct NormalGammaMoments {
  double a = 0;
  double b = 0;
  std::vector<double> mean;    // D
  std::vector<double> factor;  // D x D lower-triangular, row-major

  // Error(kNumerical) when Lambda is not positive definite or a or b is not positive.
  static NormalGammaMoments from_natural(std::span<const double> natural, std::size_t coefficients);

  MatrixView<const double> factor_view() const { return {factor.data(), mean.size(), mean.size()}; }
  std::vector<double> inverse_scale() const;  // Lambda^-1, D x D
};

}  // namespace bayesum
