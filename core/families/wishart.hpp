#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "core/families/family.hpp"
#include "kernels/matrix.hpp"

namespace bayesum {

// Wishart over a D x D precision matrix Lambda, n > D - 1 degrees of freedom, inverse scale W (its
// scale matrix is V = W^-1, and E[Lambda] = n V). theta is the lower triangle, packed row by row.
//
//   T      = [log|Lambda| ; Lambda_ij for j <= i]
//   lambda = [(n - D - 1) / 2 ; -W_ii / 2, -W_ij for j < i]
//   A      = n (D log 2 - log|W|) / 2 + log Gamma_D(n / 2)
//
// so that <lambda, T> = (n - D - 1) log|Lambda| / 2 - tr(W Lambda) / 2. Bishop (2006), appendix B.
// With n close to D - 1 draws are singular within rounding, and the statistic of such a theta is
// Error(kNumerical).
// A W that is singular within rounding is not proper.
std::shared_ptr<const Family> make_wishart(std::size_t rows);  // D

// The chart (n, C) with W = C C', and what follows from it.
struct WishartMoments {
  double degrees = 0;          // n
  std::size_t rows = 0;        // D
  std::vector<double> factor;  // C, D x D lower-triangular, row-major

  // From n and the packed part of lambda. Error(kNumerical) when n is not above D - 1 or W is not
  // positive definite.
  static WishartMoments from_packed(double degrees, std::span<const double> packed,
                                    std::size_t rows);
  // The n and W that have these two expectations.
  static WishartMoments from_mean(double expected_log_determinant,
                                  std::span<const double> packed_expectation, std::size_t rows);

  MatrixView<const double> factor_view() const { return {factor.data(), rows, rows}; }
  double log_determinant() const;             // of W
  std::vector<double> inverse_scale() const;  // W, D x D
  std::vector<double> scale() const;          // V = W^-1, D x D
  double expected_log_determinant() const;    // E[log|Lambda|]
  std::vector<double> expectation() const;    // E[Lambda] = n V, D x D
  double log_partition() const;
  double entropy() const;
  std::vector<double> sample(NoiseId id) const;  // Lambda, D x D
  // Of the elements of Lambda, packed, one after the other at the end of `moments`.
  void append_moments(Moments& moments) const;
};

}  // namespace bayesum
