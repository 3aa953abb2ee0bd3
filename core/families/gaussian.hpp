#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "core/families/family.hpp"
#include "kernels/matrix.hpp"

namespace bayesum {

// Full Gaussian N(m, S^-1) over D elements, S the precision.
//
//   T = [theta ; theta_i theta_j for j <= i]      lambda = [S m ; -S_ii / 2, -S_ij for j < i]
//
// packed row by row, so that <lambda, T> = theta' S m - theta' S theta / 2.
//   A = m' S m / 2 - log|S| / 2 + D log(2 pi) / 2
//
// A precision that is singular within rounding is not proper.
std::shared_ptr<const Family> make_gaussian(std::size_t dimension);

// The chart (m, L) of a Gaussian: mean, and the Cholesky factor of its precision S = L L'.
struct GaussianMoments {
  std::vector<double> mean;    // D
  std::vector<double> factor;  // D x D lower-triangular, row-major

  // Error(kNumerical) when the precision is not positive definite.
  static GaussianMoments from_natural(std::span<const double> natural, std::size_t dimension);
  std::vector<double> to_natural() const;

  std::size_t dimension() const { return mean.size(); }
  MatrixView<const double> factor_view() const { return {factor.data(), dimension(), dimension()}; }
  std::vector<double> covariance() const;      // S^-1, D x D
  std::vector<double> inverse_factor() const;  // L^-1, D x D lower-triangular
  double log_determinant() const;              // of S
};

// A packed symmetric matrix as it is, D x D row-major.
std::vector<double> symmetric_from_packed(std::span<const double> packed, std::size_t dimension);
// The packed part of lambda <-> a symmetric precision matrix, D x D row-major.
std::vector<double> precision_from_packed(std::span<const double> packed, std::size_t dimension);
void packed_from_precision(MatrixView<const double> precision, std::span<double> packed);
// Packed products x x' + added, the second half of the expectation parameters.
void packed_outer(std::span<const double> x, MatrixView<const double> added,
                  std::span<double> packed);

}  // namespace bayesum
