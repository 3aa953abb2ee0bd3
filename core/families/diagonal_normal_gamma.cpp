#include "core/families/diagonal_normal_gamma.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/families/independent.hpp"
#include "core/families/special.hpp"

namespace bayesum {

NormalGammaChart NormalGammaChart::from_natural(std::span<const double> natural) {
  const double kappa = -2.0 * natural[3];
  const double mean = natural[2] / kappa;
  return {natural[0] + 0.5, -natural[1] - 0.5 * mean * natural[2], mean, kappa};
}

namespace {

struct DiagonalNormalGamma : IndependentElement {
  static constexpr const char* kName = "diagonal-normal-gamma";
  static constexpr std::size_t kDimension = 2;
  static constexpr std::size_t kSize = 4;

  static bool proper(std::span<const double> natural) {
    if (!std::ranges::all_of(natural, [](double x) { return std::isfinite(x); })) return false;
    const auto [shape, rate, mean, kappa] = NormalGammaChart::from_natural(natural);
    return kappa > 0 && std::isfinite(mean) && shape > 0 && rate > 0;
  }

  static void statistic(std::span<const double> theta, std::span<double> t) {
    t[0] = std::log(theta[1]);
    t[1] = theta[1];
    t[2] = theta[1] * theta[0];
    t[3] = t[2] * theta[0];
  }

  static double log_partition(std::span<const double> natural) {
    const auto [shape, rate, mean, kappa] = NormalGammaChart::from_natural(natural);
    return special::log_gamma(shape) - shape * std::log(rate) +
           0.5 * std::log(2.0 * std::numbers::pi / kappa);
  }

  // That of tau, and of m given tau, with E[log tau] = digamma(a) - log b:
  //   a - log b + log Gamma(a) + (1 - a) digamma(a) + (1 + log(2 pi / kappa) - E[log tau]) / 2
  static double entropy(std::span<const double> natural) {
    const auto [shape, rate, mean, kappa] = NormalGammaChart::from_natural(natural);
    const double digamma = special::digamma(shape);
    const double of_tau =
        shape - std::log(rate) + special::log_gamma(shape) + (1.0 - shape) * digamma;
    return of_tau +
           0.5 * (1.0 + std::log(2.0 * std::numbers::pi / kappa) - (digamma - std::log(rate)));
  }

  static void mean_from_natural(std::span<const double> natural, std::span<double> mean) {
    const auto q = NormalGammaChart::from_natural(natural);
    const double tau = q.shape / q.rate;
    mean[0] = special::digamma(q.shape) - std::log(q.rate);
    mean[1] = tau;
    mean[2] = tau * q.mean;
    mean[3] = 1.0 / q.kappa + tau * q.mean * q.mean;
  }

  static void natural_from_mean(std::span<const double> mean, std::span<double> natural) {
    const double tau = mean[1];
    const double m = mean[2] / tau;
    const double kappa = 1.0 / (mean[3] - mean[2] * m);
    const double shape = special::gamma_shape(std::log(tau) - mean[0]);
    natural[0] = shape - 0.5;
    natural[1] = -(shape / tau + 0.5 * kappa * m * m);
    natural[2] = kappa * m;
    natural[3] = -0.5 * kappa;
  }

  static void sample(std::span<const double> natural, std::span<double> theta) {
    const auto [shape, rate, mean, kappa] = NormalGammaChart::from_natural(natural);
    const double tau = special::gamma_quantile(theta[1], shape) / rate;
    theta[0] = mean + special::normal_quantile(theta[0]) / std::sqrt(kappa * tau);
    theta[1] = tau;
  }

  static void moments(std::span<const double> natural, std::span<double> mean,
                      std::span<double> sd) {
    const auto q = NormalGammaChart::from_natural(natural);
    mean[0] = q.mean;
    sd[0] = std::sqrt(q.rate / (q.shape * q.kappa)) * special::student_t_sd(2.0 * q.shape);
    mean[1] = q.shape / q.rate;
    sd[1] = std::sqrt(q.shape) / q.rate;
  }
};

}  // namespace

std::shared_ptr<const Family> make_diagonal_normal_gamma(std::size_t dimension) {
  return std::make_shared<Independent<DiagonalNormalGamma>>(dimension);
}

}  // namespace bayesum
