#pragma once

namespace bayesum {

// What is reported of one number: mean, sd and central 95 % interval. A moment that does not exist
// is infinite.
struct Marginal {
  double mean = 0;
  double sd = 0;
  double low = 0;
  double high = 0;
};

// location + scale t, t Student's with so many degrees of freedom; infinitely many: Gaussian.
Marginal student_t_marginal(double location, double scale, double degrees_of_freedom);
Marginal gamma_marginal(double shape, double rate);
Marginal beta_marginal(double a, double b);
// The standard deviation tau^(-1/2) of a Gaussian whose precision is tau ~ Gamma(shape, rate):
//   E = sqrt(rate) Gamma(shape - 1/2) / Gamma(shape)      E[tau^-1] = rate / (shape - 1)
Marginal sd_marginal(double shape, double rate);
// The same in another unit: the number times `unit`, plus `origin`.
Marginal rescaled(Marginal marginal, double unit, double origin = 0.0);

}  // namespace bayesum
