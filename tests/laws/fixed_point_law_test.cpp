#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "distributed/self.hpp"
#include "tests/laws/models.hpp"

namespace bayesum::laws {
namespace {

using testing::Job;
using testing::Outcome;

// r / (r + max |lambda|), r the largest |lambda - lambda_prior - message|.
double residual_of(const Posterior& q, const Prior& prior, const std::vector<double>& message) {
  double gap = 0, largest = 0;
  for (std::size_t i = 0; i < q.size(); ++i) {
    gap = std::max(gap, std::abs(q.natural()[i] - prior.natural[i] - message[i]));
    largest = std::max(largest, std::abs(q.natural()[i]));
  }
  return gap / (gap + largest);
}

class FixedPointLaw : public ::testing::TestWithParam<ModelMember> {
 protected:
  void SetUp() override {
    job = GetParam().job(folder);
    job.trainer.rule = {};
    job.trainer.stop = {.steps = 500, .residual = 1e-11};
    optimum = testing::train(job, *self);
  }

  testing::TemporaryFolder folder;
  std::unique_ptr<Communicator> self = make_self_communicator();
  Job job;
  Outcome optimum;
};

TEST_P(FixedPointLaw, IsReachedAndReported) {
  EXPECT_EQ(optimum.result.reason, StopReason::kResidual);
  EXPECT_LE(optimum.result.last.residual, 1e-11);
  testing::Setup setup(job, *self);
  const auto evidence = testing::evidence_at(setup, optimum.posterior);
  EXPECT_LE(residual_of(optimum.posterior, optimum.prior, evidence.natural), 1e-11);
}

TEST_P(FixedPointLaw, TheRuleDoesNotMoveThere) {
  testing::Setup setup(job, *self);
  const auto evidence = testing::evidence_at(setup, optimum.posterior);
  double largest = 0;
  for (const double x : optimum.posterior.natural()) largest = std::max(largest, std::abs(x));
  std::vector<std::unique_ptr<LearningRule>> rules;
  rules.push_back(make_blend_rule());
  if (!GetParam().conjugate() && !GetParam().latent()) rules.push_back(make_retraction_rule());
  for (const auto& rule : rules) {
    for (const double rho : {0.1, 0.5, 1.0}) {
      const Posterior next =
          rule->step(rho, optimum.posterior, optimum.prior.natural, evidence.natural);
      for (std::size_t i = 0; i < next.size(); ++i) {
        EXPECT_NEAR(next.natural()[i], optimum.posterior.natural()[i], 1e-9 * largest)
            << rule->name() << " with rho = " << rho << ", element " << i;
      }
    }
  }
}

TEST_P(FixedPointLaw, ElsewhereTheResidualSaysSo) {
  std::mt19937_64 random(3);
  for (const double distance : {1e-4, 1e-2, 0.2}) {
    Posterior q = optimum.posterior;
    for (double& x : q.natural()) x *= 1.0 + distance * (random() % 2 == 0 ? 1.0 : 0.5);
    if (!q.proper()) continue;
    const TrainingState start = testing::start_at(q);
    Job look = job;
    look.trainer.stop = {.steps = 0, .residual = 0};
    const Outcome there = testing::train(look, *self, &start);
    testing::Setup setup(job, *self);
    const double expected = residual_of(q, optimum.prior, testing::evidence_at(setup, q).natural);
    EXPECT_NEAR(there.result.last.residual, expected, 1e-9 * expected);
    EXPECT_GT(there.result.last.residual, 0.05 * distance);
  }
}

// From wherever it starts, and however it steps, training ends at the same posterior.
TEST_P(FixedPointLaw, IsTheSameFromElsewhereByAnotherRoute) {
  Job damped = job;
  // With latent variables there are other optima, and steps come nearer slowly.
  const bool latent = GetParam().latent();
  damped.trainer.rule = {.name = "blr", .rho = latent ? 0.7 : 0.3};
  damped.trainer.stop = {.steps = latent ? 3000 : 500, .residual = 1e-11};
  const Posterior usual = testing::Setup(job, *self).model->initial_posterior();
  Posterior q = optimum.posterior;
  for (std::size_t i = 0; i < q.size(); ++i) {
    double& x = q.natural()[i];
    x = latent ? 0.9 * x + 0.1 * usual.natural()[i] : 1.2 * x;
  }
  ASSERT_TRUE(q.proper());
  const TrainingState start = testing::start_at(q);
  const Outcome other = testing::train(damped, *self, &start);
  EXPECT_EQ(other.result.reason, StopReason::kResidual);
  double largest = 0;
  for (const double x : optimum.posterior.natural()) largest = std::max(largest, std::abs(x));
  for (std::size_t i = 0; i < q.size(); ++i) {
    EXPECT_NEAR(other.posterior.natural()[i], optimum.posterior.natural()[i],
                (latent ? 1e-8 : 1e-9) * largest);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, FixedPointLaw, ::testing::ValuesIn(models()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace bayesum::laws
