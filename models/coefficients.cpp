#include "models/coefficients.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/special.hpp"
#include "kernels/error.hpp"
#include "models/coefficient_prior.hpp"
#include "models/linear_posterior.hpp"

namespace bayesum {
namespace {

constexpr double kTail = 0.025;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::size_t kRowsAtOnce = 64;

// Row `row` of the map from coefficients of the design to coefficients of the data.
void fill_row(const Design& design, std::size_t row, std::span<double> map) {
  const std::size_t first = design.intercept ? 1 : 0;
  std::ranges::fill(map, 0.0);
  if (row >= first) {
    map[row] = 1.0 / design.sd[row - first];
    return;
  }
  map[0] = 1.0;
  for (std::size_t j = 0; j < design.features.size(); ++j) {
    map[first + j] = -design.mean[j] / design.sd[j];
  }
}

// Is the prior an earlier posterior, and not what the configuration's other keys say?
bool is_continued(const TrainedModel& trained) { return !trained.prior_config.posterior.empty(); }

Posterior prior_of(const TrainedModel& trained) {
  Posterior prior = trained.posterior;
  std::ranges::copy(trained.prior.natural, prior.natural().begin());
  return prior;
}

// Of each coefficient a priori, on the scale of the design; of a linear model in units of sigma.
std::vector<double> prior_sds(const TrainedModel& trained) {
  std::vector<double> sds;
  if (!is_continued(trained)) {
    for (const auto& prior : coefficient_priors(trained.prior_config, trained.design, 0.0)) {
      sds.push_back(prior.sd);
    }
    return sds;
  }
  const auto prior = LinearPosterior::of(prior_of(trained));
  const std::size_t d = prior.mean.size();
  const double unit = prior.has_noise() ? prior.noise() : 1.0;
  for (std::size_t j = 0; j < d; ++j) {
    double variance = prior.inverse_factor.empty() ? prior.variance[j] : 0.0;
    for (std::size_t i = j; i < d && !prior.inverse_factor.empty(); ++i) {
      variance += prior.inverse_factor[i * d + j] * prior.inverse_factor[i * d + j];
    }
    sds.push_back(std::sqrt(variance / unit));
  }
  return sds;
}

std::vector<Coefficient> of_regression(const TrainedModel& trained, const LinearPosterior& q) {
  const Design& design = trained.design;
  const std::size_t d = design.columns();
  const auto names = design.column_names();
  const std::vector<double> sds = prior_sds(trained);
  const double nu = q.degrees_of_freedom();
  const double quantile = -special::student_t_quantile(kTail, nu);
  std::vector<Coefficient> table;
  std::vector<double> map(kRowsAtOnce * d), location(kRowsAtOnce), squared_scale(kRowsAtOnce);
  for (std::size_t first = 0; first < d; first += kRowsAtOnce) {
    const std::size_t rows = std::min(kRowsAtOnce, d - first);
    for (std::size_t i = 0; i < rows; ++i) {
      fill_row(design, first + i, std::span(map).subspan(i * d, d));
    }
    q.functionals({map.data(), rows, d}, {}, std::span(location).first(rows),
                  std::span(squared_scale).first(rows));
    for (std::size_t i = 0; i < rows; ++i) {
      const double scale = std::sqrt(squared_scale[i]);
      table.push_back({.name = names[first + i],
                       .mean = location[i],
                       .sd = scale * special::student_t_sd(nu),
                       .low = location[i] - quantile * scale,
                       .high = location[i] + quantile * scale,
                       .prior_sd = sds[first + i]});
    }
  }
  return table;
}

struct MeanAndSd {
  double mean = kInfinity;
  double sd = kInfinity;
};

// Of tau^(-1/2), tau ~ Gamma(shape, rate).
MeanAndSd noise_sd(double shape, double rate) {
  MeanAndSd sigma;
  if (shape > 0.5) sigma.mean = std::sqrt(rate) * special::gamma_ratio(shape - 0.5, 0.5);
  if (shape > 1.0) {
    sigma.sd = std::sqrt(std::max(0.0, rate / (shape - 1.0) - sigma.mean * sigma.mean));
  }
  return sigma;
}

double prior_sd_of_noise(const TrainedModel& trained) {
  if (!is_continued(trained)) {
    return noise_sd(trained.prior_config.shape, trained.prior_config.rate).sd;
  }
  const auto prior = LinearPosterior::of(prior_of(trained));
  return noise_sd(prior.shape, prior.rate).sd;
}

Coefficient sigma(const LinearPosterior& q, double prior_sd) {
  const auto quantile = [&](double p) {
    return std::sqrt(q.rate / special::gamma_quantile(1.0 - p, q.shape));
  };
  const MeanAndSd moments = noise_sd(q.shape, q.rate);
  return {.name = "sigma",
          .mean = moments.mean,
          .sd = moments.sd,
          .low = quantile(kTail),
          .high = quantile(1.0 - kTail),
          .prior_sd = prior_sd};
}

double beta_sd(double a, double b) { return std::sqrt(a * b / (a + b + 1.0)) / (a + b); }

std::vector<Coefficient> of_probabilities(const TrainedModel& trained) {
  const auto natural = trained.posterior.natural(trained.posterior.block("probabilities"));
  const std::vector<double>& prior = trained.prior.natural;
  std::vector<Coefficient> table;
  for (std::size_t k = 0; k < trained.design.features.size(); ++k) {
    const double a = natural[2 * k] + 1.0;
    const double b = natural[2 * k + 1] + 1.0;
    table.push_back({.name = trained.design.features[k],
                     .mean = a / (a + b),
                     .sd = beta_sd(a, b),
                     .low = special::beta_quantile(kTail, a, b),
                     .high = special::beta_quantile(1.0 - kTail, a, b),
                     .prior_sd = beta_sd(prior[2 * k] + 1.0, prior[2 * k + 1] + 1.0)});
  }
  return table;
}

}  // namespace

std::vector<Coefficient> coefficients(const TrainedModel& trained) {
  if (trained.model.name == "beta-bernoulli") return of_probabilities(trained);
  const auto q = LinearPosterior::of(trained.posterior);
  auto table = of_regression(trained, q);
  if (q.has_noise()) table.push_back(sigma(q, prior_sd_of_noise(trained)));
  return table;
}

}  // namespace bayesum
