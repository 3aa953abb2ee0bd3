#include "tests/laws/conjugate_oracle.hpp"

namespace bayesum::oracle {
namespace {

struct Sum {
  Real value = 0;
  Real magnitude = 0;

  void add(Real term) {
    value += term;
    magnitude += std::abs(term);
  }
};

void append(ExactPosterior& posterior, const Sum& sum, Real scale) {
  posterior.natural.push_back(scale * sum.value);
  posterior.magnitude.push_back(std::abs(scale) * sum.magnitude);
}

Sum precision_element(const Regression& data, std::size_t j, std::size_t k) {
  Sum sum;
  if (j == k) sum.add(data.prior_precision[j]);
  for (std::size_t i = 0; i < data.rows(); ++i)
    sum.add(data.weight[i] * data.x[i][j] * data.x[i][k]);
  return sum;
}

Real prior_log_partition(const testing::Job& job, const Regression& data) {
  Real sum = 0;
  for (const Real precision : data.prior_precision) {
    if (precision > 0) sum += std::log(kTwoPi / precision) / 2;
  }
  if (job.prior.shape > 0) {
    sum += std::lgamma(Real(job.prior.shape)) - job.prior.shape * std::log(Real(job.prior.rate));
  }
  return sum;
}

}  // namespace

LinearPosterior::LinearPosterior(const testing::Job& job, const testing::Table& table)
    : precision(Regression(job, table).columns()) {
  const Regression data(job, table);
  const std::size_t d = data.columns();
  Sum weights, squares, proper;
  for (std::size_t i = 0; i < data.rows(); ++i) {
    const Real r = data.y[i] - data.offset[i];
    weights.add(data.weight[i]);
    squares.add(data.weight[i] * r * r);
  }
  Vector right;
  ExactPosterior tail;
  for (std::size_t j = 0; j < d; ++j) {
    if (data.prior_precision[j] > 0) proper.add(0.5L);
    squares.add(data.prior_precision[j] * data.prior_mean[j] * data.prior_mean[j]);
    Sum sum;
    sum.add(data.prior_precision[j] * data.prior_mean[j]);
    for (std::size_t i = 0; i < data.rows(); ++i) {
      sum.add(data.weight[i] * data.x[i][j] * (data.y[i] - data.offset[i]));
    }
    right.push_back(sum.value);
    append(tail, sum, 1);
  }
  for (std::size_t j = 0; j < d; ++j) {
    for (std::size_t k = 0; k <= j; ++k) {
      const Sum sum = precision_element(data, j, k);
      precision(j, k) = precision(k, j) = sum.value;
      append(tail, sum, j == k ? -0.5L : -1.0L);
    }
  }
  mean = solve(precision, right);
  // The coefficients with a flat prior have no factor tau^(1/2) of their own a priori.
  shape = job.prior.shape + weights.value / 2 + proper.value - Real(d) / 2;
  rate = job.prior.rate + (squares.value - dot(mean, right)) / 2;
  Sum second;
  second.add(job.prior.rate);
  second.add(squares.value / 2);
  natural = {shape - 1 + Real(d) / 2, -second.value};
  magnitude = {std::abs(natural[0]) + 1, second.magnitude};
  natural.insert(natural.end(), tail.natural.begin(), tail.natural.end());
  magnitude.insert(magnitude.end(), tail.magnitude.begin(), tail.magnitude.end());
  log_evidence = -weights.value * std::log(kTwoPi) / 2 - prior_log_partition(job, data) -
                 log_determinant(precision) / 2 + Real(d) * std::log(kTwoPi) / 2 -
                 shape * std::log(rate) + std::lgamma(shape);
}

ExactPosterior beta_bernoulli_posterior(const testing::Job& job, const testing::Table& table) {
  const auto log_beta = [](Real a, Real b) {
    return std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b);
  };
  ExactPosterior posterior;
  const Real alpha = job.prior.alpha, beta = job.prior.beta;
  for (const std::string& column : table.columns) {
    if (column == "weight") continue;
    Real a = alpha, b = beta;
    for (std::size_t i = 0; i < table.rows(); ++i) {
      (table.at(i, column) == 1.0 ? a : b) += table.has("weight") ? table.at(i, "weight") : 1.0;
    }
    for (const Real shape : {a, b}) {
      posterior.natural.push_back(shape - 1);
      posterior.magnitude.push_back(shape + 1);
    }
    posterior.log_evidence += log_beta(a, b) - log_beta(alpha, beta);
  }
  return posterior;
}

ExactPosterior exact_posterior(const testing::Job& job, const testing::Table& table) {
  if (job.model.name == "linear") return LinearPosterior(job, table);
  if (job.model.name == "beta-bernoulli") return beta_bernoulli_posterior(job, table);
  if (job.model.name == "gaussian") return gaussian_posterior(job, table);
  if (job.model.name == "multivariate-gaussian") return multivariate_gaussian_posterior(job, table);
  if (job.model.name == "dirichlet-categorical") return dirichlet_categorical_posterior(job, table);
  if (job.model.name == "gamma-poisson") return gamma_poisson_posterior(job, table);
  throw std::logic_error("no exact posterior of " + job.model.name);
}

Real linear_log_evidence_of_responses(const testing::Job& job, const testing::Table& table) {
  const Regression data(job, table);
  const std::size_t n = data.rows();
  Matrix scale(n);
  Vector residual(n);
  for (std::size_t i = 0; i < n; ++i) {
    residual[i] = data.y[i] - data.predictor(i, data.prior_mean);
    for (std::size_t k = 0; k < n; ++k) {
      scale(i, k) = i == k ? 1 : 0;
      for (std::size_t j = 0; j < data.columns(); ++j) {
        scale(i, k) += data.x[i][j] * data.x[k][j] / data.prior_precision[j];
      }
    }
  }
  const Real a = job.prior.shape, b = job.prior.rate, half = Real(n) / 2;
  const Real quadratic = dot(residual, solve(scale, residual));
  return std::lgamma(a + half) - std::lgamma(a) - half * std::log(kTwoPi * b) -
         log_determinant(scale) / 2 - (a + half) * std::log1p(quadratic / (2 * b));
}

}  // namespace bayesum::oracle
