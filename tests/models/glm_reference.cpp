#include "tests/models/glm_reference.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numbers>
#include <sstream>
#include <stdexcept>

#include "kernels/matrix.hpp"
#include "tests/models/numerics.hpp"

namespace bayesum::oracle {
namespace {

constexpr Real kTwoPi = 2.0L * std::numbers::pi_v<Real>;

// Minus the log-likelihood of a response at z, and its derivatives.
struct Loss {
  Real value = 0;
  Real first = 0;
  Real second = 0;
};

Loss poisson_loss(Real y, Real z) {
  const Real rate = std::exp(z);
  return {rate - y * z + std::lgamma(y + 1.0L), rate - y, rate};
}

Loss logistic_loss(Real y, Real z) {
  const Real p = 1.0L / (1.0L + std::exp(-z));
  return {std::max(z, 0.0L) + std::log1p(std::exp(-std::abs(z))) - y * z, p - y, p * (1.0L - p)};
}

Loss negative_binomial_loss(Real y, Real r, Real z) {
  const Real share = 1.0L / (1.0L + r * std::exp(-z));
  return {(y + r) * std::log(r + std::exp(z)) - r * std::log(r) - y * z + std::lgamma(y + 1.0L) +
              std::lgamma(r) - std::lgamma(y + r),
          (y + r) * share - y, (y + r) * share * (1.0L - share)};
}

Loss probit_loss(Real y, Real z) {
  const Real t = y > 0 ? z : -z;
  const Real cdf = 0.5L * std::erfc(-t / std::sqrt(2.0L));
  const Real mills = std::exp(-0.5L * t * t) / std::sqrt(kTwoPi) / cdf;
  return {-std::log(cdf), y > 0 ? -mills : mills, mills * (mills + t)};
}

Loss loss_at(const Glm& glm, Real y, Real z) {
  if (glm.model == "poisson") return poisson_loss(y, z);
  if (glm.model == "probit") return probit_loss(y, z);
  if (glm.model == "negative-binomial") return negative_binomial_loss(y, glm.dispersion, z);
  return logistic_loss(y, z);
}

// Under N(mean, sd^2). The error of the rule falls like exp(-2 pi a / h), a the distance of the
// integrand's nearest pole from the real line: pi / sd for the logistic.
Loss expected_loss(const Glm& glm, Real y, Real mean, Real sd) {
  constexpr Real kStep = 1.0L / 16.0L;
  constexpr int kNodes = 13 * 16;
  Loss sum;
  for (int k = -kNodes; k <= kNodes; ++k) {
    const Real t = kStep * static_cast<Real>(k);
    const Real weight = kStep * std::exp(-0.5L * t * t) / std::sqrt(kTwoPi);
    const Real z = mean + sd * t;
    const Loss loss = loss_at(glm, y, z);
    sum.value += weight * loss.value;
    sum.first += weight * loss.first;
    sum.second += weight * loss.second;
  }
  return sum;
}

struct Sums {
  explicit Sums(std::size_t d) : gradient(d), curvature(d * d) {}

  Real loss = 0;
  std::vector<Real> gradient;
  std::vector<Real> curvature;
  Real largest_sd = 0;
};

Sums expected_sums(const Glm& glm, const Moments& q) {
  const std::size_t d = glm.columns;
  Sums sums(d);
  for (std::size_t i = 0; i < glm.rows; ++i) {
    const Real* x = &glm.x[i * d];
    Real mean = glm.offset[i];
    Real variance = 0;
    for (std::size_t j = 0; j < d; ++j) {
      mean += x[j] * q.mean[j];
      for (std::size_t k = 0; k < d; ++k) variance += x[j] * q.covariance[j * d + k] * x[k];
    }
    const Real sd = std::sqrt(variance);
    const Loss loss = expected_loss(glm, glm.y[i], mean, sd);
    sums.largest_sd = std::max(sums.largest_sd, sd);
    sums.loss += glm.weight[i] * loss.value;
    for (std::size_t j = 0; j < d; ++j) {
      sums.gradient[j] += glm.weight[i] * loss.first * x[j];
      for (std::size_t k = 0; k < d; ++k) {
        sums.curvature[j * d + k] += glm.weight[i] * loss.second * x[j] * x[k];
      }
    }
  }
  return sums;
}

// log |A| by Gaussian elimination.
Real log_determinant(std::vector<double> a, std::size_t d) {
  Real sum = 0;
  for (std::size_t pivot = 0; pivot < d; ++pivot) {
    sum += std::log(static_cast<Real>(a[pivot * d + pivot]));
    for (std::size_t i = pivot + 1; i < d; ++i) {
      const double factor = a[i * d + pivot] / a[pivot * d + pivot];
      for (std::size_t j = pivot; j < d; ++j) a[i * d + j] -= factor * a[pivot * d + j];
    }
  }
  return sum;
}

// E_q[log prior] + entropy of q; a flat prior has density one.
Real minus_divergence(const Glm& glm, const Moments& q) {
  const std::size_t d = glm.columns;
  Real sum = 0.5L * static_cast<Real>(d) * (1.0L + std::log(kTwoPi)) -
             0.5L * log_determinant(q.precision, d);
  for (std::size_t j = 0; j < d; ++j) {
    const Real precision = glm.prior_precision[j];
    if (precision == 0) continue;
    const Real away = q.mean[j] - glm.prior_mean[j];
    sum += 0.5L * std::log(precision / kTwoPi) -
           0.5L * precision * (away * away + q.covariance[j * d + j]);
  }
  return sum;
}

// The weighted mean and sd of each feature; a constant one has the sd one.
void standardize(Glm& glm) {
  const std::size_t d = glm.columns;
  Real total = 0;
  for (const Real w : glm.weight) total += w;
  for (std::size_t j = 1; j < d; ++j) {
    const Real first = glm.x[j];
    bool constant = true;
    Real mean = 0;
    Real variance = 0;
    for (std::size_t i = 0; i < glm.rows; ++i) {
      constant = constant && glm.x[i * d + j] == first;
      mean += glm.weight[i] * (glm.x[i * d + j] - first) / total;
    }
    mean += first;
    for (std::size_t i = 0; i < glm.rows; ++i) {
      const Real away = glm.x[i * d + j] - mean;
      variance += glm.weight[i] * away * away / total;
    }
    const Real sd = constant ? 1.0L : std::sqrt(variance);
    for (std::size_t i = 0; i < glm.rows; ++i) glm.x[i * d + j] = (glm.x[i * d + j] - mean) / sd;
    glm.shift.push_back(mean);
    glm.scale.push_back(sd);
  }
}

}  // namespace

testing::Table read_table(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("no table " + path.string());
  testing::Table table;
  std::string line;
  std::getline(file, line);
  std::stringstream header(line);
  for (std::string name; std::getline(header, name, ',');) table.columns.push_back(name);
  while (std::getline(file, line)) {
    std::stringstream row(line);
    for (std::string field; std::getline(row, field, ',');) {
      table.values.push_back(std::stod(field));
    }
  }
  return table;
}

std::vector<double> Glm::on_the_scale_of_the_data(const std::vector<double>& beta) const {
  std::vector<double> mapped(columns);
  Real intercept = beta[0];
  for (std::size_t j = 1; j < columns; ++j) {
    mapped[j] = static_cast<double>(beta[j] / scale[j - 1]);
    intercept -= beta[j] * shift[j - 1] / scale[j - 1];
  }
  mapped[0] = static_cast<double>(intercept);
  return mapped;
}

Glm make_glm(const ModelConfig& model, const testing::Table& table, const DataConfig& columns,
             const PriorConfig& prior) {
  std::vector<std::string> features = columns.features;
  if (features.empty()) {
    for (const std::string& name : table.columns) {
      if (name != columns.response && name != columns.offset && name != columns.weight) {
        features.push_back(name);
      }
    }
  }
  Glm glm;
  glm.model = model.name;
  glm.dispersion = model.dispersion;
  glm.rows = table.rows();
  glm.columns = features.size() + 1;
  for (std::size_t i = 0; i < glm.rows; ++i) {
    glm.x.push_back(1.0L);
    for (const std::string& name : features) glm.x.push_back(table.at(i, name));
    glm.y.push_back(table.at(i, columns.response));
    glm.offset.push_back(columns.offset.empty() ? 0.0L : table.at(i, columns.offset));
    glm.weight.push_back(columns.weight.empty() ? 1.0L : table.at(i, columns.weight));
  }
  standardize(glm);
  for (std::size_t j = 0; j < glm.columns; ++j) {
    const Real sd = j == 0 ? prior.intercept_sd : prior.sd;
    glm.prior_mean.push_back(j == 0 ? prior.intercept_mean : prior.mean);
    glm.prior_precision.push_back(1.0L / (sd * sd));
  }
  return glm;
}

double Moments::sd(std::size_t j) const { return std::sqrt(covariance[j * mean.size() + j]); }

Moments moments_of(const Posterior& posterior) {
  const Family& family = *posterior.blocks().at(0).family;
  const std::size_t d = family.dimension();
  const auto natural = posterior.natural();
  Moments q{.full = family.name() == "gaussian",
            .mean = std::vector<double>(d),
            .precision = std::vector<double>(d * d),
            .covariance = {}};
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; q.full && j < i; ++j) {
      q.precision[i * d + j] = q.precision[j * d + i] = -natural[d + packed_index(i, j)];
    }
    q.precision[i * d + i] = -2.0 * natural[q.full ? d + packed_index(i, i) : 2 * i + 1];
  }
  q.covariance = inverse(q.precision, d);
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j < d; ++j) {
      q.mean[i] += q.covariance[i * d + j] * natural[q.full ? j : 2 * j];
    }
  }
  return q;
}

Stationarity stationarity(const Glm& glm, const Moments& q) {
  const std::size_t d = glm.columns;
  const Sums sums = expected_sums(glm, q);
  Stationarity result{.elbo = static_cast<double>(minus_divergence(glm, q) - sums.loss),
                      .largest_sd = static_cast<double>(sums.largest_sd)};
  std::vector<double> wanted(d * d), gap(d * d), gradient(d);
  for (std::size_t i = 0; i < d; ++i) {
    gradient[i] = static_cast<double>(sums.gradient[i] +
                                      glm.prior_precision[i] * (q.mean[i] - glm.prior_mean[i]));
    for (std::size_t j = 0; j < d; ++j) {
      const Real target = sums.curvature[i * d + j] + (i == j ? glm.prior_precision[i] : 0.0L);
      wanted[i * d + j] = static_cast<double>(target);
      if (q.full || i == j) gap[i * d + j] = static_cast<double>(q.precision[i * d + j] - target);
    }
  }
  const std::vector<double> newton = inverse(wanted, d);
  for (std::size_t i = 0; i < d; ++i) {
    double step = 0;
    for (std::size_t j = 0; j < d; ++j) step += newton[i * d + j] * gradient[j];
    result.mean_step = std::max(result.mean_step, std::abs(step) / q.sd(i));
    for (std::size_t j = 0; j < d; ++j) {
      double change = 0;
      for (std::size_t k = 0; k < d; ++k) {
        for (std::size_t l = 0; l < d; ++l) {
          change += q.covariance[i * d + k] * gap[k * d + l] * q.covariance[l * d + j];
        }
      }
      result.covariance_step =
          std::max(result.covariance_step, std::abs(change) / (q.sd(i) * q.sd(j)));
    }
  }
  return result;
}

}  // namespace bayesum::oracle
