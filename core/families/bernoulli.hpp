#pragma once

#include <cstddef>
#include <span>

#include "core/families/independent.hpp"

namespace bayesum {

// Bernoulli(p) over {0, 1}: T = theta, lambda = logit p, A = log(1 + e^lambda).
struct BernoulliElement : IndependentElement {
  static constexpr const char* kName = "bernoulli";
  static constexpr std::size_t kDimension = 1;
  static constexpr std::size_t kSize = 1;

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

using Bernoulli = Independent<BernoulliElement>;

}  // namespace bayesum
