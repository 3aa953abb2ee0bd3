#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/glm_expectation.hpp"

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

}  // namespace bayesum::test
