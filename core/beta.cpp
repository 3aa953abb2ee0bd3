#include "core/beta.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/special.hpp"

namespace bayesum {
namespace {

struct Shapes {
  double a;
  double b;
};

// (a, b) with digamma(a) - digamma(a+b) = log_p and digamma(b) - digamma(a+b) = log_q, by Newton's
// method on the convex dual, halving a step that would leave the positive quadrant.
Shapes shapes_from_mean(double log_p, double log_q) {
  const double p = std::exp(log_p);
  const double q = std::exp(log_q);
  const double rest = std::max(1.0 - p - q, 1e-300);
  Shapes s{0.5 + 0.5 * p / rest, 0.5 + 0.5 * q / rest};  // Johnson and Kotz (1970)
  for (int iteration = 0; iteration < 200; ++iteration) {
    const double total = special::digamma(s.a + s.b);
    const double gap_a = special::digamma(s.a) - total - log_p;
    const double gap_b = special::digamma(s.b) - total - log_q;
    const double common = special::trigamma(s.a + s.b);
    const double faa = special::trigamma(s.a) - common;
    const double fbb = special::trigamma(s.b) - common;
    const double determinant = faa * fbb - common * common;
    double step_a = (fbb * gap_a + common * gap_b) / determinant;
    double step_b = (faa * gap_b + common * gap_a) / determinant;
    while (s.a - step_a <= 0 || s.b - step_b <= 0) {
      step_a *= 0.5;
      step_b *= 0.5;
    }
    s = {s.a - step_a, s.b - step_b};
    if (std::abs(step_a) <= 1e-15 * s.a && std::abs(step_b) <= 1e-15 * s.b) break;
  }
  return s;
}

}  // namespace

std::shared_ptr<const Family> Beta::of_units(std::size_t units) const {
  return std::make_shared<Beta>(units);
}

bool Beta::proper(std::span<const double> natural) const {
  return std::ranges::all_of(natural, [](double x) { return x > -1.0 && std::isfinite(x); });
}

void Beta::sufficient_statistic(std::span<const double> theta, std::span<double> t) const {
  for (std::size_t k = 0; k < dimension_; ++k) {
    t[2 * k] = std::log(theta[k]);
    t[2 * k + 1] = std::log1p(-theta[k]);
  }
}

double Beta::log_partition(std::span<const double> natural) const {
  double sum = 0;
  for (std::size_t k = 0; k < dimension_; ++k) {
    sum += special::log_beta(natural[2 * k] + 1.0, natural[2 * k + 1] + 1.0);
  }
  return sum;
}

void Beta::mean_from_natural(std::span<const double> natural, std::span<double> mean) const {
  for (std::size_t k = 0; k < dimension_; ++k) {
    const double a = natural[2 * k] + 1.0;
    const double b = natural[2 * k + 1] + 1.0;
    const double total = special::digamma(a + b);
    mean[2 * k] = special::digamma(a) - total;
    mean[2 * k + 1] = special::digamma(b) - total;
  }
}

void Beta::natural_from_mean(std::span<const double> mean, std::span<double> natural) const {
  for (std::size_t k = 0; k < dimension_; ++k) {
    const auto [a, b] = shapes_from_mean(mean[2 * k], mean[2 * k + 1]);
    natural[2 * k] = a - 1.0;
    natural[2 * k + 1] = b - 1.0;
  }
}

void Beta::sample(std::span<const double> natural, NoiseId id, std::span<double> theta) const {
  fill_uniform(Stream(), id, 0, theta);
  for (std::size_t k = 0; k < dimension_; ++k) {
    theta[k] = special::beta_quantile(theta[k], natural[2 * k] + 1.0, natural[2 * k + 1] + 1.0);
  }
}

}  // namespace bayesum
