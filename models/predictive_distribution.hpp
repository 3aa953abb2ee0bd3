#pragma once

#include <limits>
#include <optional>
#include <vector>

namespace bayesum {

// The predictive distribution of one response. What speaks of an observed response is NaN where
// there is none.
struct Prediction {
  double mean = 0;
  double sd = 0;
  double low = 0;  // central 90 % predictive interval: the 5 % and 95 % quantiles
  double high = 0;
  double log_density = std::numeric_limits<double>::quiet_NaN();  // log p(y)
  double cdf_below = std::numeric_limits<double>::quiet_NaN();    // P(Y < y)
  double cdf = std::numeric_limits<double>::quiet_NaN();          // P(Y <= y)
  // Of each class, where the response is a category; then only these and the density are not NaN.
  std::vector<double> probabilities = {};
};

// Mixtures over the linear predictor z ~ N(location, variance); variance 0 is the plain
// distribution. Expectations are trapezoidal sums over the standardized z, which converge
// exponentially for these integrands: to about 1e-12 relative for standard deviations of z up to
// about 100, and better than 1e-3 beyond. log p(y) is summed around the mode of its integrand, so
// that it holds far in the tails.
//   Trefethen and Weideman, "The exponentially convergent trapezoidal rule", SIAM Review 56 (2014).

// Y ~ Bernoulli(1 / (1 + e^-z)).
Prediction bernoulli_prediction(double location, double variance, std::optional<double> y);

// Y ~ Bernoulli(Phi(z)), in closed form: P(Y = 1) = Phi(location / sqrt(1 + variance)).
Prediction probit_prediction(double location, double variance, std::optional<double> y);

// Y ~ Poisson(e^z): mean = exp(location + variance / 2), variance = mean + mean^2 (e^variance - 1).
Prediction poisson_prediction(double location, double variance, std::optional<double> y);

// Y a count with mean e^z and variance e^z + e^2z / r, r the dispersion in [1e-3, 1e8]: mean =
// exp(location + variance / 2), variance = mean + mean^2 (e^variance - 1 + e^variance / r).
Prediction negative_binomial_prediction(double location, double variance, double dispersion,
                                        std::optional<double> y);

// Y = location + scale T, T of Student's t distribution; infinite degrees of freedom: normal.
Prediction student_t_prediction(double location, double scale, double degrees_of_freedom,
                                std::optional<double> y);

}  // namespace bayesum
