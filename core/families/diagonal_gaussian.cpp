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

class DiagonalGaussian final : public Family {
 public:
  explicit DiagonalGaussian(std::size_t dimension) : dimension_(dimension) {}

  std::string name() const override { return "diagonal-gaussian"; }
  std::size_t dimension() const override { return dimension_; }
  std::size_t size() const override { return 2 * dimension_; }
  std::size_t unit() const override { return 2; }

  std::shared_ptr<const Family> of_units(std::size_t units) const override {
    return std::make_shared<DiagonalGaussian>(units);
  }

  bool proper(std::span<const double> natural) const override {
    for (std::size_t i = 0; i < dimension_; ++i) {
      const auto [mean, precision] = element(natural, i);
      if (!(precision > 0) || !std::isfinite(precision) || !std::isfinite(mean)) return false;
    }
    return true;
  }

  void sufficient_statistic(std::span<const double> theta, std::span<double> t) const override {
    for (std::size_t i = 0; i < dimension_; ++i) {
      t[2 * i] = theta[i];
      t[2 * i + 1] = theta[i] * theta[i];
    }
  }

  double log_partition(std::span<const double> natural) const override {
    double twice = 0;
    for (std::size_t i = 0; i < dimension_; ++i) {
      const auto [mean, precision] = element(natural, i);
      twice += natural[2 * i] * mean - std::log(precision) + std::log(2.0 * std::numbers::pi);
    }
    return 0.5 * twice;
  }

  // sum_i (1 + log 2 pi - log s_i) / 2
  double entropy(std::span<const double> natural) const override {
    double twice = 0;
    for (std::size_t i = 0; i < dimension_; ++i) {
      twice += 1.0 + std::log(2.0 * std::numbers::pi) - std::log(element(natural, i).precision);
    }
    return 0.5 * twice;
  }

  void mean_from_natural(std::span<const double> natural, std::span<double> mean) const override {
    for (std::size_t i = 0; i < dimension_; ++i) {
      const auto q = element(natural, i);
      mean[2 * i] = q.mean;
      mean[2 * i + 1] = q.mean * q.mean + 1.0 / q.precision;
    }
  }

  void natural_from_mean(std::span<const double> mean, std::span<double> natural) const override {
    for (std::size_t i = 0; i < dimension_; ++i) {
      const double m = mean[2 * i];
      const double precision = 1.0 / (mean[2 * i + 1] - m * m);
      natural[2 * i] = precision * m;
      natural[2 * i + 1] = -0.5 * precision;
    }
  }

  void sample(std::span<const double> natural, NoiseId id, std::span<double> theta) const override {
    fill_normal(Stream(), id, 0, theta);
    for (std::size_t i = 0; i < dimension_; ++i) {
      const auto [mean, precision] = element(natural, i);
      theta[i] = mean + theta[i] / std::sqrt(precision);
    }
  }

  Moments moments(std::span<const double> natural) const override {
    Moments moments;
    for (std::size_t i = 0; i < dimension_; ++i) {
      const auto [mean, precision] = element(natural, i);
      moments.mean.push_back(mean);
      moments.sd.push_back(1.0 / std::sqrt(precision));
    }
    return moments;
  }

  void natural_from_centred(std::span<const double> natural, std::span<const double> centred,
                            std::span<double> message) const override {
    for (std::size_t i = 0; i < dimension_; ++i) {
      const double gradient = centred[2 * i];
      const double hessian = centred[2 * i + 1];
      message[2 * i] = hessian * element(natural, i).mean - gradient;
      message[2 * i + 1] = -0.5 * hessian;
    }
  }

  void retract(double rho, std::span<const double> natural, std::span<const double> target,
               std::span<double> next) const override {
    for (std::size_t i = 0; i < dimension_; ++i) {
      const auto [mean, precision] = element(natural, i);
      const double wanted = -2.0 * target[2 * i + 1];
      const double shrunk = precision - rho * (precision - wanted);
      const double moved = 0.5 * (precision + shrunk * (shrunk / precision));
      next[2 * i] = moved * mean + rho * (target[2 * i] - wanted * mean);
      next[2 * i + 1] = -0.5 * moved;
    }
  }

 private:
  std::size_t dimension_;
};

}  // namespace

std::shared_ptr<const Family> make_diagonal_gaussian(std::size_t dimension) {
  return std::make_shared<DiagonalGaussian>(dimension);
}

}  // namespace bayesum
