#include "core/special.hpp"

#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/gamma.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/digamma.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <boost/math/special_functions/trigamma.hpp>
#include <cmath>
#include <limits>

namespace bayesum::special {
namespace {

namespace bm = boost::math;

// No exceptions out of special functions: a bad argument is NaN, an overflow infinity.
using Quiet = bm::policies::policy<bm::policies::domain_error<bm::policies::ignore_error>,
                                   bm::policies::pole_error<bm::policies::ignore_error>,
                                   bm::policies::overflow_error<bm::policies::ignore_error>,
                                   bm::policies::underflow_error<bm::policies::ignore_error>,
                                   bm::policies::evaluation_error<bm::policies::ignore_error>>;

// The same in float64 throughout, several times faster, for what is called for every row.
using Quick = bm::policies::normalise<Quiet, bm::policies::promote_double<false>>::type;

}  // namespace

double log_gamma(double x) { return bm::lgamma(x, Quiet()); }
double digamma(double x) { return bm::digamma(x, Quiet()); }
double trigamma(double x) { return bm::trigamma(x, Quiet()); }

double log_beta(double a, double b) { return log_gamma(a) + log_gamma(b) - log_gamma(a + b); }

double gamma_ratio(double x, double delta) { return bm::tgamma_delta_ratio(x, delta, Quiet()); }

double normal_quantile(double p) {
  return bm::quantile(bm::normal_distribution<double, Quiet>(), p);
}

double student_t_quantile(double p, double degrees_of_freedom) {
  return bm::quantile(bm::students_t_distribution<double, Quiet>(degrees_of_freedom), p);
}

double gamma_quantile(double p, double shape) { return bm::gamma_p_inv(shape, p, Quiet()); }

double beta_quantile(double p, double a, double b) { return bm::ibeta_inv(a, b, p, Quiet()); }

double student_t_sd(double degrees_of_freedom) {
  if (std::isinf(degrees_of_freedom)) return 1.0;
  if (!(degrees_of_freedom > 2)) return std::numeric_limits<double>::infinity();
  return std::sqrt(degrees_of_freedom / (degrees_of_freedom - 2));
}

double student_t_cdf(double x, double degrees_of_freedom) {
  return bm::cdf(bm::students_t_distribution<double, Quiet>(degrees_of_freedom), x);
}

double poisson_cdf(double k, double rate) {
  if (k < 0) return 0.0;
  if (std::isinf(rate)) return 0.0;
  return bm::gamma_q(std::floor(k) + 1.0, rate, Quick());
}

double negative_binomial_cdf(double k, double mean, double dispersion) {
  if (k < 0) return 0.0;
  if (std::isinf(mean)) return 0.0;
  return bm::ibeta(dispersion, std::floor(k) + 1.0, dispersion / (dispersion + mean), Quick());
}

}  // namespace bayesum::special
