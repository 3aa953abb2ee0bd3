#include "models/regression/coefficients.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "core/message.hpp"
#include "tests/models/numerics.hpp"
#include "tests/models/trained_examples.hpp"

namespace bayesum {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Row `row` of the linear map from standardized coefficients to those of the data, from the
// identity b_0 + sum_j b_j (x_j - mean_j) / sd_j = intercept + sum_j beta_j x_j.
std::vector<double> map_row(const Design& design, std::size_t row) {
  std::vector<double> map(design.columns());
  if (row > 0) {
    map[row] = 1.0 / design.sd[row - 1];
    return map;
  }
  map[0] = 1.0;
  for (std::size_t j = 0; j < design.mean.size(); ++j) map[j + 1] = -design.mean[j] / design.sd[j];
  return map;
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

TEST(Coefficients, OfAGaussianAreTheLinearMapOfItsMoments) {
  const examples::Moments q;
  const auto trained = examples::regression("logistic");
  const auto covariance = oracle::inverse(q.precision, 4);
  const auto table = coefficients(trained);
  ASSERT_EQ(table.size(), 4u);
  EXPECT_EQ(table[0].name, "intercept");
  EXPECT_EQ(table[1].name, "age");
  for (std::size_t row = 0; row < 4; ++row) {
    SCOPED_TRACE(table[row].name);
    const auto map = map_row(trained.design, row);
    const double sd = std::sqrt(oracle::quadratic(covariance, map.data(), 4));
    EXPECT_NEAR(table[row].mean, dot(map, q.mean), 1e-12 * (sd + std::abs(table[row].mean)));
    EXPECT_NEAR(table[row].sd, sd, 1e-12 * sd);
    EXPECT_NEAR(table[row].high - table[row].mean, 1.959963984540054 * sd, 1e-11 * sd);
    EXPECT_NEAR(table[row].mean - table[row].low, 1.959963984540054 * sd, 1e-11 * sd);
    EXPECT_EQ(table[row].prior_sd, row == 0 ? 10.0 : 2.5);
  }
}

TEST(Coefficients, OfADiagonalGaussianCorrelateThroughTheIntercept) {
  const examples::Moments q;
  const auto trained = examples::regression("poisson", "diagonal");
  const auto table = coefficients(trained);
  for (std::size_t row = 0; row < 4; ++row) {
    const auto map = map_row(trained.design, row);
    double variance = 0;
    for (std::size_t j = 0; j < 4; ++j) variance += map[j] * map[j] / q.precision[j * 4 + j];
    EXPECT_NEAR(table[row].mean, dot(map, q.mean), 1e-12 * std::abs(table[row].mean));
    EXPECT_NEAR(table[row].sd, std::sqrt(variance), 1e-12 * std::sqrt(variance));
  }
}

TEST(Coefficients, SpeakOfTheSameLinearPredictor) {
  const examples::Moments q;
  const auto trained = examples::regression("logistic");
  const auto table = coefficients(trained);
  const std::vector<double> value = {63.0, 0.9, 2.5e4};
  double on_data = table[0].mean, standardized = q.mean[0];
  for (std::size_t j = 0; j < 3; ++j) {
    on_data += table[j + 1].mean * value[j];
    standardized += q.mean[j + 1] * (value[j] - trained.design.mean[j]) / trained.design.sd[j];
  }
  EXPECT_NEAR(on_data, standardized, 1e-12);
}

TEST(Coefficients, MoreThanOneBlockOfRowsIsTheSame) {
  constexpr std::size_t kFeatures = 150;
  auto trained = examples::regression("logistic", "diagonal");
  trained.design = Design();
  trained.design.intercept = false;
  std::vector<double> natural;
  for (std::size_t j = 0; j < kFeatures; ++j) {
    const double number = static_cast<double>(j);
    trained.design.features.push_back(std::to_string(j));
    trained.design.mean.push_back(0);
    trained.design.sd.push_back(1.0 + number);
    natural.insert(natural.end(), {2.0 * (number - 70.0), -1.0});  // precision 2
  }
  examples::set_posterior(trained, "coefficients", "diagonal-gaussian", kFeatures, natural);
  const auto table = coefficients(trained);
  ASSERT_EQ(table.size(), kFeatures);
  for (std::size_t j = 0; j < kFeatures; ++j) {
    const double sd = 1.0 + static_cast<double>(j);
    EXPECT_EQ(table[j].name, trained.design.features[j]);
    EXPECT_NEAR(table[j].mean, (static_cast<double>(j) - 70.0) / sd, 1e-12);
    EXPECT_NEAR(table[j].sd, std::sqrt(0.5) / sd, 1e-12);
  }
}

// Student-t marginals of a Normal-Gamma, by integrating the Gaussian over tau.
TEST(Coefficients, OfANormalGammaMixOverTheNoise) {
  const examples::Moments q;
  const auto trained = examples::regression("linear");
  const auto inverse_scale = oracle::inverse(q.precision, 4);
  const auto table = coefficients(trained);
  ASSERT_EQ(table.size(), 5u);
  for (std::size_t row = 0; row < 4; ++row) {
    SCOPED_TRACE(table[row].name);
    const auto map = map_row(trained.design, row);
    const double factor = oracle::quadratic(inverse_scale, map.data(), 4);
    const auto expectation = [&](const auto& f) {
      const auto integrand = [&](double log_tau) {
        return oracle::log_gamma_density(log_tau, q.shape, q.rate) * f(std::exp(log_tau));
      };
      return oracle::integral(integrand, -12, 8, 20000);
    };
    const double inside = expectation([&](double tau) {
      const double sd = std::sqrt(factor / tau);
      return std::erf((table[row].high - table[row].mean) / sd / std::sqrt(2.0));
    });
    EXPECT_NEAR(inside, 0.95, 1e-10);
    EXPECT_NEAR(table[row].high + table[row].low, 2 * table[row].mean,
                1e-12 * std::abs(table[row].high));
    const double variance = expectation([&](double tau) { return factor / tau; });
    EXPECT_NEAR(table[row].sd, std::sqrt(variance), 1e-9 * table[row].sd);
  }
}

TEST(Coefficients, SigmaIsTheSdOfTheNoise) {
  for (const double shape : {1.2, 6.5, 5e3}) {
    SCOPED_TRACE(shape);
    examples::Moments q;
    q.shape = shape;
    q.rate = 4.0 * shape;
    const auto trained = examples::regression("linear", "full", q);
    const auto sigma = coefficients(trained).back();
    EXPECT_EQ(sigma.name, "sigma");
    const double middle = std::log(shape / q.rate);
    const double reach = shape < 100 ? 250.0 : 0.6;  // sigma has heavy tails at small shapes
    const auto expectation = [&](const auto& f, double from, double to) {
      const auto integrand = [&](double log_tau) {
        return oracle::log_gamma_density(log_tau, shape, q.rate) * f(std::exp(-0.5 * log_tau));
      };
      return oracle::integral(integrand, from, to, 400000);
    };
    const auto all = [&](const auto& f) { return expectation(f, middle - reach, middle + reach); };
    const double mean = all([](double s) { return s; });
    EXPECT_NEAR(sigma.mean, mean, 1e-9 * mean);
    const double variance = all([&](double s) { return (s - mean) * (s - mean); });
    EXPECT_NEAR(sigma.sd, std::sqrt(variance), 1e-6 * sigma.sd);
    const auto one = [](double) { return 1.0; };
    EXPECT_NEAR(expectation(one, -2 * std::log(sigma.low), middle + reach), 0.025, 1e-8);
    EXPECT_NEAR(expectation(one, middle - reach, -2 * std::log(sigma.high)), 0.025, 1e-8);
  }
}

TEST(Coefficients, MomentsThatDoNotExistAreInfinite) {
  examples::Moments q;
  q.shape = 0.4;  // 2 a < 1
  const auto table = coefficients(examples::regression("linear", "full", q));
  EXPECT_EQ(table[1].sd, kInfinity);
  EXPECT_EQ(table.back().mean, kInfinity);
  EXPECT_EQ(table.back().sd, kInfinity);
  EXPECT_TRUE(std::isfinite(table.back().low));
  EXPECT_EQ(table.back().prior_sd, kInfinity);  // shape 1
}

TEST(Coefficients, OfBetasAreProbabilities) {
  const auto table = coefficients(examples::probabilities());
  ASSERT_EQ(table.size(), 2u);
  EXPECT_EQ(table[0].name, "heads");
  const double a[] = {13.0, 0.5}, b[] = {30.5, 4.0};
  for (std::size_t k = 0; k < 2; ++k) {
    // In logit p, so that the densities are smooth.
    const auto expectation = [&](const auto& f, double from, double to) {
      const double log_beta = std::lgamma(a[k]) + std::lgamma(b[k]) - std::lgamma(a[k] + b[k]);
      const auto integrand = [&](double z) {
        const double p = 1 / (1 + std::exp(-z));
        return f(p) * std::exp(a[k] * z - (a[k] + b[k]) * std::log1p(std::exp(z)) - log_beta);
      };
      return oracle::integral(integrand, from, to, 100000);
    };
    const double mean = expectation([](double p) { return p; }, -100, 50);
    EXPECT_NEAR(table[k].mean, mean, 1e-10);
    const auto square = [&](double p) { return (p - mean) * (p - mean); };
    EXPECT_NEAR(table[k].sd, std::sqrt(expectation(square, -100, 50)), 1e-10);
    const auto one = [](double) { return 1.0; };
    const auto logit = [](double p) { return std::log(p / (1 - p)); };
    EXPECT_NEAR(expectation(one, -100, logit(table[k].low)), 0.025, 1e-9);
    EXPECT_NEAR(expectation(one, logit(table[k].high), 50), 0.025, 1e-9);
  }
}

// The posterior of linear regression, by one exact step over the rows of a table.
TrainedModel fitted(const std::vector<double>& table, const std::vector<double>& y,
                    const Design& design, const PriorConfig& prior) {
  const std::size_t features = design.features.size();
  std::vector<double> x;
  for (std::size_t i = 0; i < y.size(); ++i) {
    x.push_back(1.0);
    for (std::size_t j = 0; j < features; ++j) {
      x.push_back((table[i * features + j] - design.mean[j]) / design.sd[j]);
    }
  }
  TrainedModel trained;
  trained.model.name = "linear";
  trained.prior_config = prior;
  trained.design = design;
  const Stream stream;
  const auto model = make_model(trained.model, prior, design, trained.summary);
  trained.posterior = model->initial_posterior();
  Message message(trained.posterior.size(), {});
  model->prepare(stream, trained.posterior);
  model->accumulate(stream, {{x.data(), y.size(), features + 1}, y, {}, {}}, message);
  const auto evidence = std::as_const(message).payload();
  for (std::size_t i = 0; i < evidence.size(); ++i) {
    trained.posterior.natural()[i] = model->prior().natural[i] + evidence[i];
  }
  return trained;
}

// With a flat prior on the intercept, standardizing only changes the units of the slopes' priors:
// beta_j = b_j / sd_j.
TEST(Coefficients, DoNotDependOnTheStandardizationUnderAnEquivalentPrior) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  std::vector<double> table, y;
  for (int i = 0; i < 60; ++i) {
    const double first = 40.0 + 12.0 * normal(random), second = 3.0 + 0.02 * normal(random);
    table.insert(table.end(), {first, second});
    y.push_back(2.0 - 0.1 * first + 20.0 * second + normal(random));
  }
  const Design raw{.features = {"a", "b"}, .intercept = true, .mean = {0, 0}, .sd = {1, 1}};
  const Design standardized{
      .features = {"a", "b"}, .intercept = true, .mean = {38.0, 3.01}, .sd = {11.0, 0.025}};
  PriorConfig prior;
  prior.mean = 0.3;
  prior.sd = 0.8;
  prior.intercept_sd = kInfinity;
  PriorConfig equivalent = prior;
  equivalent.mean_of = {{"a", 0.3 / 11.0}, {"b", 0.3 / 0.025}};
  equivalent.sd_of = {{"a", 0.8 / 11.0}, {"b", 0.8 / 0.025}};
  const auto one = coefficients(fitted(table, y, standardized, prior));
  const auto other = coefficients(fitted(table, y, raw, equivalent));
  ASSERT_EQ(one.size(), 4u);
  for (std::size_t row = 0; row < one.size(); ++row) {
    SCOPED_TRACE(one[row].name);
    EXPECT_NEAR(one[row].mean, other[row].mean, 1e-6 * one[row].sd);
    EXPECT_NEAR(one[row].sd, other[row].sd, 1e-6 * one[row].sd);
    EXPECT_NEAR(one[row].low, other[row].low, 1e-6 * one[row].sd);
    EXPECT_NEAR(one[row].high, other[row].high, 1e-6 * one[row].sd);
  }
}

}  // namespace
}  // namespace bayesum
