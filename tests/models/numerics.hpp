#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <utility>
#include <vector>

// Slow and plain numerical mathematics, for tests to hold results against.
namespace bayesum::oracle {

// Integral of f over [a, b] by Simpson's rule on `intervals` (even) pieces.
template <class Function>
double integral(const Function& f, double a, double b, int intervals) {
  const double h = (b - a) / intervals;
  double sum = f(a) + f(b);
  for (int i = 1; i < intervals; ++i) sum += (i % 2 == 1 ? 4.0 : 2.0) * f(a + i * h);
  return sum * h / 3.0;
}

inline double normal_density(double x, double mean, double variance) {
  const double r = x - mean;
  return std::exp(-0.5 * r * r / variance) / std::sqrt(2.0 * std::numbers::pi * variance);
}

// Density of log tau where tau ~ Gamma(shape, rate).
inline double log_gamma_density(double log_tau, double shape, double rate) {
  return std::exp(shape * (std::log(rate) + log_tau) - rate * std::exp(log_tau) -
                  std::lgamma(shape));
}

// Inverse of a symmetric positive definite matrix, d x d row-major, by Gauss-Jordan elimination.
inline std::vector<double> inverse(std::vector<double> a, std::size_t d) {
  std::vector<double> b(d * d);
  for (std::size_t i = 0; i < d; ++i) b[i * d + i] = 1.0;
  for (std::size_t pivot = 0; pivot < d; ++pivot) {
    const double scale = 1.0 / a[pivot * d + pivot];
    for (std::size_t j = 0; j < d; ++j) a[pivot * d + j] *= scale, b[pivot * d + j] *= scale;
    for (std::size_t i = 0; i < d; ++i) {
      const double factor = a[i * d + pivot];
      if (i == pivot) continue;
      for (std::size_t j = 0; j < d; ++j) {
        a[i * d + j] -= factor * a[pivot * d + j];
        b[i * d + j] -= factor * b[pivot * d + j];
      }
    }
  }
  return b;
}

// x' A x.
inline double quadratic(const std::vector<double>& a, const double* x, std::size_t d) {
  double sum = 0;
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j < d; ++j) sum += x[i] * a[i * d + j] * x[j];
  }
  return sum;
}

}  // namespace bayesum::oracle
