#pragma once

#include <cstddef>
#include <span>

#include "core/families/independent.hpp"

namespace bayesum {

// Poisson(r) over the whole numbers >= 0, with the base measure h(x) = 1 / x!:
//
//   T = x      lambda = log r      A = e^lambda
struct PoissonElement : IndependentElement {
  static constexpr const char* kName = "poisson";
  static constexpr std::size_t kDimension = 1;
  static constexpr std::size_t kSize = 1;

  static bool proper(std::span<const double> natural);
  static void statistic(std::span<const double> theta, std::span<double> t);
  static double log_base_measure(std::span<const double> theta);
  static double log_partition(std::span<const double> natural);
  static double entropy(std::span<const double> natural);
  static void mean_from_natural(std::span<const double> natural, std::span<double> mean);
  static void natural_from_mean(std::span<const double> mean, std::span<double> natural);
  static void sample(std::span<const double> natural, std::span<double> theta);
  static void moments(std::span<const double> natural, std::span<double> mean,
                      std::span<double> sd);
};

using Poisson = Independent<PoissonElement>;

}  // namespace bayesum
