#pragma once

#include <cstddef>
#include <span>

#include "core/families/independent.hpp"

namespace bayesum {

// Beta(a, b); of K independent ones the parameters of each lie together:
//
//   T = [log p, log(1 - p)]      lambda = [a - 1, b - 1]      A = log B(a, b)
struct BetaElement : IndependentElement {
  static constexpr const char* kName = "beta";
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

using Beta = Independent<BetaElement>;

}  // namespace bayesum
