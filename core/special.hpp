#pragma once

namespace bayesum::special {

// Special functions, distribution functions and quantiles, in float64, from Boost.Math; the one
// place where it is included. Arguments outside a function's domain give NaN.

double log_gamma(double x);
double digamma(double x);
double trigamma(double x);
double log_beta(double a, double b);
double gamma_ratio(double x, double delta);  // Gamma(x) / Gamma(x + delta), without cancellation

double normal_quantile(double p);
double student_t_quantile(double p, double degrees_of_freedom);
double gamma_quantile(double p, double shape);  // rate one
double beta_quantile(double p, double a, double b);

double student_t_sd(double degrees_of_freedom);  // infinite up to 2
double student_t_cdf(double x, double degrees_of_freedom);
double poisson_cdf(double k, double rate);  // P(Y <= k); 0 below k = 0

double negative_binomial_cdf(double k, double mean, double dispersion);  // likewise

}  // namespace bayesum::special
