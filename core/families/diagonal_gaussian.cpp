#include "core/families/diagonal_gaussian.hpp"

#include <cmath>
#include <numbers>

namespace bayesum {
namespace {

struct Element {
  double mean;
  double precision;
};

Element element(std::span<const double> natural, std::size_t i) {
  const double precision = -2.0 * natural[2 * i + 1];
  return {natural[2 * i] / precision, precision};
}

}  // namespace

std::shared_ptr<const Family> DiagonalGaussian::of_units(std::size_t units) const {
  return std::make_shared<DiagonalGaussian>(units);
}

bool DiagonalGaussian::proper(std::span<const double> natural) const {
  for (std::size_t i = 0; i < dimension_; ++i) {
    const auto [mean, precision] = element(natural, i);
    if (!(precision > 0) || !std::isfinite(precision) || !std::isfinite(mean)) return false;
  }
  return true;
}

void DiagonalGaussian::sufficient_statistic(std::span<const double> theta,
                                            std::span<double> t) const {
  for (std::size_t i = 0; i < dimension_; ++i) {
    t[2 * i] = theta[i];
    t[2 * i + 1] = theta[i] * theta[i];
  }
}

double DiagonalGaussian::log_partition(std::span<const double> natural) const {
  double twice = 0;
  for (std::size_t i = 0; i < dimension_; ++i) {
    const auto [mean, precision] = element(natural, i);
    twice += natural[2 * i] * mean - std::log(precision) + std::log(2.0 * std::numbers::pi);
  }
  return 0.5 * twice;
}

// sum_i (1 + log 2 pi - log s_i) / 2
double DiagonalGaussian::entropy(std::span<const double> natural) const {
  double twice = 0;
  for (std::size_t i = 0; i < dimension_; ++i) {
    twice += 1.0 + std::log(2.0 * std::numbers::pi) - std::log(element(natural, i).precision);
  }
  return 0.5 * twice;
}

void DiagonalGaussian::mean_from_natural(std::span<const double> natural,
                                         std::span<double> mean) const {
  for (std::size_t i = 0; i < dimension_; ++i) {
    const auto q = element(natural, i);
    mean[2 * i] = q.mean;
    mean[2 * i + 1] = q.mean * q.mean + 1.0 / q.precision;
  }
}

void DiagonalGaussian::natural_from_mean(std::span<const double> mean,
                                         std::span<double> natural) const {
  for (std::size_t i = 0; i < dimension_; ++i) {
    const double m = mean[2 * i];
    const double precision = 1.0 / (mean[2 * i + 1] - m * m);
    natural[2 * i] = precision * m;
    natural[2 * i + 1] = -0.5 * precision;
  }
}

void DiagonalGaussian::sample(std::span<const double> natural, NoiseId id,
                              std::span<double> theta) const {
  fill_normal(Stream(), id, 0, theta);
  for (std::size_t i = 0; i < dimension_; ++i) {
    const auto [mean, precision] = element(natural, i);
    theta[i] = mean + theta[i] / std::sqrt(precision);
  }
}

Moments DiagonalGaussian::moments(std::span<const double> natural) const {
  Moments moments;
  for (std::size_t i = 0; i < dimension_; ++i) {
    const auto [mean, precision] = element(natural, i);
    moments.mean.push_back(mean);
    moments.sd.push_back(1.0 / std::sqrt(precision));
  }
  return moments;
}

void DiagonalGaussian::natural_from_centred(std::span<const double> natural,
                                            std::span<const double> centred,
                                            std::span<double> message) const {
  for (std::size_t i = 0; i < dimension_; ++i) {
    const double gradient = centred[2 * i];
    const double hessian = centred[2 * i + 1];
    message[2 * i] = hessian * element(natural, i).mean - gradient;
    message[2 * i + 1] = -0.5 * hessian;
  }
}

void DiagonalGaussian::retract(double rho, std::span<const double> natural,
                               std::span<const double> target, std::span<double> next) const {
  for (std::size_t i = 0; i < dimension_; ++i) {
    const auto [mean, precision] = element(natural, i);
    const double wanted = -2.0 * target[2 * i + 1];
    const double shrunk = precision - rho * (precision - wanted);
    const double moved = 0.5 * (precision + shrunk * (shrunk / precision));
    next[2 * i] = moved * mean + rho * (target[2 * i] - wanted * mean);
    next[2 * i + 1] = -0.5 * moved;
  }
}

}  // namespace bayesum
