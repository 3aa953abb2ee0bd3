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

// Y = location + T sqrt(squared_scale + noise / U) with T of Student's t distribution of `degrees`
// degrees of freedom and U ~ Gamma(nu/2, rate nu/2), nu = `degrees_of_freedom`: a response with
// Student-t noise of nu degrees of freedom about a functional of coefficients that are Normal-Gamma
// with its scale. Mean and sd are closed forms; the others are trapezoidal sums over log U, to
// about 1e-12 relative for the density, however far out, and for the interval, absolute for the
// distribution function. Infinite nu: t itself.
struct ScaleMixture {
  double location = 0;
  double squared_scale = 0;
  double noise = 0;
  double degrees = 0;
  double degrees_of_freedom = 0;
};
Prediction scale_mixture_prediction(const ScaleMixture& of, std::optional<double> y);

// log of the density of Student's t distribution at its mode, 0; infinite degrees: normal.
double student_t_log_mode(double degrees_of_freedom);

}  // namespace bayesum
