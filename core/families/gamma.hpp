#pragma once

#include <cstddef>
#include <span>

#include "core/families/independent.hpp"

namespace bayesum {

// Gamma(shape a, rate b) over x > 0:
//
//   T = [log x, x]      lambda = [a - 1, -b]      A = log Gamma(a) - a log b
//
// The conjugate family of Poisson rates and of precisions.
struct GammaElement : IndependentElement {
  static constexpr const char* kName = "gamma";
  static constexpr std::size_t kDimension = 1;
  static constexpr std::size_t kSize = 2;

  static bool proper(std::span<const double> natural);
  static void statistic(std::span<const double> theta, std::span<double> t);
  static double log_partition(std::span<const double> natural);
  static double entropy(std::span<const double> natural);
  static void mean_from_natural(std::span<const double> natural, std::span<double> mean);
  static void natural_from_mean(std::span<const double> mean, std::span<double> natural);
  static void sample(std::span<const double> natural, std::span<double> theta);
  static void moments(std::span<const double> natural, std::span<double> mean,
                      std::span<double> sd);
};

using Gamma = Independent<GammaElement>;

}  // namespace bayesum
