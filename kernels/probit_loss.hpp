#pragma once

#include <cmath>

#include "kernels/glm_expectation.hpp"

namespace bayesum {

// l(z) = -log Phi((2 y - 1) z), Phi the normal distribution function. With t = (2 y - 1) z what is
// computed is f(t) = -log Phi(t), convex, ~ t^2 / 2 on the left and ~ 0 on the right; its
// singularities lie 2.8 off the real axis. From the standard deviation of z:
//   <= 1   Gauss-Hermite, 20 nodes
//   <= 2   Gauss-Hermite, 64 nodes
//   more   the midpoint rule on the standardized z, with steps of a power of two that are at most
//          0.8 in z; 34 of them on each side of the mean above sd 2, 544 from sd 26 on, and
//          never more. (Gauss rules over a variable whose distribution function is f'' as for the
//          logistic do not exist: its tail falls like |t|^-3, and has no moments.)
// For |mean| <= 40 and sd <= 64 the absolute error of the loss is at most 3e-10 plus 1e-14 of it,
// of the gradient 2e-9, of the curvature 4e-9.
struct ProbitLoss {
  struct Point {  // f, -f', f'' at t
    double loss = 0.0;
    double slope = 0.0;
    double curvature = 0.0;
  };

  // -f' = phi / Phi =: h and f'' = h (h + t). Far left h + t is what Laplace's continued fraction
  // 1 / (x + 2 / (x + 3 / (x + ...))) of x = -t gives, without cancellation.
  BAYESUM_HOST_DEVICE static Point point(double t) {
    constexpr double kRootHalf = 0.70710678118654752440;
    constexpr double kRootTwoPi = 2.5066282746310005024;
    constexpr double kHalfLogTwoPi = 0.91893853320467274178;
    if (t < -5.0) {
      double rest = -t;
      for (double k = 40.0; k > 1.0; k -= 1.0) rest = k / rest - t;
      const double excess = 1.0 / rest;
      const double h = excess - t;
      return {0.5 * t * t + kHalfLogTwoPi + std::log(h), h, h * excess};
    }
    const double density = std::exp(-0.5 * t * t) / kRootTwoPi;
    const double above = 0.5 * std::erfc(t * kRootHalf);
    const double below = t > 0.0 ? 1.0 - above : 0.5 * std::erfc(-t * kRootHalf);
    const double h = density / below;
    return {t > 0.0 ? -std::log1p(-above) : -std::log(below), h, h * (h + t)};
  }

  // Adds the pair t = a +- h, h = deviation * node. E[f''] = E[(t - a) f'] / variance is the exact
  // derivative of E[f']; where the spread is so narrow that its differences are rounding, f''
  // itself has the same average to rounding.
  BAYESUM_HOST_DEVICE static void add_pair(double a, double deviation, double node, double weight,
                                           Point& sum) {
    constexpr double kNarrow = 0.05;
    const Point above = point(a + deviation * node);
    const Point below = point(a - deviation * node);
    sum.loss += weight * (above.loss + below.loss);
    sum.slope += weight * (above.slope + below.slope);
    sum.curvature +=
        weight * (deviation < kNarrow ? above.curvature + below.curvature
                                      : node * (below.slope - above.slope) / deviation);
  }

  template <int kPairs>
  BAYESUM_HOST_DEVICE static Point by_hermite(double a, double deviation,
                                              const PairedRule<kPairs>& rule) {
    Point sum;
    for (int k = 0; k < kPairs; ++k) {
      add_pair(a, deviation, rule.node[k], rule.weight[k], sum);
    }
    return sum;
  }

  BAYESUM_HOST_DEVICE static Point by_midpoints(double a, double deviation) {
    constexpr double kRootTwoPi = 2.5066282746310005024;
    constexpr double kStep = 0.8;   // of t, at most
    constexpr double kReach = 8.5;  // standard deviations; beyond lies 2e-17 of a Gaussian
    constexpr int kFinest = 6;      // the step is at least 2^-kFinest standard deviations
    int exponent = 0;
    std::frexp(deviation / kStep, &exponent);
    const double step = std::ldexp(1.0, exponent < kFinest ? -exponent : -kFinest);
    Point sum;
    for (double node = 0.5 * step; node < kReach; node += step) {
      add_pair(a, deviation, node, step * std::exp(-0.5 * node * node) / kRootTwoPi, sum);
    }
    return sum;
  }

  BAYESUM_HOST_DEVICE static GlmExpectation from_point(double y, const Point& of) {
    return {of.loss, y > 0.5 ? -of.slope : of.slope, of.curvature};
  }

  BAYESUM_HOST_DEVICE static GlmExpectation at(double y, double z) {
    return from_point(y, point(y > 0.5 ? z : -z));
  }

  BAYESUM_HOST_DEVICE static GlmExpectation under(double y, double mean, double variance,
                                                  const QuadratureRules& rules) {
    const double a = y > 0.5 ? mean : -mean;
    const double deviation = std::sqrt(variance);
    if (deviation > 2.0) return from_point(y, by_midpoints(a, deviation));
    if (deviation > 1.0) return from_point(y, by_hermite(a, deviation, rules.hermite64));
    return from_point(y, by_hermite(a, deviation, rules.hermite20));
  }
};

}  // namespace bayesum
