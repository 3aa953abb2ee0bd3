#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "core/families/family.hpp"
#include "kernels/matrix.hpp"
#include "models/trained_model.hpp"

// Trained models made by hand, without training: what they hold is known.
namespace bayesum::examples {

// A Gaussian or Normal-Gamma over an intercept and three features, by its moments.
inline constexpr std::size_t kColumns = 4;

struct Moments {
  std::vector<double> mean = {0.4, -0.3, 0.25, 0.1};
  std::vector<double> precision = {9.0,  2.0, -1.0, 0.5, 2.0, 16.0, 3.0, -2.0,
                                   -1.0, 3.0, 25.0, 4.0, 0.5, -2.0, 4.0, 12.0};
  double shape = 6.5;  // of a Normal-Gamma
  double rate = 4.0;
};

// lambda = [S m ; -S_ii / 2 on the packed diagonal, -S_ij below it].
inline std::vector<double> gaussian_natural(const Moments& q) {
  const std::size_t d = q.mean.size();
  std::vector<double> natural(d + packed_size(d));
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j < d; ++j) natural[i] += q.precision[i * d + j] * q.mean[j];
    for (std::size_t j = 0; j <= i; ++j) {
      natural[d + packed_index(i, j)] = -(i == j ? 0.5 : 1.0) * q.precision[i * d + j];
    }
  }
  return natural;
}

inline std::vector<double> diagonal_natural(const Moments& q) {
  const std::size_t d = q.mean.size();
  std::vector<double> natural;
  for (std::size_t i = 0; i < d; ++i) {
    const double s = q.precision[i * d + i];
    natural.insert(natural.end(), {s * q.mean[i], -0.5 * s});
  }
  return natural;
}

inline std::vector<double> normal_gamma_natural(const Moments& q) {
  const auto gaussian = gaussian_natural(q);
  const std::size_t d = q.mean.size();
  double quadratic = 0;
  for (std::size_t i = 0; i < d; ++i) quadratic += q.mean[i] * gaussian[i];
  std::vector<double> natural = {q.shape - 1.0 + 0.5 * static_cast<double>(d),
                                 -(q.rate + 0.5 * quadratic)};
  natural.insert(natural.end(), gaussian.begin(), gaussian.end());
  return natural;
}

inline void set_posterior(TrainedModel& trained, const std::string& block,
                          const std::string& family, std::size_t dimension,
                          const std::vector<double>& natural) {
  trained.posterior = Posterior();
  trained.posterior.add_block(block, make_family(family, dimension));
  std::copy(natural.begin(), natural.end(), trained.posterior.natural().begin());
}

// `name` is a model's, `kind` that of its posterior: full or diagonal.
inline TrainedModel regression(const std::string& name, const std::string& kind = "full",
                               const Moments& q = {}) {
  TrainedModel trained;
  trained.model = {.name = name, .posterior = kind};
  trained.design = {.features = {"age", "income, \"net\"", "d\u00f8se"},
                    .intercept = true,
                    .mean = {41.5, 1.0 / 3.0, -2e-3},
                    .sd = {11.25, 0.1, 3e4}};
  trained.columns.response = "visits";
  trained.columns.offset = "log exposure";
  trained.columns.virtual_shards = 11;
  trained.summary = {.rows = 1234,
                     .weight = 1200.1,
                     .mean = trained.design.mean,
                     .sd = trained.design.sd,
                     .response_mean = 0.6,
                     .response_sd = 0.9,
                     .response_rate = 1.7,
                     .fingerprint = 0x00c0ffee12345678};
  trained.fit = {.step = 12, .elbo = -321.123456789, .loss = 300.1, .rows = 1234, .residual = 3e-9};
  if (name == "linear") {
    set_posterior(trained, "coefficients", "normal-gamma", kColumns + 1, normal_gamma_natural(q));
  } else if (kind == "full") {
    set_posterior(trained, "coefficients", "gaussian", kColumns, gaussian_natural(q));
  } else {
    set_posterior(trained, "coefficients", "diagonal-gaussian", kColumns, diagonal_natural(q));
  }
  trained.prior.natural.assign(trained.posterior.size(), 0.0);
  trained.prior.natural[1] = -0.1;
  return trained;
}

// Three classes over the columns of `regression`.
inline constexpr std::size_t kClasses = 3;

inline Moments softmax_moments() {
  constexpr std::size_t kDimension = (kClasses - 1) * kColumns;
  Moments q{.mean = {0.4, -0.3, 0.25, 0.1, -0.2, 0.8, 0.05, -0.6},
            .precision = std::vector<double>(kDimension * kDimension)};
  for (std::size_t i = 0; i < kDimension; ++i) {
    for (std::size_t j = 0; j < kDimension; ++j) {
      const double distance = static_cast<double>(i > j ? i - j : j - i);
      q.precision[i * kDimension + j] = i == j ? 9.0 + static_cast<double>(i) : 2.0 / distance;
    }
  }
  return q;
}

inline TrainedModel softmax(const std::string& kind = "full") {
  TrainedModel trained = regression("logistic");
  const Moments q = softmax_moments();
  trained.model = {.name = "softmax", .posterior = kind};
  trained.columns.offset = "";
  trained.design.classes = {"cat", "dog, small", "owl"};
  trained.summary.class_weight = {600.0, 450.1, 150.0};
  const bool full = kind == "full";
  set_posterior(trained, "coefficients", full ? "gaussian" : "diagonal-gaussian", q.mean.size(),
                full ? gaussian_natural(q) : diagonal_natural(q));
  trained.prior.natural.assign(trained.posterior.size(), 0.0);
  return trained;
}

inline TrainedModel probabilities() {
  TrainedModel trained;
  trained.model = {.name = "beta-bernoulli", .intercept = false, .standardize = false};
  trained.design = {
      .features = {"heads", "rain"}, .intercept = false, .mean = {0, 0}, .sd = {1, 1}};
  trained.summary = {.rows = 40, .weight = 40, .mean = {0.3, 0.5}, .sd = {0.4, 0.5}};
  set_posterior(trained, "probabilities", "beta", 2, {12.0, 29.5, -0.5, 3.0});
  trained.prior.natural = {0, 0, 0, 0};
  return trained;
}

}  // namespace bayesum::examples
