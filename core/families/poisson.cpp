#include "core/families/poisson.hpp"

#include <cmath>

#include "core/families/special.hpp"

namespace bayesum {

bool PoissonElement::proper(std::span<const double> natural) {
  return std::isfinite(natural[0]) && std::isfinite(std::exp(natural[0]));
}

void PoissonElement::statistic(std::span<const double> theta, std::span<double> t) {
  t[0] = theta[0];
}

double PoissonElement::log_base_measure(std::span<const double> theta) {
  return -special::log_gamma(theta[0] + 1.0);
}

double PoissonElement::log_partition(std::span<const double> natural) {
  return std::exp(natural[0]);
}

double PoissonElement::entropy(std::span<const double> natural) {
  return std::exp(natural[0]) * (1.0 - natural[0]);
}

void PoissonElement::mean_from_natural(std::span<const double> natural, std::span<double> mean) {
  mean[0] = std::exp(natural[0]);
}

void PoissonElement::natural_from_mean(std::span<const double> mean, std::span<double> natural) {
  natural[0] = std::log(mean[0]);
}

void PoissonElement::sample(std::span<const double> natural, std::span<double> theta) {
  theta[0] = special::poisson_quantile(theta[0], std::exp(natural[0]));
}

void PoissonElement::moments(std::span<const double> natural, std::span<double> mean,
                             std::span<double> sd) {
  mean[0] = std::exp(natural[0]);
  sd[0] = std::exp(0.5 * natural[0]);
}

}  // namespace bayesum
