#include "tests/models/metropolis.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

namespace bayesum::oracle {
namespace {

constexpr double kDegreesOfFreedom = 8.0;

// log p(beta | data) up to a constant.
class LogPosterior {
 public:
  explicit LogPosterior(const Glm& glm)
      : glm_(glm), columns_(glm.x.size()), evidence_(glm.columns), z_(glm.rows) {
    for (std::size_t i = 0; i < glm.rows; ++i) {
      for (std::size_t j = 0; j < glm.columns; ++j) {
        const auto x = static_cast<double>(glm.x[i * glm.columns + j]);
        columns_[j * glm.rows + i] = x;
        if (glm.model == "probit") continue;  // has no term y z
        evidence_[j] += static_cast<double>(glm.weight[i] * glm.y[i]) * x;
      }
    }
    offset_.assign(glm.offset.begin(), glm.offset.end());
    weight_.assign(glm.weight.begin(), glm.weight.end());
  }

  double operator()(const std::vector<double>& beta) {
    double sum = 0;
    z_ = offset_;
    for (std::size_t j = 0; j < beta.size(); ++j) {
      const double away = beta[j] - static_cast<double>(glm_.prior_mean[j]);
      sum -= 0.5 * static_cast<double>(glm_.prior_precision[j]) * away * away;
      sum += evidence_[j] * beta[j];
      const double* const x = &columns_[j * glm_.rows];
      for (std::size_t i = 0; i < z_.size(); ++i) z_[i] += beta[j] * x[i];
    }
    for (std::size_t i = 0; i < z_.size(); ++i) sum -= weight_[i] * log_normalizer(i);
    return sum;
  }

 private:
  // Minus the log-likelihood of row i but for y z.
  double log_normalizer(std::size_t i) const {
    const double z = z_[i];
    if (glm_.model == "poisson") return std::exp(z);
    if (glm_.model == "probit") {
      return -std::log(0.5 * std::erfc((glm_.y[i] > 0 ? -z : z) / std::numbers::sqrt2));
    }
    if (glm_.model == "negative-binomial") {
      const auto r = static_cast<double>(glm_.dispersion);
      return (static_cast<double>(glm_.y[i]) + r) * std::log(r + std::exp(z));
    }
    return std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z)));
  }

  const Glm& glm_;
  std::vector<double> columns_;   // x, column by column
  std::vector<double> evidence_;  // X'Wy
  std::vector<double> offset_;
  std::vector<double> weight_;
  std::vector<double> z_;
};

// L with Sigma = L L'.
std::vector<double> cholesky_factor(const std::vector<double>& a, std::size_t d) {
  std::vector<double> factor(d * d);
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double rest = a[i * d + j];
      for (std::size_t k = 0; k < j; ++k) rest -= factor[i * d + k] * factor[j * d + k];
      factor[i * d + j] = i == j ? std::sqrt(rest) : rest / factor[j * d + j];
    }
  }
  return factor;
}

// A chain in whitened coordinates u, beta = mean + L u.
class Chain {
 public:
  Chain(const Glm& glm, const Moments& guess, std::uint64_t seed)
      : log_posterior_(glm),
        mean_(guess.mean),
        factor_(cholesky_factor(guess.covariance, mean_.size())),
        random_(seed),
        u_(mean_.size(), 4.0 / std::sqrt(static_cast<double>(mean_.size()))),
        density_(log_posterior_(beta())) {}

  std::vector<double> beta() const { return beta(u_); }

  void sweep() {
    const double walk = 2.38 / std::sqrt(static_cast<double>(u_.size()));
    std::vector<double> proposal = u_;
    for (double& x : proposal) x += walk * normal_(random_);
    accept(proposal, 0.0);

    const double stretch = std::sqrt(kDegreesOfFreedom / chi_squared_(random_));
    for (double& x : proposal) x = stretch * normal_(random_);
    accept(proposal, log_student_t(u_) - log_student_t(proposal));
  }

 private:
  std::vector<double> beta(const std::vector<double>& u) const {
    const std::size_t d = u.size();
    std::vector<double> beta = mean_;
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = 0; j <= i; ++j) beta[i] += factor_[i * d + j] * u[j];
    }
    return beta;
  }

  double log_student_t(const std::vector<double>& u) const {
    double squares = 0;
    for (const double x : u) squares += x * x;
    return -0.5 * (kDegreesOfFreedom + static_cast<double>(u.size())) *
           std::log1p(squares / kDegreesOfFreedom);
  }

  void accept(const std::vector<double>& proposal, double log_correction) {
    const double density = log_posterior_(beta(proposal));
    if (std::log(uniform_(random_)) >= density - density_ + log_correction) return;
    u_ = proposal;
    density_ = density;
  }

  LogPosterior log_posterior_;
  std::vector<double> mean_;
  std::vector<double> factor_;
  std::mt19937_64 random_;
  std::normal_distribution<double> normal_;
  std::uniform_real_distribution<double> uniform_;
  std::chi_squared_distribution<double> chi_squared_{kDegreesOfFreedom};
  std::vector<double> u_;
  double density_;
};

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double x : values) sum += x;
  return sum / static_cast<double>(values.size());
}

// The variance of the mean, from the means of 40 consecutive batches.
double variance_of_mean(const std::vector<double>& values) {
  constexpr std::size_t kBatches = 40;
  const std::size_t size = values.size() / kBatches;
  const double mean = mean_of(values);
  double squares = 0;
  for (std::size_t b = 0; b < kBatches; ++b) {
    double sum = 0;
    for (std::size_t i = b * size; i < (b + 1) * size; ++i) sum += values[i];
    const double away = sum / static_cast<double>(size) - mean;
    squares += away * away;
  }
  return squares / static_cast<double>((kBatches - 1) * kBatches);
}

Estimate estimate(const std::vector<double>& values) {
  const double mean = mean_of(values);
  std::vector<double> squares;
  for (const double x : values) squares.push_back((x - mean) * (x - mean));
  const double variance = mean_of(squares);
  return {.mean = mean,
          .sd = std::sqrt(variance),
          .effective_draws = variance / variance_of_mean(values),
          .sd_error = 0.5 * std::sqrt(variance_of_mean(squares)) / variance};
}

}  // namespace

std::vector<Estimate> metropolis(const Glm& glm, const Moments& guess, std::size_t sweeps,
                                 std::uint64_t seed) {
  Chain chain(glm, guess, seed);
  for (std::size_t t = 0; t < sweeps / 10; ++t) chain.sweep();
  std::vector<std::vector<double>> draws(glm.columns);
  for (std::size_t t = 0; t < sweeps; ++t) {
    chain.sweep();
    const auto beta = glm.on_the_scale_of_the_data(chain.beta());
    for (std::size_t j = 0; j < beta.size(); ++j) draws[j].push_back(beta[j]);
  }
  std::vector<Estimate> estimates;
  for (const auto& values : draws) estimates.push_back(estimate(values));
  return estimates;
}

}  // namespace bayesum::oracle
