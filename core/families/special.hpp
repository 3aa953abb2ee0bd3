#pragma once

#include <cstddef>
#include <span>

namespace bayesum::special {

// Special functions, distribution functions and quantiles, in float64, from Boost.Math; the one
// place where it is included. Arguments outside a function's domain give NaN.

double log_gamma(double x);
double digamma(double x);
double trigamma(double x);
double log_beta(double a, double b);
double gamma_ratio(double x, double delta);  // Gamma(x) / Gamma(x + delta), without cancellation

// Of dimension D: log Gamma_D(x) = D (D - 1) log(pi) / 4 + sum_i log Gamma(x - i / 2), i < D, and
// its derivative.
double log_multivariate_gamma(double x, std::size_t dimension);
double multivariate_digamma(double x, std::size_t dimension);

// Inverses, by Newton's method kept inside a bracket of the root.
double inverse_digamma(double y);  // x > 0
// n > D - 1 with D log(n / 2) - multivariate_digamma(n / 2, D) = gap > 0: the degrees of freedom of
// a Wishart, log|E[Lambda]| - E[log|Lambda|] apart. A Gamma's shape is that of dimension one,
// halved.
double wishart_degrees(double gap, std::size_t dimension);
double gamma_shape(double gap);  // a with log a - digamma(a) = gap
// alpha with digamma(alpha_k) - digamma(sum alpha) = log_mean[k] for every k; at least two.
void dirichlet_shapes(std::span<const double> log_mean, std::span<double> alpha);

double normal_cdf(double x);  // relatively exact in the left tail too
double normal_quantile(double p);
double student_t_quantile(double p, double degrees_of_freedom);
double gamma_quantile(double p, double shape);  // rate one
// The logarithm of the quantile p of Gamma(shape) where shape >= 1, else of a draw made of the
// quantile p of Gamma(shape + 1) and a second uniform number, which does not underflow.
double log_gamma_draw(double p, double second, double shape);
double beta_quantile(double p, double a, double b);
double poisson_quantile(double p, double rate);

double student_t_sd(double degrees_of_freedom);  // infinite up to 2
double student_t_cdf(double x, double degrees_of_freedom);
double poisson_cdf(double k, double rate);  // P(Y <= k); 0 below k = 0

double negative_binomial_cdf(double k, double mean, double dispersion);  // likewise

}  // namespace bayesum::special
