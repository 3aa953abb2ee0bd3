#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/families/normal_gamma.hpp"
#include "distributed/self.hpp"
#include "tests/laws/digamma.hpp"
#include "tests/laws/models.hpp"
#include "tests/laws/regression.hpp"

namespace bayesum::laws {
namespace {

using oracle::digamma;
using oracle::Matrix;
using oracle::Real;
using oracle::Regression;
using oracle::Vector;
using testing::Job;
using testing::Outcome;

Real half_log_two_pi() { return std::log(oracle::kTwoPi) / 2; }

// A Normal-Gamma over coefficients and precision, in extended precision.
struct NormalGammaPoint {
  NormalGammaPoint(std::span<const double> natural, std::size_t d)
      : lambda(oracle::unpacked(natural.subspan(2 + d), d)), covariance(oracle::inverse(lambda)) {
    const Vector scaled(natural.begin() + 2, natural.begin() + 2 + static_cast<long>(d));
    mean = oracle::multiply(covariance, scaled);
    a = natural[0] + 1 - static_cast<Real>(d) / 2;
    b = -natural[1] - oracle::dot(mean, scaled) / 2;
  }
  Real log_tau() const { return digamma(a) - std::log(b); }

  Matrix lambda, covariance;
  Vector mean;
  Real a = 0, b = 0;
};

// The rows' share of message and ELBO, each term of the latter by itself: u has a Gamma(shape,
// rate) posterior, and nothing is simplified.
struct LocalStep {
  Vector message;
  Real elbo = 0;
};
LocalStep local_step(const Regression& data, const NormalGammaPoint& q, Real nu) {
  const std::size_t d = data.columns();
  LocalStep step{.message = Vector(2 + d + d * (d + 1) / 2)};
  Matrix gram(d);
  for (std::size_t i = 0; i < data.rows(); ++i) {
    const Real w = data.weight[i], r = data.y[i] - data.predictor(i, q.mean);
    const Real s = q.a / q.b * r * r + oracle::dot(data.x[i], multiply(q.covariance, data.x[i]));
    const Real shape = (nu + 1) / 2, rate = (nu + s) / 2;
    const Real u = shape / rate, log_u = digamma(shape) - std::log(rate);
    const Real of_response = (q.log_tau() + log_u - u * s) / 2 - half_log_two_pi();
    const Real of_prior =
        nu / 2 * std::log(nu / 2) - std::lgamma(nu / 2) + (nu / 2 - 1) * log_u - nu / 2 * u;
    const Real entropy = shape - std::log(rate) + std::lgamma(shape) + (1 - shape) * digamma(shape);
    step.elbo += w * (of_response + of_prior + entropy);

    const Real residual = data.y[i] - data.offset[i];
    step.message[0] += w / 2;
    step.message[1] -= w * u * residual * residual / 2;
    for (std::size_t j = 0; j < d; ++j) {
      step.message[2 + j] += w * u * residual * data.x[i][j];
      for (std::size_t k = 0; k < d; ++k) gram(j, k) += w * u * data.x[i][j] * data.x[i][k];
    }
  }
  const Vector packed = oracle::packed(gram);
  std::copy(packed.begin(), packed.end(), step.message.begin() + 2 + static_cast<long>(d));
  return step;
}

class StudentTLaw : public ::testing::TestWithParam<const char*> {};

TEST_P(StudentTLaw, MessageAndLossAreTheLocalStep) {
  const testing::TemporaryFolder folder;
  const ModelMember& member = model(GetParam());
  Job job = member.job(folder);
  const Regression data(job, testing::make_table(member.table));
  const auto self = make_self_communicator();
  const Outcome outcome = testing::train(job, *self);
  testing::Setup setup(job, *self);
  for (const Posterior& q : {setup.model->initial_posterior(), outcome.posterior}) {
    const auto evidence = testing::evidence_at(setup, q);
    const LocalStep expected = local_step(data, NormalGammaPoint(q.natural(), data.columns()),
                                          job.model.degrees_of_freedom);
    ASSERT_EQ(evidence.natural.size(), expected.message.size());
    Real largest = 0;
    for (const Real x : expected.message) largest = std::max(largest, std::abs(x));
    for (std::size_t j = 0; j < expected.message.size(); ++j) {
      EXPECT_NEAR(evidence.natural[j], static_cast<double>(expected.message[j]),
                  static_cast<double>(1e-13L * largest));
    }
    EXPECT_NEAR(evidence.loss, static_cast<double>(-expected.elbo),
                1e-12 * std::abs(evidence.loss));
  }
}

INSTANTIATE_TEST_SUITE_P(Members, StudentTLaw, ::testing::Values("student_t", "student_t_flat"));

Job job_of(const testing::TemporaryFolder& folder, const std::string& model,
           const testing::Table& table) {
  Job job = make_job(folder, model, table);
  job.trainer.stop = {.steps = 2000, .residual = 1e-12};
  return job;
}

NormalGammaMoments trained(const Job& job) {
  const Outcome outcome = testing::train(job, *make_self_communicator());
  return NormalGammaMoments::from_natural(outcome.posterior.natural(), outcome.design.columns());
}

// Infinite degrees of freedom are linear regression, and so are many, nearly.
TEST(StudentT, BecomesLinearRegression) {
  const testing::TemporaryFolder folder;
  const testing::Table table =
      testing::make_table({.model = "linear", .offset = true, .weight = true});
  const NormalGammaMoments linear = trained(job_of(folder, "linear", table));
  Job job = job_of(folder, "student-t", table);
  for (const auto& [nu, relative] :
       {std::pair{std::numeric_limits<double>::infinity(), 1e-12}, std::pair{1e9, 1e-7}}) {
    job.model.degrees_of_freedom = nu;
    const NormalGammaMoments limit = trained(job);
    EXPECT_NEAR(limit.a, linear.a, relative * linear.a);
    EXPECT_NEAR(limit.b, linear.b, relative * linear.b);
    for (std::size_t j = 0; j < linear.mean.size(); ++j) {
      EXPECT_NEAR(limit.mean[j], linear.mean[j], relative);
    }
  }
}

// One response in ten is far off, always upwards.
TEST(StudentT, HardlyFeelsOutliers) {
  constexpr double kIntercept = 0.3, kEffect = 0.5;
  testing::Table table = testing::make_table({.model = "linear", .rows = 400, .seed = 5});
  for (std::size_t i = 0; i < table.rows(); i += 10) table.at(i, "y") += 40.0;
  const auto error_of = [&](const std::string& name) {
    const testing::TemporaryFolder folder;
    Job job = job_of(folder, name, table);
    job.model.standardize = false;
    const NormalGammaMoments q = trained(job);
    // Features are 2 + their deviate, see make_table.
    const double truth[] = {kIntercept - 2.0 * kEffect, kEffect, -kEffect, kEffect};
    double error = 0;
    for (std::size_t j = 0; j < 4; ++j) error = std::max(error, std::abs(q.mean[j] - truth[j]));
    return error;
  };
  EXPECT_LT(error_of("student-t"), 0.25);
  EXPECT_GT(error_of("linear"), 1.5);
}

// A whole row's likelihood is the t density.
TEST(StudentT, LogLikelihoodIsTheTDensity) {
  const testing::TemporaryFolder folder;
  const ModelMember& member = model("student_t");
  const Job job = member.job(folder);
  const Regression data(job, testing::make_table(member.table));
  const auto self = make_self_communicator();
  testing::Setup setup(job, *self);
  const std::size_t d = data.columns();
  std::vector<double> draws;
  Vector expected;
  for (const double tau : {0.4, 3.0}) {
    Vector beta;
    for (std::size_t j = 0; j < d; ++j) {
      beta.push_back(0.3 * static_cast<double>(j) - 0.4 * tau);
      draws.push_back(static_cast<double>(beta.back()));
    }
    draws.push_back(tau);
    const Real nu = job.model.degrees_of_freedom;
    Real sum = 0;
    for (std::size_t i = 0; i < data.rows(); ++i) {
      const Real r = data.y[i] - data.predictor(i, beta);
      sum += data.weight[i] * (std::lgamma((nu + 1) / 2) - std::lgamma(nu / 2) -
                               std::log(nu * oracle::kTwoPi / 2 / tau) / 2 -
                               (nu + 1) / 2 * std::log(1 + tau * r * r / nu));
    }
    expected.push_back(sum);
  }
  std::vector<double> sums(2);
  for (std::size_t shard = 0; shard < setup.data.virtual_shards(); ++shard) {
    setup.data.visit(setup.stream, shard, [&](const Batch& batch) {
      setup.model->log_likelihood(batch, {draws.data(), 2, d + 1}, sums);
    });
  }
  for (std::size_t s = 0; s < 2; ++s) {
    EXPECT_NEAR(sums[s], static_cast<double>(expected[s]), 1e-12 * std::abs(sums[s]));
  }
}

}  // namespace
}  // namespace bayesum::laws
