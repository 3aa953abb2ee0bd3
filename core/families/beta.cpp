#include "core/families/beta.hpp"

#include <algorithm>
#include <cmath>

#include "core/families/independent.hpp"
#include "core/families/special.hpp"

namespace bayesum {
namespace {

struct Beta : IndependentElement {
  static constexpr const char* kName = "beta";
  static constexpr std::size_t kDimension = 1;
  static constexpr std::size_t kSize = 2;

  static bool proper(std::span<const double> natural) {
    return std::ranges::all_of(natural, [](double x) { return x > -1.0 && std::isfinite(x); });
  }

  static void statistic(std::span<const double> theta, std::span<double> t) {
    t[0] = std::log(theta[0]);
    t[1] = std::log1p(-theta[0]);
  }

  static double log_partition(std::span<const double> natural) {
    return special::log_beta(natural[0] + 1.0, natural[1] + 1.0);
  }

  static double entropy(std::span<const double> natural) {
    double mean[2];
    mean_from_natural(natural, mean);
    return log_partition(natural) - natural[0] * mean[0] - natural[1] * mean[1];
  }

  static void mean_from_natural(std::span<const double> natural, std::span<double> mean) {
    const double a = natural[0] + 1.0;
    const double b = natural[1] + 1.0;
    const double total = special::digamma(a + b);
    mean[0] = special::digamma(a) - total;
    mean[1] = special::digamma(b) - total;
  }

  static void natural_from_mean(std::span<const double> mean, std::span<double> natural) {
    special::dirichlet_shapes(mean, natural);
    for (double& x : natural) x -= 1.0;
  }

  static void sample(std::span<const double> natural, std::span<double> theta) {
    theta[0] = special::beta_quantile(theta[0], natural[0] + 1.0, natural[1] + 1.0);
  }

  static void moments(std::span<const double> natural, std::span<double> mean,
                      std::span<double> sd) {
    const double total = natural[0] + natural[1] + 2.0;
    mean[0] = (natural[0] + 1.0) / total;
    sd[0] = std::sqrt(mean[0] * (1.0 - mean[0]) / (total + 1.0));
  }
};

}  // namespace

std::shared_ptr<const Family> make_beta(std::size_t dimension) {
  return std::make_shared<Independent<Beta>>(dimension);
}

}  // namespace bayesum
