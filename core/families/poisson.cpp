#include "core/families/poisson.hpp"

#include <cmath>

#include "core/families/independent.hpp"
#include "core/families/special.hpp"

namespace bayesum {
namespace {

struct Poisson : IndependentElement {
  static constexpr const char* kName = "poisson";
  static constexpr std::size_t kDimension = 1;
  static constexpr std::size_t kSize = 1;

  static bool proper(std::span<const double> natural) {
    return std::isfinite(natural[0]) && std::isfinite(std::exp(natural[0]));
  }

  static void statistic(std::span<const double> theta, std::span<double> t) { t[0] = theta[0]; }

  static double log_base_measure(std::span<const double> theta) {
    return -special::log_gamma(theta[0] + 1.0);
  }

  static double log_partition(std::span<const double> natural) { return std::exp(natural[0]); }

  static double entropy(std::span<const double> natural) {
    return std::exp(natural[0]) * (1.0 - natural[0]);
  }

  static void mean_from_natural(std::span<const double> natural, std::span<double> mean) {
    mean[0] = std::exp(natural[0]);
  }

  static void natural_from_mean(std::span<const double> mean, std::span<double> natural) {
    natural[0] = std::log(mean[0]);
  }

  static void sample(std::span<const double> natural, std::span<double> theta) {
    theta[0] = special::poisson_quantile(theta[0], std::exp(natural[0]));
  }

  static void moments(std::span<const double> natural, std::span<double> mean,
                      std::span<double> sd) {
    mean[0] = std::exp(natural[0]);
    sd[0] = std::exp(0.5 * natural[0]);
  }
};

}  // namespace

std::shared_ptr<const Family> make_poisson(std::size_t dimension) {
  return std::make_shared<Independent<Poisson>>(dimension);
}

}  // namespace bayesum
