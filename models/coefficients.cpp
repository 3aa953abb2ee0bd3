#include "models/coefficients.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "core/special.hpp"
#include "kernels/error.hpp"
#include "models/coefficient_prior.hpp"
#include "models/linear_posterior.hpp"
#include "models/mixture_posterior.hpp"
#include "models/topics.hpp"

namespace bayesum {
namespace {

constexpr double kTail = 0.025;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::size_t kRowsAtOnce = 64;
constexpr std::size_t kWordsOfATopic = 10;

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

std::vector<Coefficient> of_regression(const TrainedModel& trained, const LinearPosterior& q) {
  const Design& design = trained.design;
  const std::size_t d = design.columns();
  const auto names = design.column_names();
  const auto priors = coefficient_priors(trained.prior_config, design, 0.0);
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
                       .prior_sd = priors[first + i].sd});
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

double beta_sd(double a, double b) { return std::sqrt(a * b / (a + b + 1.0)) / (a + b); }

// The most probable words of every topic.
std::vector<Coefficient> of_topics(const TrainedModel& trained) {
  const double eta = trained.prior_config.topic_concentration;
  const auto words = static_cast<double>(trained.design.features.size());
  std::vector<Coefficient> table;
  for (const TopicSummary& topic : summarize_topics(trained, kWordsOfATopic)) {
    const auto natural = trained.posterior.natural(trained.posterior.block(topic.name));
    const double total = std::accumulate(natural.begin(), natural.end(), words);
    for (const TopicSummary::Word& word : topic.words) {
      const double alpha = natural[word.index] + 1.0;
      table.push_back(beta_coefficient(topic.name + "." + trained.design.features[word.index],
                                       alpha, total - alpha, eta, eta * (words - 1.0)));
    }
  }
  return table;
}

std::vector<Coefficient> of_probabilities(const TrainedModel& trained) {
  const auto natural = trained.posterior.natural(trained.posterior.block("probabilities"));
  const PriorConfig& prior = trained.prior_config;
  std::vector<Coefficient> table;
  for (std::size_t k = 0; k < trained.design.features.size(); ++k) {
    table.push_back(beta_coefficient(trained.design.features[k], natural[2 * k] + 1.0,
                                     natural[2 * k + 1] + 1.0, prior.alpha, prior.beta));
  }
  return table;
}

}  // namespace

Coefficient beta_coefficient(std::string name, double a, double b, double prior_a, double prior_b) {
  return {.name = std::move(name),
          .mean = a / (a + b),
          .sd = beta_sd(a, b),
          .low = special::beta_quantile(kTail, a, b),
          .high = special::beta_quantile(1.0 - kTail, a, b),
          .prior_sd = beta_sd(prior_a, prior_b)};
}

Coefficient noise_coefficient(std::string name, double shape, double rate) {
  const auto quantile = [&](double p) {
    return std::sqrt(rate / special::gamma_quantile(1.0 - p, shape));
  };
  const MeanAndSd moments = noise_sd(shape, rate);
  return {.name = std::move(name),
          .mean = moments.mean,
          .sd = moments.sd,
          .low = quantile(kTail),
          .high = quantile(1.0 - kTail),
          .prior_sd = kInfinity};
}

std::vector<Coefficient> coefficients(const TrainedModel& trained) {
  if (trained.model.name == "beta-bernoulli") return of_probabilities(trained);
  if (trained.model.name == "gaussian-mixture") return mixture_coefficients(trained);
  if (trained.model.name == "lda") return of_topics(trained);
  const auto q = LinearPosterior::of(trained.posterior);
  auto table = of_regression(trained, q);
  if (q.has_noise()) {
    table.push_back(noise_coefficient("sigma", q.shape, q.rate));
    const PriorConfig& prior = trained.prior_config;
    table.back().prior_sd = noise_sd(prior.shape, prior.rate).sd;
  }
  return table;
}

}  // namespace bayesum
