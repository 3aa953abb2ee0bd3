#pragma once

#include "tests/laws/glm_oracle.hpp"

namespace bayesum::oracle {

// Softmax regression from its definition: C classes, theta the coefficients of all but the first,
// one class after the other.
struct Softmax {
  const Regression& data;
  std::size_t classes;

  std::size_t dimension() const { return (classes - 1) * data.columns(); }
  // Minus the log-likelihood, its gradient and its Hessian, summed over rows.
  Real loss(const Vector& theta) const;
  Derivatives derivatives(const Vector& theta) const;
  // The same of the log joint density, each class having the regression's prior.
  Derivatives joint_derivatives(const Vector& theta) const;

 private:
  Vector probabilities(std::size_t row, const Vector& theta) const;
};

}  // namespace bayesum::oracle
