#include <gtest/gtest.h>

#include "distributed/self.hpp"
#include "kernels/error.hpp"
#include "tests/laws/models.hpp"

namespace bayesum::laws {
namespace {

using testing::Job;
using testing::Outcome;

double largest_of(const std::vector<double>& x) {
  double largest = 0;
  for (const double value : x) largest = std::max(largest, std::abs(value));
  return largest;
}

class MinibatchLaw : public ::testing::TestWithParam<ModelMember> {
 protected:
  testing::TemporaryFolder folder;
  std::unique_ptr<Communicator> self = make_self_communicator();
};

// What a step reads is scaled to all data: its mean over an epoch at one posterior is the evidence
// of all shards. A rule of rho_t -> 0 would not do: here q stands still, since every training is of
// one step from the same q.
TEST_P(MinibatchLaw, EstimatesAverageToTheWholeOverAnEpoch) {
  Job job = GetParam().job(folder);
  job.data.virtual_shards = 8;
  testing::Setup setup(job, *self);
  const Posterior q = setup.model->initial_posterior();
  const auto whole = testing::evidence_at(setup, q);
  std::vector<double> mean(q.size());
  double loss = 0, rows = 0;
  for (std::int64_t t = 0; t < 4; ++t) {
    Job step = job;
    step.trainer.rule.rho = 1e-3;
    step.trainer.stop = {.steps = t + 1, .residual = 0};
    TrainingState state = testing::start_at(q);
    state.step = t;
    const Outcome outcome = testing::train(step, *self, &state);
    ASSERT_TRUE(outcome.reports.front().estimate);
    for (std::size_t i = 0; i < q.size(); ++i) {
      mean[i] += outcome.state.control.base_message[i] / 4;
    }
    loss += outcome.reports.front().loss / 4;
    rows += outcome.reports.front().rows;
  }
  EXPECT_EQ(rows, static_cast<double>(setup.summary.rows)) << "rows are those that were read";
  EXPECT_NEAR(loss, whole.loss, 1e-12 * std::abs(whole.loss));
  const double largest = largest_of(whole.natural);
  for (std::size_t i = 0; i < q.size(); ++i) {
    EXPECT_NEAR(mean[i], whole.natural[i], 1e-13 * largest) << "element " << i;
  }
}

// What training ends with is no estimate.
TEST_P(MinibatchLaw, TheLastReportIsOfAllData) {
  Job job = GetParam().job(folder);
  const Outcome outcome = testing::train(job, *self);
  EXPECT_EQ(outcome.result.reason, StopReason::kSteps);
  EXPECT_EQ(outcome.result.last.step, job.trainer.stop.steps);
  for (const StepReport& report : outcome.reports) {
    EXPECT_EQ(report.estimate, report.step < job.trainer.stop.steps);
  }
  Job look = job;
  look.data.shards_per_step = 0;
  look.trainer.stop = {.steps = 0, .residual = 0};
  const TrainingState there = testing::start_at(outcome.posterior);
  const Outcome whole = testing::train(look, *self, &there);
  EXPECT_EQ(outcome.result.last.elbo, whole.result.last.elbo);
  EXPECT_EQ(outcome.result.last.residual, whole.result.last.residual);
  EXPECT_EQ(outcome.result.last.rows, whole.result.last.rows);
}

TEST_P(MinibatchLaw, EstimatesStopNothing) {
  Job job = GetParam().job(folder);
  job.trainer.stop = {.steps = 5, .residual = 1.0, .elbo = 1e9};
  EXPECT_EQ(testing::train(job, *self).reports.size(), 6U);
}

TEST_P(MinibatchLaw, TheSeedDecides) {
  Job job = GetParam().job(folder);
  const Outcome one = testing::train(job, *self);
  job.trainer.seed = 78;
  EXPECT_NE(one.natural(), testing::train(job, *self).natural());
}

INSTANTIATE_TEST_SUITE_P(Models, MinibatchLaw, ::testing::ValuesIn(minibatch_models()),
                         [](const auto& test) { return test.param.name; });

// With rho = 1 / (1 + t) lambda is the mean of what the steps said, so that after whole epochs a
// conjugate model has the exact posterior: each shard was read equally often.
TEST(Minibatches, OfConjugateModelsEndAtTheExactPosterior) {
  const auto self = make_self_communicator();
  for (const ModelMember& member : conjugate_models()) {
    const testing::TemporaryFolder folder;
    Job job = member.job(folder);
    job.trainer.rule = {.name = "exact"};
    const auto exact = testing::train(job, *self).natural();
    job.data.shards_per_step = 2;
    job.trainer.rule = {.name = "blr", .schedule = "power", .schedule_power = 1.0};
    job.trainer.stop = {.steps = 12, .residual = 0};
    const auto found = testing::train(job, *self).natural();
    const double largest = largest_of(exact);
    for (std::size_t i = 0; i < exact.size(); ++i) {
      EXPECT_NEAR(found[i], exact[i], 1e-13 * largest) << member.name << ", element " << i;
    }
  }
}

// Robbins and Monro: on the power schedule they come as near to the optimum as they have steps.
TEST(Minibatches, OfALogisticRegressionApproachTheOptimum) {
  const testing::TemporaryFolder folder;
  const auto self = make_self_communicator();
  Job job = model("logistic").job(folder);
  job.trainer.rule = {};
  job.trainer.stop = {.steps = 500, .residual = 1e-11};
  const auto optimum = testing::train(job, *self);
  job.data.shards_per_step = 2;
  job.trainer.rule = {.name = "blr", .schedule = "power", .schedule_power = 1.0};
  const auto residual_after = [&](std::int64_t steps) {
    job.trainer.stop.steps = steps;
    return testing::train(job, *self).result.last.residual;
  };
  const double early = residual_after(40), late = residual_after(4000);
  EXPECT_LT(late, 0.05 * early);
  EXPECT_LT(late, 1e-3);
}

TEST(Minibatches, AreRefusedUnderRulesThatTheyMislead) {
  const auto self = make_self_communicator();
  for (const RuleConfig& rule :
       {RuleConfig{.name = "von"}, RuleConfig{.name = "blr"}, RuleConfig{}}) {
    const testing::TemporaryFolder folder;
    Job job = model("logistic").job(folder);
    job.data.shards_per_step = 4;
    job.trainer.rule = rule;
    EXPECT_THROW(testing::train(job, *self), Error) << rule.name;
    Job exact = model("linear").job(folder);
    exact.data.shards_per_step = 4;
    exact.trainer.rule = {};
    EXPECT_THROW(testing::train(exact, *self), Error);
  }
}

}  // namespace
}  // namespace bayesum::laws
