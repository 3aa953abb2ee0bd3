#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "distributed/self.hpp"
#include "tests/laws/models.hpp"

namespace bayesum::laws {
namespace {

using testing::Job;
using testing::Outcome;

// Coordinate ascent: with rho = 1 the ELBO never falls, from the usual start on.
class AscentLaw : public ::testing::TestWithParam<ModelMember> {};

void expect_ascent(const ModelMember& usual, const std::function<void(Job&)>& configure) {
  const auto self = make_self_communicator();
  for (unsigned seed = 0; seed < 6; ++seed) {
    const testing::TemporaryFolder folder;
    ModelMember member = usual;
    member.table.seed += 100 * seed;
    member.table.rows += 37 * seed;
    Job job = member.job(folder);
    configure(job);
    job.trainer.rule = {};
    job.trainer.stop = {.steps = 60, .residual = 1e-12};
    const Outcome outcome = testing::train(job, *self);
    EXPECT_EQ(outcome.reports.back().rho, 1.0);
    for (std::size_t t = 1; t < outcome.reports.size(); ++t) {
      const double before = outcome.reports[t - 1].elbo, after = outcome.reports[t].elbo;
      EXPECT_GE(after, before - 1e-10 * std::abs(before)) << "data " << seed << ", step " << t;
    }
    EXPECT_GT(outcome.reports.back().elbo, outcome.reports.front().elbo) << "nothing was learned";
  }
}

TEST_P(AscentLaw, TheElboNeverFalls) {
  expect_ascent(GetParam(), [](Job&) {});
}

// Documents need not be resolved to the last bit: what is missing of their bounds is of second
// order in the tolerance.
TEST(AscentLawOfTopics, HoldsAtTheUsualTolerance) {
  expect_ascent(model("lda"), [](Job& job) {
    job.model.local_tolerance = ModelConfig().local_tolerance;
    job.model.local_steps = ModelConfig().local_steps;
  });
}

INSTANTIATE_TEST_SUITE_P(Models, AscentLaw, ::testing::ValuesIn(latent_models()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace bayesum::laws
