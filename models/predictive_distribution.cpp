#include "models/predictive_distribution.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/families/special.hpp"
#include "kernels/probit_loss.hpp"

namespace bayesum {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kTail = 0.05;         // each side of the interval
constexpr double kReach = 8.5;         // standard deviations; beyond lies 2e-17 of a Gaussian
constexpr double kMostNodes = 8192;    // on each side
constexpr double kNegligible = -40.0;  // log of a term that adds nothing to its neighbours
constexpr double kStepOfPredictor =
    0.25;  // resolves a likelihood, whose features have width ~ 1 in z

// log p(y | z) with its first two derivatives in z; concave.
struct LogLikelihood {
  double value, first, second;
};

double log_sigmoid(double z) {
  return z < 0 ? z - std::log1p(std::exp(z)) : -std::log1p(std::exp(-z));
}

LogLikelihood bernoulli(double y, double z) {
  const double sign = y > 0.5 ? 1.0 : -1.0;
  const double other = std::exp(log_sigmoid(-sign * z));  // of the other outcome
  return {log_sigmoid(sign * z), sign * other, -other * (1.0 - other)};
}

LogLikelihood poisson(double y, double z) {
  const double rate = std::exp(z);
  return {(y > 0 ? y * z : 0.0) - rate - special::log_gamma(y + 1.0), y - rate, -rate};
}

LogLikelihood negative_binomial(double y, double r, double z) {
  const double u = z - std::log(r);
  const double event = std::exp(log_sigmoid(u));
  const double constant = NegativeBinomialLoss::log_rising(r, y) - special::log_gamma(y + 1.0);
  return {(y > 0 ? y * log_sigmoid(u) : 0.0) + r * log_sigmoid(-u) + constant,
          y * std::exp(log_sigmoid(-u)) - r * event, -(y + r) * event * (1.0 - event)};
}

// The mode of -t^2/2 + log p(y | location + sd t): the root of the decreasing slope, which lies
// between 0 and the slope at 0, and not so far below that the likelihood no longer pulls. Newton's
// method, by halves where it leaves what is known of the root or hardly moves.
template <class LogDensity>
double mode_of(const LogDensity& log_density, double location, double sd) {
  const double start = sd * log_density(location).first;
  double low = std::clamp(start, -1e3 - std::abs(location) / sd, 0.0);
  double high = std::max(0.0, start), t = 0.0, moved = high - low;
  for (int iteration = 0; iteration < 200 && std::abs(moved) > 1e-6; ++iteration) {
    const LogLikelihood at = log_density(location + sd * t);
    const double slope = -t + sd * at.first;
    (slope > 0 ? low : high) = t;
    double next = t + slope / (1.0 - sd * sd * at.second);
    const bool useful = next > low && next < high && std::abs(next - t) < 0.5 * std::abs(moved);
    if (!useful) next = 0.5 * (low + high);
    moved = next - t;
    t = next;
  }
  return t;
}

// log E[p(y | z)], z ~ N(location, sd^2).
template <class LogDensity>
double log_expectation(const LogDensity& log_density, double location, double sd) {
  if (!(sd > 0)) return log_density(location).value;
  const double mode = mode_of(log_density, location, sd);
  const auto log_term = [&](double t) {
    return -0.5 * t * t + log_density(location + sd * t).value;
  };
  const double peak = log_term(mode);
  if (!std::isfinite(peak)) return peak;
  const double width = 1.0 / std::sqrt(1.0 - sd * sd * log_density(location + sd * mode).second);
  const double step =
      std::max(std::min(0.5 * width, kStepOfPredictor / sd), 2.0 * kReach / kMostNodes);
  double sum = 1.0;
  for (const double direction : {-step, step}) {
    for (double i = 1; i <= kMostNodes; ++i) {
      const double term = log_term(mode + i * direction) - peak;
      if (!(term > kNegligible)) break;
      sum += std::exp(term);
    }
  }
  return peak + std::log(sum * step / std::sqrt(2.0 * std::numbers::pi));
}

// 1 + u - e^u, without cancellation at small u.
double minus_exp_remainder(double u) {
  return std::abs(u) < 1e-5 ? -0.5 * u * u * (1.0 + u / 3.0) : u - std::expm1(u);
}

// E[P(Y <= k | z)] summed over z, for a spread of z that is small beside what k resolves, given
// P(Y <= k) at the mean e^z.
template <class Cdf>
double narrow_cdf(const Cdf& cdf_at_mean, double location, double sd) {
  double sum = 0, weights = 0;
  for (int i = -17; i <= 17; ++i) {
    const double t = 0.5 * i;
    const double weight = std::exp(-0.5 * t * t);
    sum += weight * cdf_at_mean(std::exp(location + sd * t));
    weights += weight;
  }
  return sum / weights;
}

// The same for a wide spread, where P(Y <= k) is that of z < mode + U, U a variable whose density
// is largest at 0: E[Phi((mode + U - location) / sd)], summed over U in such steps.
template <class LogDensity>
double wide_cdf(const LogDensity& log_density, double mode, double step, double location,
                double sd) {
  double sum = 0, weights = 0;
  const auto add = [&](double u) {
    const double log_weight = log_density(u);
    sum += std::exp(log_weight) * special::normal_cdf((mode + u - location) / sd);
    weights += std::exp(log_weight);
    return log_weight > kNegligible;
  };
  add(0.0);
  for (double i = 1; add(i * step); ++i) continue;
  for (double i = 1; add(-i * step); ++i) continue;
  return sum / weights;
}

// P(Y <= k) of the Poisson mixture. A Poisson process of rate e^z has its (k+1)-th event at time
// G ~ Gamma(k + 1), so P(Y <= k) = P(e^z < G), and log G = log(k + 1) + U.
double poisson_mixture_cdf(double k, double location, double sd) {
  if (k < 0) return 0.0;
  if (std::isinf(k)) return 1.0;
  const auto at_mean = [k](double mean) { return special::poisson_cdf(k, mean); };
  if (!(sd > 0)) return at_mean(std::exp(location));
  if (sd * std::sqrt(k + 4.0) < 1.0) return narrow_cdf(at_mean, location, sd);
  const double shape = k + 1.0;
  return wide_cdf([shape](double u) { return shape * minus_exp_remainder(u); }, std::log(shape),
                  0.5 / std::sqrt(shape + 3.0), location, sd);
}

// P(Y <= k) of the negative-binomial mixture. With B ~ Beta(r, k + 1), P(Y <= k | z) =
// P(B < r / (r + e^z)) = P(z < log r - logit B). About its mode log(r / (k + 1)), V = logit B has
// the log density r v - (r + k + 1) log(1 + s (e^v - 1)), s = r / (r + k + 1), analytic within pi
// of the real axis; U = -V.
double negative_binomial_mixture_cdf(double k, double r, double location, double sd) {
  if (k < 0) return 0.0;
  if (std::isinf(k)) return 1.0;
  const auto at_mean = [k, r](double mean) { return special::negative_binomial_cdf(k, mean, r); };
  if (!(sd > 0)) return at_mean(std::exp(location));
  const double shape = r * (k + 1.0) / (r + k + 1.0);
  if (sd * std::sqrt(shape + 3.0) < 1.0) return narrow_cdf(at_mean, location, sd);
  const double total = r + k + 1.0, share = r / total;
  const auto log_density = [=](double u) {
    return -r * u - total * std::log1p(share * std::expm1(-u));
  };
  return wide_cdf(log_density, std::log(k + 1.0),
                  0.5 / std::sqrt(total * share * (1.0 - share) + 3.0), location, sd);
}

// The least k >= 0 with cdf(k) >= p, searched upwards by doubling from `guess`, then by halves.
template <class Cdf>
double count_quantile(const Cdf& cdf, double p, double guess) {
  double below = -1.0, above = std::clamp(std::ceil(guess), 0.0, 1e15);
  while (above < kInfinity && cdf(above) < p) {
    below = above;
    above = 2.0 * above + 1.0;
  }
  while (std::isfinite(above) && above - below > std::max(1.0, 1e-15 * above)) {
    const double middle = std::floor(below + 0.5 * (above - below));
    (cdf(middle) < p ? below : above) = middle;
  }
  return above;
}

double normal_log_density(double r) {
  return -0.5 * r * r - 0.5 * std::log(2.0 * std::numbers::pi);
}

double student_t_log_density(double r, double nu) {
  if (std::isinf(nu)) return normal_log_density(r);
  return student_t_log_mode(nu) - 0.5 * (nu + 1.0) * std::log1p(r * r / nu);
}

}  // namespace

double student_t_log_mode(double degrees_of_freedom) {
  const double nu = degrees_of_freedom;
  if (std::isinf(nu)) return normal_log_density(0.0);
  return -std::log(special::gamma_ratio(0.5 * nu, 0.5)) - 0.5 * std::log(nu * std::numbers::pi);
}

namespace {

Prediction binary_prediction(double log_zero, double log_one, std::optional<double> y) {
  const double one = std::exp(log_one), zero = std::exp(log_zero);
  Prediction prediction{.mean = one,
                        .sd = std::sqrt(one * zero),
                        .low = zero >= kTail ? 0.0 : 1.0,
                        .high = zero >= 1.0 - kTail ? 0.0 : 1.0};
  if (y) {
    const bool is_one = *y > 0.5;
    prediction.log_density = is_one ? log_one : log_zero;
    prediction.cdf_below = is_one ? zero : 0.0;
    prediction.cdf = is_one ? 1.0 : zero;
  }
  return prediction;
}

// A count whose mean is lognormal, e^z, given its distribution function and log-likelihood.
template <class Cdf, class LogDensity>
Prediction count_prediction(double location, double variance, double sd_of_count, const Cdf& cdf,
                            const LogDensity& log_density, std::optional<double> y) {
  const double sd = std::sqrt(variance);
  const double high = count_quantile(cdf, 1.0 - kTail, std::exp(location + 2.0 * sd));
  Prediction prediction{.mean = std::exp(location + 0.5 * variance),
                        .sd = sd_of_count,
                        .low = count_quantile(cdf, kTail, high),
                        .high = high};
  if (y) {
    const double count = *y;
    prediction.log_density =
        log_expectation([&](double z) { return log_density(count, z); }, location, sd);
    prediction.cdf = cdf(count);
    prediction.cdf_below = cdf(count - 1.0);
  }
  return prediction;
}

}  // namespace

Prediction bernoulli_prediction(double location, double variance, std::optional<double> y) {
  const double sd = std::sqrt(variance);
  const auto log_probability = [&](double outcome) {
    return log_expectation([outcome](double z) { return bernoulli(outcome, z); }, location, sd);
  };
  return binary_prediction(log_probability(0.0), log_probability(1.0), y);
}

Prediction probit_prediction(double location, double variance, std::optional<double> y) {
  const double z = location / std::sqrt(1.0 + variance);
  return binary_prediction(-ProbitLoss::point(-z).loss, -ProbitLoss::point(z).loss, y);
}

Prediction poisson_prediction(double location, double variance, std::optional<double> y) {
  const double mean = std::exp(location + 0.5 * variance);
  return count_prediction(
      location, variance, std::sqrt(mean + mean * mean * std::expm1(variance)),
      [&](double k) { return poisson_mixture_cdf(k, location, std::sqrt(variance)); }, poisson, y);
}

Prediction negative_binomial_prediction(double location, double variance, double dispersion,
                                        std::optional<double> y) {
  const double mean = std::exp(location + 0.5 * variance);
  const double excess = std::expm1(variance) + std::exp(variance) / dispersion;
  return count_prediction(
      location, variance, std::sqrt(mean + mean * mean * excess),
      [&](double k) {
        return negative_binomial_mixture_cdf(k, dispersion, location, std::sqrt(variance));
      },
      [&](double count, double z) { return negative_binomial(count, dispersion, z); }, y);
}

Prediction student_t_prediction(double location, double scale, double degrees_of_freedom,
                                std::optional<double> y) {
  const double half_width = -special::student_t_quantile(kTail, degrees_of_freedom) * scale;
  Prediction prediction{.mean = location,
                        .sd = scale * special::student_t_sd(degrees_of_freedom),
                        .low = location - half_width,
                        .high = location + half_width};
  if (y) {
    const double r = (*y - location) / scale;
    prediction.log_density = student_t_log_density(r, degrees_of_freedom) - std::log(scale);
    prediction.cdf = prediction.cdf_below = special::student_t_cdf(r, degrees_of_freedom);
  }
  return prediction;
}

}  // namespace bayesum
