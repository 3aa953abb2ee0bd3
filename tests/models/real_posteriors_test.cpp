#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "models/regression/coefficients.hpp"
#include "tests/models/glm_reference.hpp"
#include "tests/models/metropolis.hpp"
#include "tests/models/trained_job.hpp"

// The example data that launch/data/fetch.sh brings into data/, with at least fifty rows for every
// coefficient.
namespace bayesum {
namespace {

namespace fs = std::filesystem;

struct Example {
  std::string model;
  std::string table;
  std::string response;
  std::vector<std::string> features;  // empty: every other column
  std::size_t sweeps = 0;             // of the sampler in the short round
};

void PrintTo(const Example& example, std::ostream* out) { *out << example.table; }

const std::vector<std::string> kMeans = {
    "mean_radius",    "mean_texture",        "mean_smoothness", "mean_compactness",
    "mean_concavity", "mean_concave_points", "mean_symmetry",   "mean_fractal_dimension"};

bool long_round() {
  const char* value = std::getenv("BAYESUM_LONG");
  return value != nullptr && std::string_view(value) == "1";
}

class RealPosterior : public ::testing::TestWithParam<Example> {
 protected:
  void SetUp() override {
    job_.data.path = std::string(BAYESUM_EXAMPLE_DATA "/") + GetParam().table + "-train.csv";
    if (!fs::exists(job_.data.path)) GTEST_SKIP() << job_.data.path << ": run launch/data/fetch.sh";
    job_.data.response = GetParam().response;
    job_.data.features = GetParam().features;
    job_.model.name = GetParam().model;
    job_.model.dispersion = 0.75;  // of the negative binomial, about what fits the visits
    glm_ = oracle::make_glm(job_.model, oracle::read_table(job_.data.path), job_.data, job_.prior);
    ASSERT_GE(glm_.rows, 50 * glm_.columns);
  }

  void expect_optimum(const std::string& posterior) {
    job_.model.posterior = posterior;
    job_.trainer.stop = {.steps = 2000, .residual = 1e-10};
    const auto outcome = testing::train_on_threads(job_, 2);
    EXPECT_EQ(outcome.result.reason, StopReason::kResidual);
    const auto q = oracle::moments_of(outcome.posterior);
    EXPECT_EQ(q.full, posterior == "full");
    const auto found = oracle::stationarity(glm_, q);
    std::cout << GetParam().table << ", " << posterior << ": " << outcome.result.last.step
              << " steps, mean step " << found.mean_step << " sd, covariance step "
              << found.covariance_step << ", ELBO " << found.elbo << " off by "
              << found.elbo - outcome.result.last.elbo << ", sd of z up to " << found.largest_sd
              << std::endl;
    EXPECT_LT(found.mean_step, 1e-6);
    EXPECT_LT(found.covariance_step, 1e-6);
    EXPECT_NEAR(outcome.result.last.elbo, found.elbo, 1e-8 * std::abs(found.elbo));
  }

  testing::Job job_;
  oracle::Glm glm_;
};

TEST_P(RealPosterior, FullGaussianIsTheOptimumOfItsElbo) { expect_optimum("full"); }
TEST_P(RealPosterior, DiagonalGaussianIsTheOptimumOfItsElbo) { expect_optimum("diagonal"); }

// The check above would see as small a difference as that between two ways to approximate.
TEST_P(RealPosterior, DeltaMethodIsNotTheOptimumOfTheElbo) {
  job_.model.expectation = "delta";
  const auto outcome = testing::train_on_threads(job_, 2);
  const auto found = oracle::stationarity(glm_, oracle::moments_of(outcome.posterior));
  EXPECT_GT(found.mean_step, 1e-3);
  EXPECT_GT(found.covariance_step, 1e-4);
}

TEST_P(RealPosterior, FullGaussianHasTheMomentsOfAMetropolisSampler) {
  const auto outcome = testing::train_on_threads(job_, 2);
  const auto table = coefficients(testing::trained_model(job_, outcome));
  const std::size_t sweeps = (long_round() ? 4 : 1) * GetParam().sweeps;
  const auto chain =
      oracle::metropolis(glm_, oracle::moments_of(outcome.posterior), sweeps, 20250101);
  ASSERT_EQ(table.size(), chain.size());
  for (std::size_t j = 0; j < table.size(); ++j) {
    SCOPED_TRACE(table[j].name);
    const oracle::Estimate& exact = chain[j];
    const double shift = (table[j].mean - exact.mean) / exact.sd;
    const double ratio = table[j].sd / exact.sd;
    std::cout << GetParam().table << ", " << table[j].name << ": mean off by " << shift
              << " sd, sd by " << 100.0 * (ratio - 1.0) << " %, effective draws "
              << exact.effective_draws << ", sd known to " << 100.0 * exact.sd_error << " %"
              << std::endl;
    ASSERT_GT(exact.effective_draws, 1600);  // the mean to 0.025 sd
    ASSERT_LT(exact.sd_error, 0.0125);
    EXPECT_LT(std::abs(shift), 0.1);
    EXPECT_LT(std::abs(ratio - 1.0), 0.05);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Tables, RealPosterior,
    ::testing::Values(Example{"poisson", "randhie", "mdvis", {}, 15000},
                      Example{"negative-binomial", "randhie", "mdvis", {}, 15000},
                      Example{"logistic", "breast-cancer", "malignant", kMeans, 20000},
                      Example{"probit", "breast-cancer", "malignant", kMeans, 20000}),
    [](const auto& instance) {
      std::string name = instance.param.model;
      std::ranges::replace(name, '-', '_');
      return name;
    });

}  // namespace
}  // namespace bayesum
