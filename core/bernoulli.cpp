#include "core/bernoulli.hpp"

#include <algorithm>
#include <cmath>

namespace bayesum {

std::shared_ptr<const Family> Bernoulli::of_units(std::size_t units) const {
  return std::make_shared<Bernoulli>(units);
}

bool Bernoulli::proper(std::span<const double> natural) const {
  return std::ranges::all_of(natural, [](double x) { return std::isfinite(x); });
}

void Bernoulli::sufficient_statistic(std::span<const double> theta, std::span<double> t) const {
  std::ranges::copy(theta, t.begin());
}

double Bernoulli::log_partition(std::span<const double> natural) const {
  double sum = 0;
  for (double l : natural) sum += std::max(l, 0.0) + std::log1p(std::exp(-std::abs(l)));
  return sum;
}

void Bernoulli::mean_from_natural(std::span<const double> natural, std::span<double> mean) const {
  for (std::size_t k = 0; k < dimension_; ++k) mean[k] = 1.0 / (1.0 + std::exp(-natural[k]));
}

void Bernoulli::natural_from_mean(std::span<const double> mean, std::span<double> natural) const {
  for (std::size_t k = 0; k < dimension_; ++k) {
    natural[k] = std::log(mean[k]) - std::log1p(-mean[k]);
  }
}

void Bernoulli::sample(std::span<const double> natural, NoiseId id, std::span<double> theta) const {
  fill_uniform(Stream(), id, 0, theta);
  for (std::size_t k = 0; k < dimension_; ++k) {
    theta[k] = theta[k] < 1.0 / (1.0 + std::exp(-natural[k])) ? 1.0 : 0.0;
  }
}

}  // namespace bayesum
