#include "models/prediction.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/error.hpp"
#include "tests/models/numerics.hpp"
#include "tests/models/trained_examples.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kRows = 5;

// Rows of the design: an intercept and three standardized columns.
struct Rows {
  std::vector<double> x = {1, 0.3, -1.2, 0.5, 1,    -0.7, 0.1, 2.0,  1,   0,
                           0, 0,   1,    3.0, -2.5, -1.5, 1,   -0.2, 0.4, 0.6};
  std::vector<double> y = {}, offset = {}, weight = {};

  MatrixView<const double> view() const { return {x.data(), x.size() / 4, 4}; }
  Batch batch() const { return {view(), y, offset, weight}; }
};

double dot(const double* x, const std::vector<double>& m) {
  double sum = 0;
  for (std::size_t i = 0; i < m.size(); ++i) sum += x[i] * m[i];
  return sum;
}

// x' m + offset and x' Sigma x.
std::pair<double, double> functional(const examples::Moments& q, const Rows& rows, std::size_t i,
                                     const std::vector<double>& covariance) {
  const double* x = rows.x.data() + 4 * i;
  const double offset = rows.offset.empty() ? 0.0 : rows.offset[i];
  return {dot(x, q.mean) + offset, oracle::quadratic(covariance, x, 4)};
}

TEST(Predict, LogisticMixesOverTheLinearPredictor) {
  const examples::Moments q;
  const Rows rows{.y = {0, 1, 1, 0, 1}, .offset = {0, 0.5, -1, 2, 0}};
  const auto covariance = oracle::inverse(q.precision, 4);
  const auto predictions = predict(examples::regression("logistic"), rows.batch());
  ASSERT_EQ(predictions.size(), kRows);
  for (std::size_t i = 0; i < kRows; ++i) {
    const auto [location, variance] = functional(q, rows, i, covariance);
    const auto probability = [&](double z) {
      return oracle::normal_density(z, location, variance) / (1 + std::exp(-z));
    };
    const double reach = 12 * std::sqrt(variance);
    const double one = oracle::integral(probability, location - reach, location + reach, 20000);
    EXPECT_NEAR(predictions[i].mean, one, 1e-12);
    EXPECT_NEAR(predictions[i].log_density, std::log(rows.y[i] > 0 ? one : 1 - one), 1e-11);
  }
}

TEST(Predict, PoissonMixesOverTheLinearPredictor) {
  const examples::Moments q;
  const Rows rows{.y = {0, 1, 3, 2, 12}, .offset = {0, 0.5, -1, 2, 0}};
  const auto covariance = oracle::inverse(q.precision, 4);
  const auto predictions = predict(examples::regression("poisson"), rows.batch());
  ASSERT_EQ(predictions.size(), kRows);
  for (std::size_t i = 0; i < kRows; ++i) {
    const auto [location, variance] = functional(q, rows, i, covariance);
    const double y = rows.y[i];
    const auto density = [&](double z) {
      return oracle::normal_density(z, location, variance) *
             std::exp(y * z - std::exp(z) - std::lgamma(y + 1));
    };
    const double reach = 12 * std::sqrt(variance);
    const double likelihood = oracle::integral(density, location - reach, location + reach, 20000);
    EXPECT_NEAR(predictions[i].log_density, std::log(likelihood), 1e-10);
    EXPECT_NEAR(predictions[i].mean, std::exp(location + 0.5 * variance), 1e-12);
  }
}

TEST(Predict, LinearMixesOverCoefficientsAndNoise) {
  const examples::Moments q;
  const Rows rows{
      .y = {0.1, -1, 3, 0.7, 0}, .offset = {0, 0.5, -1, 2, 0}, .weight = {1, 4, 0.25, 0, 2}};
  const auto inverse_scale = oracle::inverse(q.precision, 4);
  const auto predictions = predict(examples::regression("linear"), rows.batch());
  ASSERT_EQ(predictions.size(), kRows);
  for (std::size_t i = 0; i < kRows; ++i) {
    const auto [location, factor] = functional(q, rows, i, inverse_scale);
    const double spread = 1.0 + factor;  // weights say how often a row counts, not how it spreads
    const auto density = [&](double log_tau) {
      return oracle::log_gamma_density(log_tau, q.shape, q.rate) *
             oracle::normal_density(rows.y[i], location, spread / std::exp(log_tau));
    };
    const double likelihood = oracle::integral(density, -12, 8, 20000);
    EXPECT_NEAR(predictions[i].log_density, std::log(likelihood), 1e-10);
    EXPECT_NEAR(predictions[i].mean, location, 1e-13);
    EXPECT_NEAR(predictions[i].sd, std::sqrt(spread * q.rate / (q.shape - 1)), 1e-12);
  }
}

TEST(Predict, DiagonalPosteriorIsTheFullOneWithoutCorrelations) {
  examples::Moments q;
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t j = 0; j < 4; ++j) q.precision[i * 4 + j] *= i == j ? 1.0 : 0.0;
  }
  const Rows rows{.y = {0, 1, 1, 0, 1}};
  const auto full = predict(examples::regression("logistic", "full", q), rows.batch());
  const auto diagonal = predict(examples::regression("logistic", "diagonal", q), rows.batch());
  for (std::size_t i = 0; i < kRows; ++i) {
    EXPECT_NEAR(full[i].log_density, diagonal[i].log_density, 1e-13);
  }
}

TEST(Predict, WithoutAResponseSaysNothingOfIt) {
  const auto predictions = predict(examples::regression("poisson"), Rows().batch());
  ASSERT_EQ(predictions.size(), kRows);
  for (const auto& prediction : predictions) {
    EXPECT_GT(prediction.mean, 0);
    EXPECT_TRUE(std::isnan(prediction.log_density));
    EXPECT_TRUE(std::isnan(prediction.cdf));
  }
}

TEST(Predict, BaselinesKnowTheResponsesAlone) {
  const Rows rows{.y = {0, 1, 1, 0, 1}, .offset = {0, 0.5, -1, 2, 0}};
  const auto logistic = predict_baseline(examples::regression("logistic"), rows.batch());
  const auto poisson = predict_baseline(examples::regression("poisson"), rows.batch());
  const auto linear = predict_baseline(examples::regression("linear"), rows.batch());
  for (std::size_t i = 0; i < kRows; ++i) {
    const double y = rows.y[i];
    EXPECT_NEAR(logistic[i].log_density, std::log(y > 0 ? 0.6 : 0.4), 1e-14);
    const double rate = 1.7 * std::exp(rows.offset[i]);
    EXPECT_NEAR(poisson[i].log_density, y * std::log(rate) - rate, 1e-13);
    EXPECT_NEAR(poisson[i].mean, rate, 1e-13);
    EXPECT_NEAR(linear[i].log_density, std::log(oracle::normal_density(y, 0.6, 0.81)), 1e-13);
    EXPECT_NEAR(linear[i].sd, 0.9, 1e-15);
  }
}

ExitCode code_of(const TrainedModel& trained, const Batch& batch) {
  try {
    predict(trained, batch);
  } catch (const Error& error) {
    return error.code();
  }
  return ExitCode::kDone;
}

TEST(Predict, RefusesRowsThatDoNotFit) {
  const std::vector<double> x(6);
  const Batch narrow{{x.data(), 2, 3}, {}, {}, {}};
  EXPECT_EQ(code_of(examples::regression("logistic"), narrow), ExitCode::kUsage);
  EXPECT_EQ(code_of(examples::probabilities(), narrow), ExitCode::kUsage);
}

}  // namespace
}  // namespace bayesum
