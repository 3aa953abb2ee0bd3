#pragma once

#include "tests/laws/regression.hpp"

namespace bayesum::oracle {

// The negative log-likelihood l(z; y) of a generalised linear model, its derivatives in z, and its
// expectation, from their definitions.
class GlmLoss {
 public:
  explicit GlmLoss(const std::string& model) : poisson_(model == "poisson") {}

  Real value(Real y, Real z) const {
    if (poisson_) return std::exp(z) - y * z + std::lgamma(y + 1);
    return std::max(z, Real(0)) + std::log1p(std::exp(-std::abs(z))) - y * z;
  }
  Real first(Real y, Real z) const { return (poisson_ ? std::exp(z) : 1 / (1 + std::exp(-z))) - y; }
  Real second(Real z) const {
    if (poisson_) return std::exp(z);
    const Real p = 1 / (1 + std::exp(-z));
    return p * (1 - p);
  }
  // Under z ~ N(mean, variance): Poisson in closed form, else the trapezoidal rule, which converges
  // exponentially.
  Real expected(Real y, Real mean, Real variance) const;

 private:
  bool poisson_;
};

// Sum of w_i E[l(z_i; y_i)] under coefficients N(mean, covariance).
Real expected_loss(const Regression& data, const GlmLoss& loss, const Vector& mean,
                   const Matrix& covariance);

// Gradient and Hessian at beta of the negative log joint density, likelihood and prior.
struct Derivatives {
  Vector gradient;
  Matrix hessian;
};
Derivatives joint_derivatives(const Regression& data, const GlmLoss& loss, const Vector& beta);

}  // namespace bayesum::oracle
