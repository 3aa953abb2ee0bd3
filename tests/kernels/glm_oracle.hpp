#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/glm_likelihood.hpp"

namespace bayesum::test {

// One observation's loss and its derivatives, written down plainly.
struct LogisticOracle {
  using Loss = LogisticLoss;
  static double loss(double y, double z) {
    return (std::max(z, 0.0) - y * z) + std::log1p(std::exp(-std::fabs(z)));
  }
  static double gradient(double y, double z) {
    const double p = std::exp(-std::fabs(z));
    return z > 0.0 ? (1.0 - y) - p / (1.0 + p) : p / (1.0 + p) - y;
  }
  static double curvature(double, double z) {
    const double p = std::exp(-std::fabs(z));
    return p / ((1.0 + p) * (1.0 + p));
  }
};

struct PoissonOracle {
  using Loss = PoissonLoss;
  static double loss(double y, double z) { return std::exp(z) - y * z + std::lgamma(y + 1.0); }
  static double gradient(double y, double z) { return std::exp(z) - y; }
  static double curvature(double, double z) { return std::exp(z); }
};

struct ProbitOracle {
  static constexpr double kRootHalf = 0.70710678118654752440;
  static double mills(double t) {
    return std::exp(-0.5 * t * t) * 0.39894228040143267794 / (0.5 * std::erfc(-t * kRootHalf));
  }
  static double sided(double y, double z) { return y > 0.5 ? z : -z; }
  // To t = -37, where the distribution function underflows.
  static double loss(double y, double z) {
    const double t = sided(y, z);
    return t > 0 ? -std::log1p(-0.5 * std::erfc(t * kRootHalf))
                 : -std::log(0.5 * std::erfc(-t * kRootHalf));
  }
  static double gradient(double y, double z) {
    return y > 0.5 ? -mills(sided(y, z)) : mills(sided(y, z));
  }
  static double curvature(double y, double z) {
    const double t = sided(y, z);
    return mills(t) * (mills(t) + t);
  }
};

struct NegativeBinomialOracle {
  static constexpr double kDispersion = 2.5;
  static double loss(double y, double z) {
    const double r = kDispersion, mean = std::exp(z);
    return (y + r) * std::log(r + mean) - r * std::log(r) - y * z + std::lgamma(y + 1.0) +
           std::lgamma(r) - std::lgamma(y + r);
  }
  static double gradient(double y, double z) {
    return (y + kDispersion) / (1.0 + kDispersion * std::exp(-z)) - y;
  }
  static double curvature(double y, double z) {
    const double share = 1.0 / (1.0 + kDispersion * std::exp(-z));
    return (y + kDispersion) * share * (1.0 - share);
  }
};

// Expectations under N(mean, variance) by the trapezoidal rule, whose error on an analytic function
// falls like exp(-2 pi times the width of its strip of analyticity over the step).
template <class Oracle>
GlmExpectation expectation_oracle(double y, double mean, double variance) {
  if (variance == 0.0) {
    return {Oracle::loss(y, mean), Oracle::gradient(y, mean), Oracle::curvature(y, mean)};
  }
  constexpr double kRootTwoPi = 2.5066282746310005024;
  constexpr double kReach = 14.0;
  const double deviation = std::sqrt(variance);
  const double step = std::min(0.1, 0.5 / deviation);
  const auto steps = static_cast<int>(kReach / step);
  GlmExpectation sum{0.0, 0.0, 0.0};
  for (int i = -steps; i <= steps; ++i) {
    const double x = i * step;
    const double z = mean + deviation * x;
    const double weight = std::exp(-0.5 * x * x) * step / kRootTwoPi;
    sum.loss += weight * Oracle::loss(y, z);
    sum.gradient += weight * Oracle::gradient(y, z);
    sum.curvature += weight * Oracle::curvature(y, z);
  }
  return sum;
}

inline GlmExpectation expectation_oracle(Likelihood likelihood, double y, double mean,
                                         double variance) {
  switch (likelihood) {
    case Likelihood::kLogistic:
      return expectation_oracle<LogisticOracle>(y, mean, variance);
    case Likelihood::kProbit:
      return expectation_oracle<ProbitOracle>(y, mean, variance);
    case Likelihood::kNegativeBinomial:
      return expectation_oracle<NegativeBinomialOracle>(y, mean, variance);
    case Likelihood::kPoisson:
      break;
  }
  return expectation_oracle<PoissonOracle>(y, mean, variance);
}

}  // namespace bayesum::test
