#include "tests/laws/glm_oracle.hpp"

#include <algorithm>

namespace bayesum::oracle {

namespace {

// Minus the slope of -log Phi(t).
Real mills(Real t) {
  return std::exp(-t * t / 2) / std::sqrt(kTwoPi) / (std::erfc(-t / std::sqrt(Real(2))) / 2);
}

}  // namespace

Real GlmLoss::value(Real y, Real z) const {
  const Real r = dispersion_;
  if (model_ == "poisson") return std::exp(z) - y * z + std::lgamma(y + 1);
  if (model_ == "probit") {
    return -std::log(std::erfc((y > 0 ? -z : z) / std::sqrt(Real(2))) / 2);
  }
  if (model_ == "negative-binomial") {
    return (y + r) * std::log(r + std::exp(z)) - r * std::log(r) - y * z + std::lgamma(r) +
           std::lgamma(y + 1) - std::lgamma(y + r);
  }
  return std::max(z, Real(0)) + std::log1p(std::exp(-std::abs(z))) - y * z;
}

Real GlmLoss::first(Real y, Real z) const {
  if (model_ == "poisson") return std::exp(z) - y;
  if (model_ == "probit") return y > 0 ? -mills(z) : mills(-z);
  if (model_ == "negative-binomial") {
    return (y + dispersion_) * std::exp(z) / (dispersion_ + std::exp(z)) - y;
  }
  return 1 / (1 + std::exp(-z)) - y;
}

Real GlmLoss::second(Real y, Real z) const {
  if (model_ == "poisson") return std::exp(z);
  if (model_ == "probit") {
    const Real t = y > 0 ? z : -z;
    return mills(t) * (mills(t) + t);
  }
  if (model_ == "negative-binomial") {
    const Real sum = dispersion_ + std::exp(z);
    return (y + dispersion_) * dispersion_ * std::exp(z) / (sum * sum);
  }
  const Real p = 1 / (1 + std::exp(-z));
  return p * (1 - p);
}

Real GlmLoss::expected(Real y, Real mean, Real variance) const {
  if (variance == 0) return value(y, mean);
  if (model_ == "poisson") return std::exp(mean + variance / 2) - y * mean + std::lgamma(y + 1);
  constexpr Real kStep = 1.0L / 16;
  const Real sd = std::sqrt(variance);
  Real sum = 0;
  for (Real x = -10; x <= 10; x += kStep) sum += std::exp(-x * x / 2) * value(y, mean + sd * x);
  return sum * kStep / std::sqrt(kTwoPi);
}

Real expected_loss(const Regression& data, const GlmLoss& loss, const Vector& mean,
                   const Matrix& covariance) {
  Real sum = 0;
  for (std::size_t i = 0; i < data.rows(); ++i) {
    const Real variance = dot(data.x[i], multiply(covariance, data.x[i]));
    sum += data.weight[i] * loss.expected(data.y[i], data.predictor(i, mean), variance);
  }
  return sum;
}

Derivatives joint_derivatives(const Regression& data, const GlmLoss& loss, const Vector& beta) {
  const std::size_t d = data.columns();
  Derivatives at{Vector(d), Matrix(d)};
  for (std::size_t j = 0; j < d; ++j) {
    at.gradient[j] = data.prior_precision[j] * (beta[j] - data.prior_mean[j]);
    at.hessian(j, j) = data.prior_precision[j];
  }
  for (std::size_t i = 0; i < data.rows(); ++i) {
    const Real z = data.predictor(i, beta);
    const Real first = data.weight[i] * loss.first(data.y[i], z);
    const Real second = data.weight[i] * loss.second(data.y[i], z);
    for (std::size_t j = 0; j < d; ++j) {
      at.gradient[j] += first * data.x[i][j];
      for (std::size_t k = 0; k < d; ++k) {
        at.hessian(j, k) += second * data.x[i][j] * data.x[i][k];
      }
    }
  }
  return at;
}

}  // namespace bayesum::oracle
