#include "core/families/bernoulli.hpp"

#include <algorithm>
#include <cmath>

namespace bayesum {
namespace {

double probability(std::span<const double> natural) { return 1.0 / (1.0 + std::exp(-natural[0])); }

}  // namespace

bool BernoulliElement::proper(std::span<const double> natural) { return std::isfinite(natural[0]); }

void BernoulliElement::statistic(std::span<const double> theta, std::span<double> t) {
  t[0] = theta[0];
}

double BernoulliElement::log_partition(std::span<const double> natural) {
  return std::max(natural[0], 0.0) + std::log1p(std::exp(-std::abs(natural[0])));
}

double BernoulliElement::entropy(std::span<const double> natural) {
  return log_partition(natural) - natural[0] * probability(natural);
}

void BernoulliElement::mean_from_natural(std::span<const double> natural, std::span<double> mean) {
  mean[0] = probability(natural);
}

void BernoulliElement::natural_from_mean(std::span<const double> mean, std::span<double> natural) {
  natural[0] = std::log(mean[0]) - std::log1p(-mean[0]);
}

void BernoulliElement::sample(std::span<const double> natural, std::span<double> theta) {
  theta[0] = theta[0] < probability(natural) ? 1.0 : 0.0;
}

void BernoulliElement::moments(std::span<const double> natural, std::span<double> mean,
                               std::span<double> sd) {
  mean[0] = probability(natural);
  sd[0] = std::sqrt(mean[0] / (1.0 + std::exp(natural[0])));
}

}  // namespace bayesum
