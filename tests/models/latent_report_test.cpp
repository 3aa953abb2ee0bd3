#include "models/latent/latent_report.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <span>

#include "core/families/special.hpp"
#include "distributed/self.hpp"
#include "kernels/error.hpp"
#include "models/regression/coefficients.hpp"
#include "tests/models/numerics.hpp"
#include "tests/models/trained_job.hpp"

namespace bayesum {
namespace {

using testing::Job;
using testing::Table;
using testing::TemporaryFolder;

Batch batch_of(const double* x, std::size_t rows, std::size_t columns,
               std::span<const double> weight = {}) {
  return {.x = {x, rows, columns}, .y = {}, .offset = {}, .weight = weight};
}

TrainedModel train(Job job) {
  job.trainer.stop = {.steps = 60, .residual = 1e-9};
  return testing::trained_model(job, testing::train(job, *make_self_communicator()));
}

// One column with two humps.
TrainedModel mixture(const TemporaryFolder& folder) {
  Table table{.columns = {"size"}, .values = {}};
  for (int i = 0; i < 90; ++i) {
    const double spread = std::sin(1.7 * i) + 0.5 * std::sin(0.31 * i);
    table.values.push_back(i % 3 == 0 ? 40.0 + 2.0 * spread : 10.0 + 3.0 * spread);
  }
  Job job = make_job(folder, "gaussian-mixture", table);
  job.model.components = 2;
  return train(job);
}

// Rows of the file as the design has them.
std::vector<double> designed(const TrainedModel& trained, std::vector<double> x) {
  for (double& value : x) value = (value - trained.design.mean[0]) / trained.design.sd[0];
  return x;
}

double density_at(const TrainedModel& trained, double x) {
  const auto rows = designed(trained, {x});
  return std::exp(latent_rows(trained, batch_of(rows.data(), 1, 1)).back());
}

TEST(LatentRows, OfAMixtureHaveADensityOfTheDataAsTheyAre) {
  const TemporaryFolder folder;
  const TrainedModel trained = mixture(folder);
  const auto density = [&](double x) { return density_at(trained, x); };
  EXPECT_NEAR(oracle::integral(density, -400, 450, 20000), 1.0, 1e-6);
  double mean = 0;
  for (const Coefficient& weight : coefficients(trained)) {
    if (!weight.name.starts_with("weight.")) continue;
    for (const Coefficient& centre : coefficients(trained)) {
      if (centre.name == "mean." + weight.name.substr(7) + ".size") {
        mean += weight.mean * centre.mean;
      }
    }
  }
  EXPECT_NEAR(oracle::integral([&](double x) { return x * density(x); }, -400, 450, 20000), mean,
              1e-3);
}

TEST(LatentRows, OfAMixtureNameTheComponent) {
  const TemporaryFolder folder;
  const TrainedModel trained = mixture(folder);
  EXPECT_EQ(latent_columns(trained),
            (std::vector<std::string>{"component", "r1", "r2", "log_density"}));
  const auto x = designed(trained, {40.0, 10.0, 1e9});
  const auto rows = latent_rows(trained, batch_of(x.data(), 3, 1));
  ASSERT_EQ(rows.size(), 12U);
  for (std::size_t i = 0; i < 3; ++i) {
    const double first = rows[4 * i + 1], second = rows[4 * i + 2];
    EXPECT_NEAR(first + second, 1.0, 1e-15);
    EXPECT_EQ(rows[4 * i], first >= second ? 1.0 : 2.0);
    EXPECT_TRUE(std::isfinite(rows[4 * i + 3]));
  }
  EXPECT_NE(rows[0], rows[4]);
  // The two lines with the larger weight come first; that is the hump of the small.
  const auto table = coefficients(trained);
  ASSERT_EQ(table.size(), 6U);
  EXPECT_NEAR(table[0].mean, 2.0 / 3.0, 0.02);
  EXPECT_NEAR(table[1].mean, 10.0, 1.0);
  EXPECT_NEAR(table[4].mean, 40.0, 1.0);
}

// A priori the precision of one column within a component is Gamma(nu / 2, w / 2) with w =
// nu component_sd^2, nu = prior.degrees, and its mean, worth `strength` rows, Student-t.
TEST(LatentReport, PriorSdsOfAMixtureAreThoseOfItsPrior) {
  const TemporaryFolder folder;
  TrainedModel trained = mixture(folder);
  const double nu = 3, w = nu * 0.25, strength = 0.1;
  const double of_mean = std::sqrt(w / (strength * nu) * nu / (nu - 2));
  const double mean_of_sd = std::sqrt(w / 2) * std::exp(std::lgamma(1.0) - std::lgamma(1.5));
  const double of_sd = std::sqrt(w / (nu - 2) - mean_of_sd * mean_of_sd);
  for (const Coefficient& line : coefficients(trained)) {
    const double expected = line.name.starts_with("weight.") ? std::sqrt(1.0 / 12)
                            : line.name.starts_with("mean.") ? of_mean
                                                             : of_sd;
    EXPECT_NEAR(line.prior_sd, expected, 1e-12) << line.name;
    const double ratio = line.design_sd / line.prior_sd;
    EXPECT_NEAR(line.contraction(), 1 - ratio * ratio, 1e-15);
    EXPECT_GT(line.contraction(), 0.5);
  }
  Job job = make_job(folder, {.model = "gaussian-mixture"});
  job.prior.degrees = 1.5;
  for (const Coefficient& line : coefficients(train(job))) {
    EXPECT_EQ(std::isinf(line.prior_sd), !line.name.starts_with("weight.")) << line.name;
  }
}

TEST(LatentEvaluator, OfAMixtureIsTheMeanLogDensity) {
  const TemporaryFolder folder;
  const TrainedModel trained = mixture(folder);
  const auto x = designed(trained, {38.0, 12.0, 9.0});
  const std::vector<double> weight{1.0, 2.0, 0.5};
  LatentEvaluator evaluator(trained, 1);
  evaluator.add(batch_of(x.data(), 3, 1, weight));
  const auto scores = evaluator.result().scores;
  ASSERT_EQ(scores.size(), 1U);
  const double expected =
      (std::log(density_at(trained, 38.0)) + 2.0 * std::log(density_at(trained, 12.0)) +
       0.5 * std::log(density_at(trained, 9.0))) /
      3.5;
  EXPECT_NEAR(scores[0].model, expected, 1e-12);
  EXPECT_GT(scores[0].model, scores[0].baseline);
}

// The baseline is the posterior predictive of one Gaussian, a t distribution in closed form.
TEST(LatentEvaluator, BaselineOfAMixtureIsOneGaussian) {
  const TemporaryFolder folder;
  const TrainedModel trained = mixture(folder);
  const double n = 90, kappa = n + 0.1, nu = n + 3.0;  // prior: strength 0.1, degrees 3, mean 0
  const double w = 3.0 * 0.25 + n;  // columns are standardized: mean 0, sum of squares n
  for (const double x : {10.0, 70.0}) {
    const double z = designed(trained, {x})[0];
    LatentEvaluator evaluator(trained, 1);
    evaluator.add(batch_of(&z, 1, 1));
    const double scale = std::sqrt((kappa + 1) / (kappa * nu) * w);
    const double expected = std::lgamma((nu + 1) / 2) - std::lgamma(nu / 2) -
                            std::log(nu * std::numbers::pi) / 2 - std::log(scale) -
                            (nu + 1) / 2 * std::log1p(z / scale * z / scale / nu) -
                            std::log(trained.design.sd[0]);
    EXPECT_NEAR(evaluator.result().scores[0].baseline, expected, 1e-9);
  }
}

// Documents of four words; the first two go together, and so do the others.
Table documents() {
  Table table{.columns = {"ark", "bow", "cat", "dog"}, .values = {}};
  for (int i = 0; i < 12; ++i) {
    const double a = 3 + i % 4, b = 2 + i % 3;
    const bool first = i % 2 == 0;
    for (const double n : {first ? a : 0, first ? b : 0, first ? 0 : b, first ? 1 : a}) {
      table.values.push_back(n);
    }
  }
  return table;
}

TrainedModel topics(const TemporaryFolder& folder, std::int64_t count) {
  Job job = make_job(folder, "lda", documents());
  job.model.topics = count;
  return train(job);
}

TEST(LatentRows, OfTopicsAreShares) {
  const TemporaryFolder folder;
  const TrainedModel trained = topics(folder, 2);
  EXPECT_EQ(latent_columns(trained), (std::vector<std::string>{"topic.1", "topic.2"}));
  const std::vector<double> counts{9, 8, 0, 0, 0, 0, 9, 8, 0, 0, 0, 0};
  const auto rows = latent_rows(trained, batch_of(counts.data(), 3, 4));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(rows[2 * i] + rows[2 * i + 1], 1.0, 1e-14);
  EXPECT_GT(std::abs(rows[0] - rows[2]), 0.8) << "the two kinds of documents are told apart";
  EXPECT_NEAR(rows[4], 0.5, 1e-14) << "of an empty document the prior is all there is";
}

// With one topic everything is known in closed form.
TEST(LatentEvaluator, OfTopicsScoresEverySecondToken) {
  const TemporaryFolder folder;
  const TrainedModel trained = topics(folder, 1);
  const Table table = documents();
  for (std::size_t w = 0; w < 4; ++w) {
    double sum = 0;
    for (std::size_t i = 0; i < 12; ++i) sum += table.at(i, table.columns[w]);
    EXPECT_NEAR(trained.posterior.natural()[w], sum + 0.1 - 1.0, 1e-9);
  }
  std::vector<double> lambda;
  for (const double x : trained.posterior.natural()) lambda.push_back(x + 1.0);
  const double total = std::accumulate(lambda.begin(), lambda.end(), 0.0);

  const std::vector<double> counts{3, 0, 2, 1};  // ark ark ark cat cat dog
  LatentEvaluator evaluator(trained, 1);
  evaluator.add(batch_of(counts.data(), 1, 4));
  const auto scores = evaluator.result().scores;
  ASSERT_EQ(scores.size(), 3U);
  const auto log_mean = [&](std::size_t w) { return std::log(lambda[w] / total); };
  const double scored = (2 * log_mean(0) + log_mean(2)) / 3;  // ark, ark, cat: the 1st, 3rd, 5th
  EXPECT_NEAR(scores[0].model, scored, 1e-12);
  EXPECT_NEAR(scores[0].baseline, scored, 1e-9) << "one topic is the words' frequencies";
  EXPECT_NEAR(scores[1].model, std::exp(-scored), 1e-9);
  const auto expected_log = [&](std::size_t w) {
    return special::digamma(lambda[w]) - special::digamma(total);
  };
  EXPECT_NEAR(scores[2].model, (3 * expected_log(0) + 2 * expected_log(2) + expected_log(3)) / 6,
              1e-12);
}

// Evaluators are handed on by value, and what a copy adds is its own.
TEST(LatentEvaluator, CopiesScoreOnTheirOwn) {
  const TemporaryFolder folder;
  const TrainedModel trained = topics(folder, 2);
  const std::vector<double> first{3, 0, 2, 1}, second{0, 5, 0, 4};
  LatentEvaluator both(trained, 1), alone(trained, 1);
  both.add(batch_of(first.data(), 1, 4));
  LatentEvaluator copy = both;
  copy.add(batch_of(second.data(), 1, 4));
  alone.add(batch_of(first.data(), 1, 4));
  EXPECT_EQ(both.result().scores[0].model, alone.result().scores[0].model);
  EXPECT_NE(copy.result().scores[0].model, alone.result().scores[0].model);
  EXPECT_EQ(copy.result().rows, both.result().rows + 1);
}

TEST(LatentReport, RefusesWhatHasNoLatentRows) {
  const TemporaryFolder folder;
  const TrainedModel linear = train(make_job(folder, {.model = "linear"}));
  EXPECT_FALSE(has_latent_rows(linear));
  try {
    latent_columns(linear);
    ADD_FAILURE() << "a linear regression has columns of latent variables";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "the model linear has no latent variables of rows to tell of");
  }
  EXPECT_THROW(LatentEvaluator(linear, 1), Error);
  const TrainedModel trained = topics(folder, 2);
  const std::vector<double> counts(3);
  EXPECT_THROW(latent_rows(trained, batch_of(counts.data(), 1, 3)), Error);
  EXPECT_THROW(LatentEvaluator(trained, 1).result(), Error);
}

TEST(LatentReport, PosteriorFilesOfLatentModelsComeBack) {
  const TemporaryFolder folder;
  for (const char* model : {"student-t", "gaussian-mixture", "lda"}) {
    Job job = make_job(folder, {.model = model, .rows = 40, .features = 4});
    job.model.topics = 2;
    const TrainedModel trained = train(job);
    const TrainedModel back = TrainedModel::from_file(trained.to_file());
    EXPECT_TRUE(std::ranges::equal(back.posterior.natural(), trained.posterior.natural()));
    EXPECT_EQ(back.prior.natural, trained.prior.natural);
    EXPECT_EQ(back.model.degrees_of_freedom, trained.model.degrees_of_freedom);
    EXPECT_EQ(back.prior_config.component_sd, trained.prior_config.component_sd);
    const auto once = coefficients(trained), again = coefficients(back);
    ASSERT_EQ(once.size(), again.size());
    for (std::size_t i = 0; i < once.size(); ++i) EXPECT_EQ(once[i].mean, again[i].mean);
  }
}

}  // namespace
}  // namespace bayesum
