#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
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
class Gaussian final : public Family {
 public:
  explicit Gaussian(std::size_t dimension) : dimension_(dimension) {}

  std::string name() const override { return "gaussian"; }
  std::size_t dimension() const override { return dimension_; }
  std::size_t size() const override { return dimension_ + packed_size(dimension_); }
  // False also for a precision that is singular within rounding.
  bool proper(std::span<const double> natural) const override;
  void sufficient_statistic(std::span<const double> theta, std::span<double> t) const override;
  double log_partition(std::span<const double> natural) const override;
  double entropy(std::span<const double> natural) const override;
  void mean_from_natural(std::span<const double> natural, std::span<double> mean) const override;
  void natural_from_mean(std::span<const double> mean, std::span<double> natural) const override;
  void sample(std::span<const double> natural, NoiseId id, std::span<double> theta) const override;
  Moments moments(std::span<const double> natural) const override;
  void natural_from_centred(std::span<const double> natural, std::span<const double> centred,
                            std::span<double> message) const override;
  void retract(double rho, std::span<const double> natural, std::span<const double> target,
               std::span<double> next) const override;

 private:
  std::size_t dimension_;
};

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
