#pragma once

#include <cmath>

#include "kernels/gamma.hpp"
#include "kernels/host_device.hpp"
#include "kernels/quadrature.hpp"

namespace bayesum {

// E[l(z)], E[l'(z)] and E[l''(z)] under z ~ N(mean, variance), l the negative log-likelihood of one
// observation. The last two are the exact derivatives of the first as it is computed: E[l'] in the
// mean, E[l''] twice that in the variance.
struct GlmExpectation {
  double loss;
  double gradient;
  double curvature;
};

// What a row of this weight adds: nothing at all for none, even where the row overflows.
BAYESUM_HOST_DEVICE inline GlmExpectation weighted(const GlmExpectation& row, double weight) {
  if (weight == 0.0) return {0.0, 0.0, 0.0};
  return {weight * row.loss, weight * row.gradient, weight * row.curvature};
}

// l(z) = log(1 + e^z) - y z, with s(z) = 1 / (1 + e^-z) = l' + y.
//
// With a = |mean|, what is computed is the tail: the expectations of log(1 + e^-z), s(-z) and s'(z)
// under N(a, variance), all positive, so that nothing cancels however large a is. From the standard
// deviation of z:
//   <= 1   Gauss-Hermite, 20 nodes
//   <= 3   Gauss-Hermite, 64 nodes
//   more   s is the distribution function of a logistic variable T, so
//            E[s(z)] = E_T[Phi((mean - T) / sd)],
//          which is smooth on the scale of T where the sigmoid is steep on the scale of z:
//          Gauss-logistic, 20 nodes. (64 Gauss-Hermite nodes err by 2e-2 of s at sd = 30.)
// Absolute error of loss and gradient at most 2e-7, relative error of the curvature 1e-6.
struct LogisticLoss {
  struct Tail {
    double loss = 0.0;
    double probability = 0.0;
    double curvature = 0.0;
  };

  BAYESUM_HOST_DEVICE static Tail tail_at(double a) {
    const double p = std::exp(-a);
    const double probability = p / (1.0 + p);
    return {std::log1p(p), probability, probability / (1.0 + p)};
  }

  // The pair z = a +- h, with p = e^-(a + h) and q = e^-|a - h| from decay = e^-a; h < 50. The
  // curvature takes s(a + h) - s(a - h) = (1 - e^-2h) e^(h - a) / ((1 + p)(1 + e^(h - a))).
  BAYESUM_HOST_DEVICE static Tail tail_of_pair(double a, double decay, double h) {
    const double u = std::exp(-h);
    const bool same_side = h <= a;
    const double p = decay * u;
    const double q = same_side ? decay / u : u / decay;
    const double product = (1.0 + p) * (1.0 + q);
    const double overshoot = same_side ? 0.0 : h - a;
    const double nearer = same_side ? q : 1.0;
    const double apart = h < 0.5 ? -std::expm1(-2.0 * h) : 1.0 - u * u;
    return {overshoot + std::log1p(p + q + p * q), (p * (1.0 + q) + nearer * (1.0 + p)) / product,
            apart * nearer / product};
  }

  template <int kPairs>
  BAYESUM_HOST_DEVICE static Tail tail_by_hermite(double a, double deviation,
                                                  const PairedRule<kPairs>& rule) {
    Tail tail;
    const double decay = std::exp(-a);
    for (int k = 0; k < kPairs; ++k) {
      const Tail pair = tail_of_pair(a, decay, deviation * rule.node[k]);
      tail.loss += rule.weight[k] * pair.loss;
      tail.probability += rule.weight[k] * pair.probability;
      tail.curvature += rule.weight[k] * rule.node[k] * pair.curvature;
    }
    tail.curvature /= deviation;
    return tail;
  }

  // The expectation over z given T = t: of (-z - t)+, of the event z < -t, and the density there.
  BAYESUM_HOST_DEVICE static Tail tail_given(double a, double deviation, double t) {
    constexpr double kRootHalf = 0.70710678118654752440;
    constexpr double kRootTwoPi = 2.5066282746310005024;
    const double u = (-a - t) / deviation;
    const double probability = 0.5 * std::erfc(-u * kRootHalf);
    const double density = std::exp(-0.5 * u * u) / kRootTwoPi;
    return {deviation * (u * probability + density), probability, density / deviation};
  }

  template <int kPairs>
  BAYESUM_HOST_DEVICE static Tail tail_by_logistic(double a, double deviation,
                                                   const PairedRule<kPairs>& rule) {
    Tail tail;
    for (int k = 0; k < kPairs; ++k) {
      const Tail above = tail_given(a, deviation, rule.node[k]);
      const Tail below = tail_given(a, deviation, -rule.node[k]);
      tail.loss += rule.weight[k] * (above.loss + below.loss);
      tail.probability += rule.weight[k] * (above.probability + below.probability);
      tail.curvature += rule.weight[k] * (above.curvature + below.curvature);
    }
    return tail;
  }

  BAYESUM_HOST_DEVICE static GlmExpectation from_tail(double y, double mean, const Tail& tail) {
    const bool positive = mean > 0.0;
    return {tail.loss + (positive ? (1.0 - y) * mean : -y * mean),
            positive ? (1.0 - y) - tail.probability : tail.probability - y, tail.curvature};
  }

  BAYESUM_HOST_DEVICE static GlmExpectation at(double y, double z) {
    return from_tail(y, z, tail_at(std::fabs(z)));
  }

  BAYESUM_HOST_DEVICE static GlmExpectation under(double y, double mean, double variance,
                                                  const QuadratureRules& rules) {
    const double a = std::fabs(mean);
    const double deviation = std::sqrt(variance);
    if (deviation > 3.0)
      return from_tail(y, mean, tail_by_logistic(a, deviation, rules.logistic20));
    if (deviation > 1.0) return from_tail(y, mean, tail_by_hermite(a, deviation, rules.hermite64));
    return from_tail(y, mean, tail_by_hermite(a, deviation, rules.hermite20));
  }
};

// l(z) = e^z - y z + log y!, and E[e^z] = e^(mean + variance / 2). Overflow is infinity, and flows.
struct PoissonLoss {
  BAYESUM_HOST_DEVICE static GlmExpectation from_rate(double y, double mean, double rate) {
    return {rate - y * mean + log_factorial(y), rate - y, rate};
  }

  BAYESUM_HOST_DEVICE static GlmExpectation at(double y, double z) {
    return from_rate(y, z, std::exp(z));
  }

  BAYESUM_HOST_DEVICE static GlmExpectation under(double y, double mean, double variance,
                                                  const QuadratureRules& /*rules*/) {
    return from_rate(y, mean, std::exp(mean + 0.5 * variance));
  }
};

// A count with mean e^z and variance e^z + e^2z / r, r the dispersion. With u = z - log r,
//
//   l(z) = (y + r) log(1 + e^u) - y u + log y! - log(Gamma(y + r) / Gamma(r)),
//
// which is y + r times the logistic loss of u with a response of y / (y + r), but for a constant:
// so are its expectations and their errors.
struct NegativeBinomialLoss {
  double dispersion;
  double log_dispersion;

  explicit NegativeBinomialLoss(double r) : dispersion(r), log_dispersion(std::log(r)) {}

  // log(Gamma(r + y) / Gamma(r)) of a whole y, r <= 1e8: the logarithm of the product, or of its
  // first factors, which leaves Stirling's series for arguments b >= 20.
  BAYESUM_HOST_DEVICE static double log_rising(double r, double y) {
    constexpr double kFactors = 20.0;
    double product = 1.0;
    for (double k = 0.0; k < y && k < kFactors; k += 1.0) product *= r + k;
    if (y <= kFactors) return std::log(product);
    const double b = r + kFactors, steps = y - kFactors;
    return std::log(product) + (b - 0.5) * std::log1p(steps / b) + steps * std::log(b + steps) -
           steps + stirling_rest(b + steps) - stirling_rest(b);
  }

  // What Stirling's formula leaves of log Gamma(x), x >= 20.
  BAYESUM_HOST_DEVICE static double stirling_rest(double x) {
    const double r = 1.0 / x;
    return r * (1.0 / 12.0 - r * r * (1.0 / 360.0 - r * r * (1.0 / 1260.0 - r * r / 1680.0)));
  }

  BAYESUM_HOST_DEVICE GlmExpectation from_logistic(double y, const GlmExpectation& of) const {
    const double trials = y + dispersion;
    const double constant = log_factorial(y) - log_rising(dispersion, y);
    return {trials * of.loss + constant, trials * of.gradient, trials * of.curvature};
  }

  BAYESUM_HOST_DEVICE GlmExpectation at(double y, double z) const {
    return from_logistic(y, LogisticLoss::at(y / (y + dispersion), z - log_dispersion));
  }

  BAYESUM_HOST_DEVICE GlmExpectation under(double y, double mean, double variance,
                                           const QuadratureRules& rules) const {
    return from_logistic(
        y, LogisticLoss::under(y / (y + dispersion), mean - log_dispersion, variance, rules));
  }
};

// Without spread an expectation is the value at the mean.
template <class Loss>
BAYESUM_HOST_DEVICE GlmExpectation glm_expectation(const Loss& loss, double y, double mean,
                                                   double variance, const QuadratureRules& rules) {
  return variance == 0.0 ? loss.at(y, mean) : loss.under(y, mean, variance, rules);
}

}  // namespace bayesum
