#pragma once

#include "tests/laws/regression.hpp"

namespace bayesum::oracle {

// The negative log-likelihood l(z; y) of a generalised linear model, its derivatives in z, and its
// expectation, from their definitions.
class GlmLoss {
 public:
  explicit GlmLoss(const ModelConfig& model)
      : model_(model.name), dispersion_(static_cast<Real>(model.dispersion)) {}

  Real value(Real y, Real z) const;
  Real first(Real y, Real z) const;
  Real second(Real y, Real z) const;
  // Under z ~ N(mean, variance): Poisson in closed form, else the trapezoidal rule, which converges
  // exponentially.
  Real expected(Real y, Real mean, Real variance) const;

 private:
  std::string model_;
  Real dispersion_;
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
