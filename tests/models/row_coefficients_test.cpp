#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/families/normal_wishart.hpp"
#include "models/regression/coefficients.hpp"
#include "tests/models/numerics.hpp"
#include "tests/models/trained_examples.hpp"

// The lines of models without a response, held against draws of their posteriors.
namespace bayesum {
namespace {

TrainedModel example(const std::string& model, std::vector<std::string> features) {
  TrainedModel trained;
  trained.model.name = model;
  trained.design.intercept = false;
  for (std::size_t k = 0; k < features.size(); ++k) {
    trained.design.inputs.push_back({features[k], {}});
    trained.design.mean.push_back(10.0 * static_cast<double>(k + 1));
    trained.design.sd.push_back(0.5 + 2.0 * static_cast<double>(k));
  }
  trained.design.features = std::move(features);
  return trained;
}

constexpr std::uint32_t kDraws = 20000;

// Mean, sd and both ends of the interval against draws of the same number.
void expect_draws(const Coefficient& line, std::vector<double> draws) {
  SCOPED_TRACE(line.name);
  const auto n = static_cast<double>(draws.size());
  double mean = 0, variance = 0, below = 0, above = 0;
  for (const double x : draws) mean += x / n;
  for (const double x : draws) {
    variance += (x - mean) * (x - mean) / n;
    below += x < line.low ? 1.0 / n : 0.0;
    above += x > line.high ? 1.0 / n : 0.0;
  }
  EXPECT_NEAR(
      line.mean, mean,
      6.0 * std::sqrt(variance / n) + 0.06 * line.sd * (line.name.starts_with("cor") ? 1.0 : 0.0));
  EXPECT_NEAR(line.sd, std::sqrt(variance), 0.06 * std::sqrt(variance));
  EXPECT_NEAR(below, 0.025, 0.008);
  EXPECT_NEAR(above, 0.025, 0.008);
}

// draws[i][j]: element i of theta in draw j.
std::vector<std::vector<double>> draw_theta(const TrainedModel& trained) {
  const Block& block = trained.posterior.blocks().front();
  std::vector<double> theta(block.family->dimension());
  std::vector<std::vector<double>> draws(theta.size());
  for (std::uint32_t draw = 0; draw < kDraws; ++draw) {
    block.family->sample(trained.posterior.natural(block), {.seed = 11, .step = 0, .draw = draw},
                         theta);
    for (std::size_t i = 0; i < theta.size(); ++i) draws[i].push_back(theta[i]);
  }
  return draws;
}

TEST(RowCoefficients, OfGaussiansAreMeansAndSds) {
  auto trained = example("gaussian", {"a", "b"});
  trained.prior_config.shape = 3.0;
  std::vector<double> natural;
  for (const auto& [a, b, m, kappa] :
       {std::array{6.0, 3.0, 0.7, 12.0}, std::array{40.0, 55.0, -2.0, 80.0}}) {
    natural.insert(natural.end(), {a - 0.5, -(b + kappa * m * m / 2), kappa * m, -kappa / 2});
  }
  examples::set_posterior(trained, "columns", "diagonal-normal-gamma", 4, natural);
  const auto table = coefficients(trained);
  ASSERT_EQ(table.size(), 4u);
  EXPECT_EQ(table[1].name, "mean.b");
  EXPECT_EQ(table[2].name, "sd.a");
  auto draws = draw_theta(trained);
  for (std::size_t k = 0; k < 2; ++k) {
    const double unit = trained.design.sd[k];
    for (double& x : draws[2 * k]) x = trained.design.mean[k] + unit * x;
    for (double& x : draws[2 * k + 1]) x = unit / std::sqrt(x);
    expect_draws(table[k], draws[2 * k]);
    expect_draws(table[2 + k], draws[2 * k + 1]);
    // t with 2 shape = 6 degrees: variance rate / (shape - 1) / strength.
    EXPECT_NEAR(table[k].prior_sd, std::sqrt(1.0 / 2.0 / 0.1), 1e-12);
    EXPECT_NEAR(table[k].contraction(), 1.0 - std::pow(table[k].sd / unit / table[k].prior_sd, 2),
                1e-12);
    EXPECT_NEAR(table[k].signal_to_noise(), std::abs(table[k].mean) / table[k].sd, 1e-12);
  }
}

TEST(RowCoefficients, OfAMultivariateGaussianHaveCorrelations) {
  auto trained = example("multivariate-gaussian", {"a", "b", "c"});
  NormalWishartMoments q;
  q.mean = {0.3, -1.0, 2.0};
  q.kappa = 9.0;
  q.precision = {14.0, 3, {2.0, 0, 0, 1.5, 1.0, 0, -0.5, 0.4, 3.0}};
  examples::set_posterior(trained, "rows", "normal-wishart", 9, q.to_natural());
  const auto table = coefficients(trained);
  ASSERT_EQ(table.size(), 9u);
  EXPECT_EQ(table[6].name, "cor.a.b");
  EXPECT_EQ(table[7].name, "cor.a.c");
  EXPECT_EQ(table[8].name, "cor.b.c");
  const auto draws = draw_theta(trained);
  std::vector<std::vector<double>> shown(9);
  for (std::size_t i = 0; i < kDraws; ++i) {
    std::vector<double> precision(9);
    for (std::size_t r = 0; r < 3; ++r) {
      for (std::size_t c = 0; c <= r; ++c) {
        precision[3 * r + c] = precision[3 * c + r] = draws[3 + packed_index(r, c)][i];
      }
    }
    const auto covariance = oracle::inverse(precision, 3);
    const auto cor = [&](std::size_t r, std::size_t c) {
      return covariance[3 * r + c] / std::sqrt(covariance[4 * r] * covariance[4 * c]);
    };
    for (std::size_t k = 0; k < 3; ++k) {
      shown[k].push_back(trained.design.mean[k] + trained.design.sd[k] * draws[k][i]);
      shown[3 + k].push_back(trained.design.sd[k] * std::sqrt(covariance[4 * k]));
    }
    shown[6].push_back(cor(1, 0));
    shown[7].push_back(cor(2, 0));
    shown[8].push_back(cor(2, 1));
  }
  for (std::size_t line = 0; line < 9; ++line) expect_draws(table[line], shown[line]);
}

TEST(RowCoefficients, OfCategoriesAreTheirProbabilities) {
  auto trained = example("dirichlet-categorical", {"colour", "size"});
  trained.design.inputs[0].levels = {"blue", "green", "red"};
  trained.design.inputs[1].levels = {"L", "S"};
  trained.prior_config.concentration = 0.5;
  trained.posterior.add_block("colour", make_family("dirichlet", 3));
  trained.posterior.add_block("size", make_family("dirichlet", 2));
  std::ranges::copy(std::vector{3.5, 0.5, 10.0, 7.0, 1.0}, trained.posterior.natural().begin());
  const auto table = coefficients(trained);
  ASSERT_EQ(table.size(), 5u);
  EXPECT_EQ(table[2].name, "colour=red");
  EXPECT_EQ(table[3].name, "size=L");
  const auto draws = draw_theta(trained);
  for (std::size_t level = 0; level < 3; ++level) expect_draws(table[level], draws[level]);
  EXPECT_NEAR(table[3].mean, 0.8, 1e-15);
  EXPECT_NEAR(table[0].prior_sd, std::sqrt(1.0 / 3 * 2 / 3 / 2.5), 1e-15);
}

TEST(RowCoefficients, OfCountsAreTheirRates) {
  auto trained = example("gamma-poisson", {"calls"});
  trained.prior_config.shape = 2.0;
  trained.prior_config.rate = 0.5;
  examples::set_posterior(trained, "rates", "gamma", 1, {8.0, -2.5});
  const auto table = coefficients(trained);
  ASSERT_EQ(table.size(), 1u);
  expect_draws(table[0], draw_theta(trained)[0]);
  EXPECT_NEAR(table[0].prior_sd, std::sqrt(2.0) / 0.5, 1e-15);
}

}  // namespace
}  // namespace bayesum
