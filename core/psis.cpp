#include "core/psis.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

constexpr double kPriorWeight = 10.0;  // exceedances that the prior on k is worth
constexpr double kPriorShape = 0.5;
constexpr double kAlike = 1e-8;  // log ratios that differ by less are equal
constexpr std::size_t kFewestExceedances = 5;

double mean_log1p(std::span<const double> x, double factor) {
  double sum = 0;
  for (const double value : x) sum += std::log1p(factor * value);
  return sum / static_cast<double>(x.size());
}

// The largest over theta and sigma of the log-likelihood per exceedance, up to a constant, at
// theta = -k / sigma.
double profile(std::span<const double> x, double theta) {
  const double k = mean_log1p(x, -theta);
  return std::log(-theta / k) - k - 1.0;
}

// The posterior mean of theta = -k / sigma over the grid, the prior of which puts most of it near
// the reciprocal of three quartiles.
double mean_theta(std::span<const double> x) {
  const auto n = static_cast<double>(x.size());
  const double quartile = x[std::max<std::size_t>(1, static_cast<std::size_t>(n / 4.0 + 0.5)) - 1];
  const auto points = static_cast<std::size_t>(30.0 + std::sqrt(n));
  std::vector<double> theta, log_likelihood;
  for (std::size_t j = 0; j < points; ++j) {
    const double root = std::sqrt(static_cast<double>(points) / (static_cast<double>(j) + 0.5));
    const double at = 1.0 / x.back() + (1.0 - root) / (3.0 * quartile);
    const double value = n * profile(x, at);
    if (!std::isfinite(value)) continue;  // theta = 0, of measure zero
    theta.push_back(at);
    log_likelihood.push_back(value);
  }
  const double peak = *std::ranges::max_element(log_likelihood);
  double sum = 0, weights = 0;
  for (std::size_t j = 0; j < theta.size(); ++j) {
    const double weight = std::exp(log_likelihood[j] - peak);
    sum += weight * theta[j];
    weights += weight;
  }
  return sum / weights;
}

void check(std::span<const double> log_ratios) {
  if (log_ratios.size() < kFewestPsisDraws) {
    throw Error(ExitCode::kUsage, std::to_string(log_ratios.size()) +
                                      " importance ratios are too few to judge a tail by: at "
                                      "least " +
                                      std::to_string(kFewestPsisDraws) + " are needed");
  }
  for (std::size_t s = 0; s < log_ratios.size(); ++s) {
    if (std::isnan(log_ratios[s]) || log_ratios[s] == std::numeric_limits<double>::infinity()) {
      throw Error(ExitCode::kNumerical, "draw " + std::to_string(s) +
                                            " has a log importance ratio "
                                            "of " +
                                            std::to_string(log_ratios[s]));
    }
  }
  if (std::isinf(*std::ranges::max_element(log_ratios))) {
    throw Error(ExitCode::kNumerical,
                "the joint density of model and data is zero at every one of " +
                    std::to_string(log_ratios.size()) + " draws");
  }
}

// Replaces the tail, the last of `order` (draws by ascending log ratio), by the quantiles of the
// distribution fitted to it, whose k is returned. Log ratios are relative to the largest.
double smooth_tail(std::span<const std::size_t> order, std::span<double> log_ratios) {
  const auto draws = static_cast<double>(order.size());
  const auto size = static_cast<std::size_t>(std::ceil(std::min(draws / 5, 3 * std::sqrt(draws))));
  const double log_cutoff = log_ratios[order[order.size() - size - 1]];
  std::vector<std::size_t> tail;  // above the cutoff by more than rounding
  std::vector<double> exceedances;
  for (const std::size_t s : order.last(size)) {
    if (!(log_ratios[s] - log_cutoff > kAlike)) continue;
    tail.push_back(s);
    exceedances.push_back(std::exp(log_ratios[s]) - std::exp(log_cutoff));
  }
  if (tail.size() < kFewestExceedances ||
      exceedances.front() < std::numeric_limits<double>::min()) {
    return tail.empty() ? -std::numeric_limits<double>::infinity()
                        : std::numeric_limits<double>::infinity();
  }
  const GeneralizedPareto fit = fit_generalized_pareto(exceedances);
  for (std::size_t i = 0; i < tail.size(); ++i) {
    const double p = (static_cast<double>(i) + 0.5) / static_cast<double>(tail.size());
    log_ratios[tail[i]] = std::min(0.0, std::log(std::exp(log_cutoff) + fit.quantile(p)));
  }
  return fit.k;
}

}  // namespace

double GeneralizedPareto::quantile(double p) const {
  const double rate = -std::log1p(-p);  // of a standard exponential variable
  return std::abs(k) < 1e-12 ? sigma * rate : sigma * std::expm1(k * rate) / k;
}

GeneralizedPareto fit_generalized_pareto(std::span<const double> exceedances) {
  const double theta = mean_theta(exceedances);
  const double k = mean_log1p(exceedances, -theta);
  const auto n = static_cast<double>(exceedances.size());
  return {.k = (n * k + kPriorWeight * kPriorShape) / (n + kPriorWeight), .sigma = -k / theta};
}

double Psis::threshold() const {
  return std::min(1.0 - 1.0 / std::log10(static_cast<double>(log_weights.size())), 0.7);
}

Psis smooth_importance_ratios(std::span<const double> log_ratios) {
  check(log_ratios);
  Psis result;
  result.log_weights.assign(log_ratios.begin(), log_ratios.end());
  std::span<double> weights = result.log_weights;
  const double largest = *std::ranges::max_element(weights);
  for (double& weight : weights) weight -= largest;
  std::vector<std::size_t> order(weights.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {}, [&](std::size_t s) { return weights[s]; });
  result.k_hat = smooth_tail(order, weights);

  double sum = 0, squares = 0;
  for (const double weight : weights) sum += std::exp(weight);
  for (double& weight : weights) {
    weight -= std::log(sum);
    squares += std::exp(2.0 * weight);
  }
  result.effective_draws = 1.0 / squares;
  return result;
}

}  // namespace bayesum
