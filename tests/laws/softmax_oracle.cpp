#include "tests/laws/softmax_oracle.hpp"

namespace bayesum::oracle {

Vector Softmax::probabilities(std::size_t row, const Vector& theta) const {
  const std::size_t d = data.columns();
  Vector p{1};
  Real sum = 1;
  for (std::size_t c = 1; c < classes; ++c) {
    Real z = 0;
    for (std::size_t j = 0; j < d; ++j) z += data.x[row][j] * theta[(c - 1) * d + j];
    p.push_back(std::exp(z));
    sum += p.back();
  }
  for (Real& x : p) x /= sum;
  return p;
}

Real Softmax::loss(const Vector& theta) const {
  Real sum = 0;
  for (std::size_t i = 0; i < data.rows(); ++i) {
    sum -= data.weight[i] * std::log(probabilities(i, theta)[static_cast<std::size_t>(data.y[i])]);
  }
  return sum;
}

Derivatives Softmax::derivatives(const Vector& theta) const {
  const std::size_t d = data.columns();
  Derivatives at{Vector(dimension()), Matrix(dimension())};
  for (std::size_t i = 0; i < data.rows(); ++i) {
    const Vector p = probabilities(i, theta);
    for (std::size_t r = 0; r < dimension(); ++r) {
      const std::size_t a = r / d + 1;
      const Real x = data.weight[i] * data.x[i][r % d];
      at.gradient[r] += x * (p[a] - (data.y[i] == static_cast<Real>(a) ? 1 : 0));
      for (std::size_t q = 0; q < dimension(); ++q) {
        const std::size_t b = q / d + 1;
        at.hessian(r, q) += x * data.x[i][q % d] * ((a == b ? p[a] : 0) - p[a] * p[b]);
      }
    }
  }
  return at;
}

Derivatives Softmax::joint_derivatives(const Vector& theta) const {
  const std::size_t d = data.columns();
  Derivatives at = derivatives(theta);
  for (std::size_t r = 0; r < dimension(); ++r) {
    at.gradient[r] += data.prior_precision[r % d] * (theta[r] - data.prior_mean[r % d]);
    at.hessian(r, r) += data.prior_precision[r % d];
  }
  return at;
}

}  // namespace bayesum::oracle
