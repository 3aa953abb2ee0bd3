#pragma once

#include <cstddef>
#include <span>

#include "core/families/independent.hpp"

namespace bayesum {

// Normal-Gamma over theta = (m, tau), the mean and the precision of one column:
//
//   tau ~ Gamma(a, rate b)      m | tau ~ N(m_0, 1 / (kappa tau))
//   T = [log tau, tau, tau m, tau m^2]
//   lambda = [a - 1/2, -(b + kappa m_0^2 / 2), kappa m_0, -kappa / 2]
//   A = log Gamma(a) - a log b - log(kappa) / 2 + log(2 pi) / 2
//
// One piece has the layout of core/families/normal_gamma.hpp with one coefficient; its own code is
// what lets there be thousands. Bernardo and Smith (1994).
struct NormalGammaElement : IndependentElement {
  static constexpr const char* kName = "diagonal-normal-gamma";
  static constexpr std::size_t kDimension = 2;
  static constexpr std::size_t kSize = 4;

  static bool proper(std::span<const double> natural);
  static void statistic(std::span<const double> theta, std::span<double> t);
  static double log_partition(std::span<const double> natural);
  static double entropy(std::span<const double> natural);
  static void mean_from_natural(std::span<const double> natural, std::span<double> mean);
  static void natural_from_mean(std::span<const double> mean, std::span<double> natural);
  static void sample(std::span<const double> natural, std::span<double> theta);
  static void moments(std::span<const double> natural, std::span<double> mean,
                      std::span<double> sd);

  // The chart (a, b, m_0, kappa).
  struct Chart {
    double shape, rate, mean, kappa;
  };
  static Chart chart(std::span<const double> natural);
};

using DiagonalNormalGamma = Independent<NormalGammaElement>;

}  // namespace bayesum
