#include "tests/laws/conjugate_oracle.hpp"

#include <algorithm>

// The exact posteriors of models without a response.
namespace bayesum::oracle {
namespace {

std::vector<std::string> features(const testing::Table& table) {
  std::vector<std::string> found;
  std::ranges::copy_if(table.columns, std::back_inserter(found),
                       [](const std::string& name) { return name.starts_with("x"); });
  return found;
}

Real weight(const testing::Table& table, std::size_t row) {
  return table.has("weight") ? table.at(row, "weight") : 1.0;
}

// The columns as the model sees them, and the logarithm of what standardizing divided them by.
struct Columns {
  std::vector<Vector> values;
  Vector log_sd;
};

Columns columns_of(const testing::Job& job, const testing::Table& table) {
  Columns columns;
  for (const std::string& name : features(table)) {
    Vector values;
    Real total = 0, mean = 0, variance = 0;
    for (std::size_t i = 0; i < table.rows(); ++i) {
      values.push_back(table.at(i, name));
      total += weight(table, i);
      mean += weight(table, i) * values[i];
    }
    mean /= total;
    for (std::size_t i = 0; i < table.rows(); ++i) {
      variance += weight(table, i) * (values[i] - mean) * (values[i] - mean) / total;
    }
    columns.log_sd.push_back(job.model.standardize ? std::log(variance) / 2 : 0);
    if (job.model.standardize) {
      for (Real& value : values) value = (value - mean) / std::sqrt(variance);
    }
    columns.values.push_back(std::move(values));
  }
  return columns;
}

// sum w f(row), with the sum of the magnitudes.
template <class Function>
std::pair<Real, Real> sums(const testing::Table& table, const Function& f) {
  Real sum = 0, magnitude = 0;
  for (std::size_t i = 0; i < table.rows(); ++i) {
    const Real term = weight(table, i) * f(i);
    sum += term;
    magnitude += std::abs(term);
  }
  return {sum, magnitude};
}

void append(ExactPosterior& posterior, Real prior, Real scale, std::pair<Real, Real> sum) {
  posterior.natural.push_back(prior + scale * sum.first);
  posterior.magnitude.push_back(std::abs(prior) + std::abs(scale) * sum.second + 1);
}

Real log_multivariate_gamma(Real x, std::size_t d) {
  Real sum = 0;
  for (std::size_t i = 0; i < d; ++i) {
    sum += Real(i) / 2 * std::log(kTwoPi / 2) + std::lgamma(x - Real(i) / 2);
  }
  return sum;
}

}  // namespace

ExactPosterior gaussian_posterior(const testing::Job& job, const testing::Table& table) {
  ExactPosterior posterior;
  const Columns columns = columns_of(job, table);
  const Real strength = job.prior.strength, mean = job.prior.mean;
  const Real a0 = job.prior.shape, b0 = job.prior.rate;
  const auto total = sums(table, [](std::size_t) { return Real(1); });
  for (std::size_t k = 0; k < columns.values.size(); ++k) {
    const Vector& x = columns.values[k];
    const auto first = sums(table, [&](std::size_t i) { return x[i]; });
    const auto second = sums(table, [&](std::size_t i) { return x[i] * x[i]; });
    append(posterior, a0 - 0.5L, 0.5L, total);
    append(posterior, -b0 - strength * mean * mean / 2, -0.5L, second);
    append(posterior, strength * mean, 1, first);
    append(posterior, -strength / 2, -0.5L, total);
    const Real kappa = strength + total.first, m = (strength * mean + first.first) / kappa;
    const Real a = a0 + total.first / 2;
    const Real b = b0 + (second.first + strength * mean * mean - kappa * m * m) / 2;
    posterior.log_evidence += std::lgamma(a) - std::lgamma(a0) + a0 * std::log(b0) -
                              a * std::log(b) + std::log(strength / kappa) / 2 -
                              total.first * (std::log(kTwoPi) / 2 + columns.log_sd[k]);
  }
  return posterior;
}

ExactPosterior multivariate_gaussian_posterior(const testing::Job& job,
                                               const testing::Table& table) {
  const Columns columns = columns_of(job, table);
  const std::size_t d = columns.values.size();
  const Real strength = job.prior.strength, mean = job.prior.mean;
  const Real square = Real(job.prior.scale) * job.prior.scale;
  const Real n0 = job.prior.degrees + Real(d) - 1;
  const auto total = sums(table, [](std::size_t) { return Real(1); });
  ExactPosterior posterior;
  append(posterior, (n0 - Real(d)) / 2, 0.5L, total);
  append(posterior, -strength / 2, -0.5L, total);
  const Real kappa = strength + total.first, n = n0 + total.first;
  Vector m;
  for (const Vector& x : columns.values) {
    append(posterior, strength * mean, 1, sums(table, [&](std::size_t i) { return x[i]; }));
    m.push_back(posterior.natural.back() / kappa);
  }
  Matrix w(d);
  for (std::size_t j = 0; j < d; ++j) {
    for (std::size_t k = 0; k <= j; ++k) {
      const auto product =
          sums(table, [&](std::size_t i) { return columns.values[j][i] * columns.values[k][i]; });
      const Real prior = strength * mean * mean + (j == k ? square : 0);
      w(j, k) = w(k, j) = prior + product.first - kappa * m[j] * m[k];
      const Real scale = j == k ? -0.5L : -1;
      append(posterior, scale * prior, scale, product);
    }
  }
  const Real dimension = Real(d);
  posterior.log_evidence = log_multivariate_gamma(n / 2, d) - log_multivariate_gamma(n0 / 2, d) +
                           n0 / 2 * dimension * std::log(square) - n / 2 * log_determinant(w) +
                           dimension / 2 * std::log(strength / kappa) -
                           total.first * dimension / 2 * std::log(kTwoPi / 2);
  for (const Real log_sd : columns.log_sd) posterior.log_evidence -= total.first * log_sd;
  return posterior;
}

ExactPosterior dirichlet_categorical_posterior(const testing::Job& job,
                                               const testing::Table& table) {
  ExactPosterior posterior;
  const auto names = features(table);
  const Real alpha = job.prior.concentration;
  for (std::size_t k = 0; k < names.size(); ++k) {
    const std::size_t levels = testing::level_count(k);
    Real total = 0;
    for (std::size_t level = 0; level < levels; ++level) {
      const auto count = sums(table, [&](std::size_t i) {
        return table.at(i, names[k]) == static_cast<double>(level) ? Real(1) : Real(0);
      });
      append(posterior, alpha - 1, 1, count);
      total += count.first;
      posterior.log_evidence += std::lgamma(alpha + count.first) - std::lgamma(alpha);
    }
    const Real prior = Real(levels) * alpha;
    posterior.log_evidence += std::lgamma(prior) - std::lgamma(prior + total);
  }
  return posterior;
}

ExactPosterior gamma_poisson_posterior(const testing::Job& job, const testing::Table& table) {
  ExactPosterior posterior;
  const auto offset = [&](std::size_t i) {
    return Real(table.has("offset") ? table.at(i, "offset") : 0.0);
  };
  const auto exposure = sums(table, [&](std::size_t i) { return std::exp(offset(i)); });
  const Real a0 = job.prior.shape, b0 = job.prior.rate;
  for (const std::string& name : features(table)) {
    const auto events = sums(table, [&](std::size_t i) { return Real(table.at(i, name)); });
    const auto base = sums(table, [&](std::size_t i) {
      const Real x = table.at(i, name);
      return x * offset(i) - std::lgamma(x + 1);
    });
    append(posterior, a0 - 1, 1, events);
    append(posterior, -b0, -1, exposure);
    const Real a = a0 + events.first, b = b0 + exposure.first;
    posterior.log_evidence +=
        base.first + std::lgamma(a) - std::lgamma(a0) + a0 * std::log(b0) - a * std::log(b);
  }
  return posterior;
}

}  // namespace bayesum::oracle
