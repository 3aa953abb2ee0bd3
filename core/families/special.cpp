#include "core/families/special.hpp"

#include <algorithm>
#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/gamma.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/poisson.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/digamma.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <boost/math/special_functions/trigamma.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

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

// The root of f in (low, high), f falling through it, from a start inside. f gives its value and
// its derivative. Newton's method; where that leaves what is known of the root, the middle of it.
template <class Function>
double falling_root(const Function& f, double low, double high, double x) {
  for (int iteration = 0; iteration < 200; ++iteration) {
    const auto [value, slope] = f(x);
    if (value == 0 || std::isnan(value)) return x;
    (value > 0 ? low : high) = x;
    double next = x - value / slope;
    if (!(next > low && next < high)) next = 0.5 * (low + high);
    if (std::abs(next - x) <= 2.0 * std::numeric_limits<double>::epsilon() * std::abs(x)) {
      return next;
    }
    x = next;
  }
  return x;
}

// log a - digamma(a), without cancellation where a is large (the asymptotic series of digamma).
double log_minus_digamma(double a) {
  if (a < 30.0) return std::log(a) - bm::digamma(a, Quiet());
  const double s = 1.0 / (a * a);
  return 0.5 / a + s * (1.0 / 12 - s * (1.0 / 120 - s * (1.0 / 252 - s * (1.0 / 240))));
}

}  // namespace

double log_gamma(double x) { return bm::lgamma(x, Quiet()); }
double digamma(double x) { return bm::digamma(x, Quiet()); }
double trigamma(double x) { return bm::trigamma(x, Quiet()); }

double log_beta(double a, double b) { return log_gamma(a) + log_gamma(b) - log_gamma(a + b); }

double gamma_ratio(double x, double delta) { return bm::tgamma_delta_ratio(x, delta, Quiet()); }

double log_multivariate_gamma(double x, std::size_t dimension) {
  const auto d = static_cast<double>(dimension);
  double sum = 0.25 * d * (d - 1.0) * std::log(std::numbers::pi);
  for (std::size_t i = 0; i < dimension; ++i) sum += log_gamma(x - 0.5 * static_cast<double>(i));
  return sum;
}

double multivariate_digamma(double x, std::size_t dimension) {
  double sum = 0;
  for (std::size_t i = 0; i < dimension; ++i) sum += digamma(x - 0.5 * static_cast<double>(i));
  return sum;
}

double inverse_digamma(double y) {
  constexpr double kEuler = std::numbers::egamma;
  const double start = y > -2.22 ? std::exp(y) + 0.5 : -1.0 / (y + kEuler);  // Minka (2000)
  return falling_root([y](double x) { return std::pair(y - digamma(x), -trigamma(x)); }, 0.0,
                      std::numeric_limits<double>::max(), start);
}

double wishart_degrees(double gap, std::size_t dimension) {
  if (!(gap > 0)) return std::numeric_limits<double>::infinity();
  const auto d = static_cast<double>(dimension);
  // In the logarithm of n - (D - 1), of which the gap is convex; it is above 1 / (n - (D - 1)), so
  // that Newton's method begins to the left of the root and stays there.
  const auto excess = [&](double u) {
    const double above = std::exp(u);
    const double n = d - 1.0 + above;
    double value = -gap, slope = d / n;
    for (std::size_t i = 0; i < dimension; ++i) {
      const double x = 0.5 * (above + static_cast<double>(dimension - 1 - i));
      value += log_minus_digamma(x) + std::log1p(0.5 * static_cast<double>(i) / x);
      slope -= 0.5 * trigamma(x);
    }
    return std::pair(value, slope * above);
  };
  return d - 1.0 + std::exp(falling_root(excess, -700.0, 700.0, -std::log(gap)));
}

double gamma_shape(double gap) { return 0.5 * wishart_degrees(gap, 1); }

// In the logarithm of the sum: each alpha_k is a function of it, and they must add up to it.
void dirichlet_shapes(std::span<const double> log_mean, std::span<double> alpha) {
  const auto excess = [&](double u) {
    const double total = std::exp(u);
    const double level = digamma(total);
    double sum = 0, slope = 0;
    for (std::size_t k = 0; k < alpha.size(); ++k) {
      alpha[k] = inverse_digamma(log_mean[k] + level);
      sum += alpha[k];
      slope += 1.0 / trigamma(alpha[k]);
    }
    return std::pair(sum / total - 1.0, slope * trigamma(total) - sum / total);
  };
  // Were log_mean the logarithms of the means, they would add up to one; Jensen's inequality takes
  // about (K - 1) / (2 sum alpha) from that.
  double probability = 0;
  for (const double l : log_mean) probability += std::exp(l);
  const double rest = std::max(1.0 - probability, 1e-300);
  const double start = std::log(0.5 * static_cast<double>(alpha.size() - 1) / rest);
  const double root = falling_root(excess, -700.0, 700.0, start);
  excess(root);
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

double normal_quantile(double p) {
  return bm::quantile(bm::normal_distribution<double, Quiet>(), p);
}

double student_t_quantile(double p, double degrees_of_freedom) {
  return bm::quantile(bm::students_t_distribution<double, Quiet>(degrees_of_freedom), p);
}

double gamma_quantile(double p, double shape) { return bm::gamma_p_inv(shape, p, Quiet()); }

double log_gamma_draw(double p, double second, double shape) {
  if (shape >= 1.0) return std::log(gamma_quantile(p, shape));
  return std::log(gamma_quantile(p, shape + 1.0)) + std::log(second) / shape;
}

double beta_quantile(double p, double a, double b) { return bm::ibeta_inv(a, b, p, Quiet()); }

double poisson_quantile(double p, double rate) {
  using Upwards = bm::policies::normalise<
      Quiet, bm::policies::discrete_quantile<bm::policies::integer_round_up>>::type;
  return rate > 0 ? bm::quantile(bm::poisson_distribution<double, Upwards>(rate), p) : 0.0;
}

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
