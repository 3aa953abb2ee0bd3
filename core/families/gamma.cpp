#include "core/families/gamma.hpp"

#include <cmath>

#include "core/families/independent.hpp"
#include "core/families/special.hpp"

namespace bayesum {
namespace {

struct Gamma : IndependentElement {
  static constexpr const char* kName = "gamma";
  static constexpr std::size_t kDimension = 1;
  static constexpr std::size_t kSize = 2;

  static bool proper(std::span<const double> natural) {
    return natural[0] > -1.0 && natural[1] < 0.0 && std::isfinite(natural[0]) &&
           std::isfinite(natural[1]);
  }

  static void statistic(std::span<const double> theta, std::span<double> t) {
    t[0] = std::log(theta[0]);
    t[1] = theta[0];
  }

  static double log_partition(std::span<const double> natural) {
    const double shape = natural[0] + 1.0;
    return special::log_gamma(shape) - shape * std::log(-natural[1]);
  }

  // a - log b + log Gamma(a) + (1 - a) digamma(a)
  static double entropy(std::span<const double> natural) {
    const double shape = natural[0] + 1.0;
    return shape - std::log(-natural[1]) + special::log_gamma(shape) -
           natural[0] * special::digamma(shape);
  }

  static void mean_from_natural(std::span<const double> natural, std::span<double> mean) {
    const double shape = natural[0] + 1.0;
    mean[0] = special::digamma(shape) - std::log(-natural[1]);
    mean[1] = shape / -natural[1];
  }

  static void natural_from_mean(std::span<const double> mean, std::span<double> natural) {
    const double shape = special::gamma_shape(std::log(mean[1]) - mean[0]);
    natural[0] = shape - 1.0;
    natural[1] = -shape / mean[1];
  }

  static void sample(std::span<const double> natural, std::span<double> theta) {
    theta[0] = special::gamma_quantile(theta[0], natural[0] + 1.0) / -natural[1];
  }

  static void moments(std::span<const double> natural, std::span<double> mean,
                      std::span<double> sd) {
    const double shape = natural[0] + 1.0;
    mean[0] = shape / -natural[1];
    sd[0] = std::sqrt(shape) / -natural[1];
  }
};

}  // namespace

std::shared_ptr<const Family> make_gamma(std::size_t dimension) {
  return std::make_shared<Independent<Gamma>>(dimension);
}

}  // namespace bayesum
