#include "core/families/bernoulli.hpp"

#include <algorithm>
#include <cmath>

#include "core/families/independent.hpp"

namespace bayesum {
namespace {

double probability(std::span<const double> natural) { return 1.0 / (1.0 + std::exp(-natural[0])); }

struct Bernoulli : IndependentElement {
  static constexpr const char* kName = "bernoulli";
  static constexpr std::size_t kDimension = 1;
  static constexpr std::size_t kSize = 1;

  static bool proper(std::span<const double> natural) { return std::isfinite(natural[0]); }

  static void statistic(std::span<const double> theta, std::span<double> t) { t[0] = theta[0]; }

  static double log_partition(std::span<const double> natural) {
    return std::max(natural[0], 0.0) + std::log1p(std::exp(-std::abs(natural[0])));
  }

  static double entropy(std::span<const double> natural) {
    return log_partition(natural) - natural[0] * probability(natural);
  }

  static void mean_from_natural(std::span<const double> natural, std::span<double> mean) {
    mean[0] = probability(natural);
  }

  static void natural_from_mean(std::span<const double> mean, std::span<double> natural) {
    natural[0] = std::log(mean[0]) - std::log1p(-mean[0]);
  }

  static void sample(std::span<const double> natural, std::span<double> theta) {
    theta[0] = theta[0] < probability(natural) ? 1.0 : 0.0;
  }

  static void moments(std::span<const double> natural, std::span<double> mean,
                      std::span<double> sd) {
    mean[0] = probability(natural);
    sd[0] = std::sqrt(mean[0] / (1.0 + std::exp(natural[0])));
  }
};

}  // namespace

std::shared_ptr<const Family> make_bernoulli(std::size_t dimension) {
  return std::make_shared<Independent<Bernoulli>>(dimension);
}

}  // namespace bayesum
