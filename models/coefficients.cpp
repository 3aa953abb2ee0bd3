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
  if (row >= first) {
    map[row] = 1.0 / design.sd[row - first];
    return;
  }
  map[0] = 1.0;
  for (std::size_t j = 0; j < design.features.size(); ++j) {
    map[first + j] = -design.mean[j] / design.sd[j];
  }
}

// A regression's coefficients are those of each of its outcomes, one after the other: as a rule
// one; of a softmax, all classes but the first.
std::vector<std::string> coefficient_names(const Design& design) {
  const auto columns = design.column_names();
  if (design.classes.empty()) return columns;
  std::vector<std::string> names;
  for (std::size_t c = 1; c < design.classes.size(); ++c) {
    for (const std::string& column : columns) names.push_back(design.classes[c] + ":" + column);
  }
  return names;
}

std::vector<Coefficient> of_regression(const TrainedModel& trained, const LinearPosterior& q) {
  const Design& design = trained.design;
  const std::size_t d = design.columns(), all = q.mean.size();
  const auto names = coefficient_names(design);
  const auto priors = coefficient_priors(trained.prior_config, design, 0.0);
  const double nu = q.degrees_of_freedom();
  const double quantile = -special::student_t_quantile(kTail, nu);
  std::vector<Coefficient> table;
  std::vector<double> map(kRowsAtOnce * all), location(kRowsAtOnce), squared_scale(kRowsAtOnce);
  for (std::size_t first = 0; first < all; first += kRowsAtOnce) {
    const std::size_t rows = std::min(kRowsAtOnce, all - first);
    std::ranges::fill(map, 0.0);
    for (std::size_t i = 0; i < rows; ++i) {
      const std::size_t outcome = (first + i) / d;
      fill_row(design, (first + i) % d, std::span(map).subspan(i * all + outcome * d, d));
    }
    q.functionals({map.data(), rows, all}, {}, std::span(location).first(rows),
                  std::span(squared_scale).first(rows));
    for (std::size_t i = 0; i < rows; ++i) {
      const double scale = std::sqrt(squared_scale[i]);
      table.push_back({.name = names[first + i],
                       .mean = location[i],
                       .sd = scale * special::student_t_sd(nu),
                       .low = location[i] - quantile * scale,
                       .high = location[i] + quantile * scale,
                       .prior_sd = priors[(first + i) % d].sd});
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

Coefficient sigma(const LinearPosterior& q, const PriorConfig& prior) {
  const auto quantile = [&](double p) {
    return std::sqrt(q.rate / special::gamma_quantile(1.0 - p, q.shape));
  };
  const MeanAndSd moments = noise_sd(q.shape, q.rate);
  return {.name = "sigma",
          .mean = moments.mean,
          .sd = moments.sd,
          .low = quantile(kTail),
          .high = quantile(1.0 - kTail),
          .prior_sd = noise_sd(prior.shape, prior.rate).sd};
}

double beta_sd(double a, double b) { return std::sqrt(a * b / (a + b + 1.0)) / (a + b); }

std::vector<Coefficient> of_probabilities(const TrainedModel& trained) {
  const auto natural = trained.posterior.natural(trained.posterior.block("probabilities"));
  const PriorConfig& prior = trained.prior_config;
  std::vector<Coefficient> table;
  for (std::size_t k = 0; k < trained.design.features.size(); ++k) {
    const double a = natural[2 * k] + 1.0;
    const double b = natural[2 * k + 1] + 1.0;
    table.push_back({.name = trained.design.features[k],
                     .mean = a / (a + b),
                     .sd = beta_sd(a, b),
                     .low = special::beta_quantile(kTail, a, b),
                     .high = special::beta_quantile(1.0 - kTail, a, b),
                     .prior_sd = beta_sd(prior.alpha, prior.beta)});
  }
  return table;
}

}  // namespace

std::vector<Coefficient> coefficients(const TrainedModel& trained) {
  if (trained.model.name == "beta-bernoulli") return of_probabilities(trained);
  const auto q = LinearPosterior::of(trained.posterior);
  auto table = of_regression(trained, q);
  if (q.has_noise()) table.push_back(sigma(q, trained.prior_config));
  return table;
}

}  // namespace bayesum
