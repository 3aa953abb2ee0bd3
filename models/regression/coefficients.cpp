#include "models/regression/coefficients.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "kernels/error.hpp"
#include "models/latent/mixture_posterior.hpp"
#include "models/latent/topics.hpp"
#include "models/regression/coefficient_prior.hpp"
#include "models/regression/linear_posterior.hpp"
#include "models/regression/row_coefficients.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kRowsAtOnce = 64;
constexpr std::size_t kWordsOfATopic = 10;

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

// Of each coefficient a priori, on the scale of the design.
std::vector<double> prior_sds(const TrainedModel& trained, double unit) {
  const auto priors = coefficient_priors(trained.prior_config, trained.design, 0.0);
  std::vector<double> sds(coefficient_names(trained.design).size());
  for (std::size_t j = 0; j < sds.size(); ++j) sds[j] = priors[j % priors.size()].sd * unit;
  return sds;
}

std::vector<Coefficient> of_regression(const TrainedModel& trained, const LinearPosterior& q,
                                       double prior_unit) {
  const Design& design = trained.design;
  const std::size_t d = design.columns(), all = q.mean.size();
  const auto names = coefficient_names(design);
  const std::vector<double> sds = prior_sds(trained, prior_unit);
  const double nu = q.degrees_of_freedom();
  const std::vector<double> design_sd =
      trained.posterior.block("coefficients").family->moments(trained.posterior.natural()).sd;
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
      const std::size_t j = first + i;
      table.push_back({names[j], student_t_marginal(location[i], std::sqrt(squared_scale[i]), nu),
                       design_sd[j], sds[j]});
      table.back().flat_prior = std::isinf(sds[j]);
    }
  }
  return table;
}

std::vector<Coefficient> of_glm(const TrainedModel& trained) {
  return of_regression(trained, LinearPosterior::of(trained.posterior), 1.0);
}

std::vector<Coefficient> of_linear(const TrainedModel& trained) {
  const auto q = LinearPosterior::of(trained.posterior);
  const Marginal sigma = sd_marginal(q.shape, q.rate);
  auto table = of_regression(trained, q, sigma.mean);
  const PriorConfig& prior = trained.prior_config;
  table.push_back({"sigma", sigma, sigma.sd, sd_marginal(prior.shape, prior.rate).sd});
  return table;
}

// The most probable words of every topic.
std::vector<Coefficient> of_topics(const TrainedModel& trained) {
  const auto words = static_cast<double>(trained.design.features.size());
  std::vector<Coefficient> table;
  for (const TopicSummary& topic : summarize_topics(trained, kWordsOfATopic)) {
    const Block& block = trained.posterior.block(topic.name);
    const auto natural = trained.posterior.natural(block);
    const auto prior = std::span(trained.prior.natural).subspan(block.first, natural.size());
    const double total = std::accumulate(natural.begin(), natural.end(), words);
    const double prior_total = std::accumulate(prior.begin(), prior.end(), words);
    for (const TopicSummary::Word& word : topic.words) {
      const double alpha = natural[word.index] + 1.0;
      const double alpha0 = prior[word.index] + 1.0;
      const Marginal marginal = beta_marginal(alpha, total - alpha);
      table.push_back({topic.name + "." + trained.design.features[word.index], marginal,
                       marginal.sd, beta_marginal(alpha0, prior_total - alpha0).sd});
    }
  }
  return table;
}

struct Report {
  std::string model;
  std::vector<Coefficient> (*lines)(const TrainedModel&);
};

// Every model that there is.
const std::vector<Report>& reports() {
  static const std::vector<Report> reports = {
      {"linear", of_linear},
      {"student-t", of_linear},
      {"logistic", of_glm},
      {"probit", of_glm},
      {"poisson", of_glm},
      {"negative-binomial", of_glm},
      {"softmax", of_glm},
      {"beta-bernoulli", beta_bernoulli_coefficients},
      {"dirichlet-categorical", dirichlet_categorical_coefficients},
      {"gamma-poisson", gamma_poisson_coefficients},
      {"gaussian", gaussian_coefficients},
      {"multivariate-gaussian", multivariate_gaussian_coefficients},
      {"gaussian-mixture", mixture_coefficients},
      {"lda", of_topics},
  };
  return reports;
}

// Where the prior was an earlier posterior, and not what the other keys of the configuration say:
// its own lines tell of it. Of topics, whose lines are those of their most probable words, lines
// may be new; they have looked at the prior themselves.
void take_priors_from_posterior(const Report& report, const TrainedModel& trained,
                                std::vector<Coefficient>& table) {
  TrainedModel earlier = trained;
  std::ranges::copy(trained.prior.natural, earlier.posterior.natural().begin());
  std::map<std::string, double> sds;
  for (const Coefficient& line : report.lines(earlier)) sds[line.name] = line.design_sd;
  for (Coefficient& line : table) {
    const auto found = sds.find(line.name);
    if (found != sds.end()) line.prior_sd = found->second;
    line.flat_prior = false;
  }
}

}  // namespace

double Coefficient::contraction() const {
  if (!std::isfinite(prior_sd) || !std::isfinite(design_sd)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const double ratio = design_sd / prior_sd;
  return 1.0 - ratio * ratio;
}

std::vector<Coefficient> coefficients(const TrainedModel& trained) {
  const auto found = std::ranges::find(reports(), trained.model.name, &Report::model);
  if (found == reports().end()) {
    throw Error(ExitCode::kUsage, "the model " + trained.model.name + " has no coefficients");
  }
  auto table = found->lines(trained);
  if (!trained.prior_config.posterior.empty()) take_priors_from_posterior(*found, trained, table);
  return table;
}

}  // namespace bayesum
