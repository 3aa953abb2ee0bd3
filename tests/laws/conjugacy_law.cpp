#include "tests/laws/conjugacy_law.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "core/families/normal_gamma.hpp"
#include "tests/laws/conjugate_oracle.hpp"

namespace bayesum::laws {
namespace {

using oracle::Real;
using testing::Outcome;

// A random proper point of the posterior's family: an arbitrary place to start from.
Posterior random_start(const Posterior& layout, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  Posterior q = layout;
  const Block& block = q.blocks().front();
  const std::string family = block.family->name();
  if (family == "beta" || family == "dirichlet") {
    for (double& x : q.natural()) x = std::exp(2.0 * normal(random)) - 1.0;
    return q;
  }
  if (family == "gamma") {
    for (std::size_t k = 0; k < q.size(); k += 2) {
      q.natural()[k] = std::exp(2.0 * normal(random)) - 1.0;
      q.natural()[k + 1] = -std::exp(2.0 * normal(random));
    }
    return q;
  }
  if (family != "normal-gamma") {
    // A random member, by way of the expectation parameters of a mixture of the initial one and of
    // draws from it, which are inside their space.
    std::vector<double> mean = q.mean(), theta(block.family->dimension()), t(q.size());
    for (std::uint32_t draw = 0; draw < 3; ++draw) {
      block.family->sample(layout.natural(), {.seed = seed, .step = 0, .draw = draw}, theta);
      block.family->sufficient_statistic(theta, t);
      for (std::size_t i = 0; i < t.size(); ++i) mean[i] += 0.2 * (t[i] - mean[i]);
    }
    block.family->natural_from_mean(mean, q.natural());
    return q;
  }
  const std::size_t d = block.family->dimension() - 1;
  std::vector<double> scaled_mean(d);
  q.natural()[0] = 0.5 * static_cast<double>(d) + 3.0;
  double quadratic = 0;
  for (std::size_t j = 0; j < d; ++j) {
    const double precision = std::exp(normal(random)), mean = 3.0 * normal(random);
    q.natural()[2 + j] = precision * mean;
    q.natural()[2 + d + packed_index(j, j)] = -0.5 * precision;
    quadratic += precision * mean * mean;
  }
  q.natural()[1] = -0.5 * quadratic - std::exp(normal(random));
  return q;
}

void expect_natural(const Outcome& outcome, const oracle::ExactPosterior& exact) {
  ASSERT_EQ(outcome.posterior.size(), exact.natural.size());
  double worst = 0;
  for (std::size_t j = 0; j < exact.natural.size(); ++j) {
    const Real error = std::abs(outcome.posterior.natural()[j] - exact.natural[j]);
    worst = std::max(worst, static_cast<double>(error / exact.magnitude[j]));
  }
  EXPECT_LE(worst, 1e-12) << "relative error of a natural parameter";
  ::testing::Test::RecordProperty("worst_natural", std::to_string(worst * 1e15) + "e-15");
}

void expect_moments(const Outcome& outcome, const oracle::LinearPosterior& exact) {
  const std::size_t d = exact.mean.size();
  const auto q = NormalGammaMoments::from_natural(outcome.posterior.natural(), d);
  const auto condition = static_cast<double>(oracle::condition(exact.precision));
  Real largest = 0;
  for (const Real m : exact.mean) largest = std::max(largest, std::abs(m));
  for (std::size_t j = 0; j < d; ++j) {
    EXPECT_NEAR(q.mean[j], static_cast<double>(exact.mean[j]),
                1e-14 * condition * static_cast<double>(largest));
  }
  const auto inverse = q.inverse_scale();
  const auto expected = oracle::inverse(exact.precision);
  for (std::size_t j = 0; j < d; ++j) {
    EXPECT_NEAR(inverse[j * d + j], static_cast<double>(expected(j, j)),
                1e-14 * condition * inverse[j * d + j]);
  }
  EXPECT_NEAR(q.a, static_cast<double>(exact.shape), 1e-12 * q.a);
  // b is what is left when m' Lambda m / 2 is taken from the second natural parameter.
  EXPECT_NEAR(q.b, static_cast<double>(exact.rate),
              1e-14 * condition * static_cast<double>(exact.magnitude[1]));
}

void expect_evidence(const testing::Job& job, const testing::Table& table, const Outcome& outcome,
                     const oracle::ExactPosterior& exact) {
  const StepReport& last = outcome.reports.back();
  // The ELBO is a sum of terms of the size of <lambda, mu> and of the loss.
  const double scale = 1.0 + std::abs(last.loss) + std::abs(outcome.posterior.log_partition());
  EXPECT_NEAR(last.elbo, static_cast<double>(exact.log_evidence), 1e-12 * scale);
  EXPECT_LE(last.residual, 1e-15) << "the rule has nothing left to move";
  const bool proper =
      job.prior.shape > 0 && !std::isinf(job.prior.sd) && !std::isinf(job.prior.intercept_sd);
  if (job.model.name != "linear" || table.has("weight") || !proper) return;
  EXPECT_NEAR(static_cast<double>(exact.log_evidence),
              static_cast<double>(oracle::linear_log_evidence_of_responses(job, table)), 1e-9);
}

}  // namespace

void one_step_is_exact_bayes(const ModelMember& member, Communicator& communicator) {
  const testing::TemporaryFolder folder;
  testing::Job job = member.job(folder);
  job.trainer.rule = {.name = "exact"};
  job.trainer.stop = {.steps = 1, .residual = 0};
  const testing::Table table = make_table(member.table);
  const oracle::ExactPosterior exact = oracle::exact_posterior(job, table);
  const Posterior layout = testing::Setup(job, communicator).model->initial_posterior();
  for (unsigned seed = 1; seed <= 4; ++seed) {
    const TrainingState start = testing::start_at(random_start(layout, seed));
    const Outcome outcome = testing::train(job, communicator, &start);
    EXPECT_EQ(outcome.result.last.step, 1);
    EXPECT_EQ(outcome.reports.back().rows, static_cast<double>(table.rows()));
    expect_natural(outcome, exact);
    expect_evidence(job, table, outcome, exact);
    if (job.model.name == "linear") expect_moments(outcome, oracle::LinearPosterior(job, table));
    // Each of the two gatherings sends or receives a message, and broadcasts the sum.
    const std::size_t wire = (layout.size() + Message::kScalars) * sizeof(double);
    EXPECT_GE(outcome.traffic.bytes, 2 * wire * (communicator.size() > 1 ? 2 : 1));
  }
}

}  // namespace bayesum::laws
