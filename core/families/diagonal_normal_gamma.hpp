#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "core/families/family.hpp"

namespace bayesum {

// Independent Normal-Gammas, each over two elements of theta, (m, tau), the mean and the precision
// of one column:
//
//   tau ~ Gamma(a, rate b)      m | tau ~ N(m_0, 1 / (kappa tau))
//   T = [log tau, tau, tau m, tau m^2]
//   lambda = [a - 1/2, -(b + kappa m_0^2 / 2), kappa m_0, -kappa / 2]
//   A = log Gamma(a) - a log b - log(kappa) / 2 + log(2 pi) / 2
//
// One piece has the layout of core/families/normal_gamma.hpp with one coefficient; its own code is
// what lets there be thousands. Bernardo and Smith (1994).
std::shared_ptr<const Family> make_diagonal_normal_gamma(std::size_t dimension);

// The chart (a, b, m_0, kappa) of one piece.
struct NormalGammaChart {
  double shape, rate, mean, kappa;

  static NormalGammaChart from_natural(std::span<const double> natural);
};

}  // namespace bayesum
