#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "distributed/self.hpp"
#include "kernels/error.hpp"
#include "tests/laws/models.hpp"

namespace bayesum::laws {
namespace {

using testing::Job;
using testing::Outcome;
using testing::TableSpec;

// Data on which full steps overshoot.
struct HardCase {
  std::string name;
  TableSpec table;
  std::function<void(Job&)> configure;
  bool overshoots;
};

void weak_prior(Job& job) { job.prior.sd = job.prior.intercept_sd = 1000; }
void raw_columns(Job& job) {
  job.model.standardize = false;
  weak_prior(job);
}

std::vector<HardCase> hard_cases() {
  return {
      {"rare_events",
       {.model = "logistic", .rows = 600, .intercept = -5.0, .effect = 1.0, .seed = 21},
       weak_prior,
       false},
      {"nearly_separable",
       {.model = "logistic", .rows = 60, .features = 2, .effect = 12.0, .seed = 22},
       [](Job& job) { job.prior.sd = 50; },
       false},
      {"large_scales",
       {.model = "logistic", .rows = 300, .effect = 2.0, .feature_scale = 1000.0, .seed = 23},
       raw_columns,
       true},
      {"steep_counts",
       {.model = "poisson",
        .rows = 200,
        .features = 4,
        .intercept = 1.0,
        .effect = 1.3,
        .seed = 24},
       weak_prior,
       true},
      {"raw_counts",
       {.model = "poisson", .rows = 200, .intercept = 2.0, .feature_scale = 20.0, .seed = 25},
       raw_columns,
       true},
      {"diagonal_counts",
       {.model = "poisson", .rows = 200, .features = 4, .effect = 1.0, .seed = 26},
       [](Job& job) { job.model.posterior = "diagonal"; },
       true},
      {"delta_counts",
       {.model = "poisson",
        .rows = 200,
        .features = 4,
        .intercept = 1.0,
        .effect = 1.3,
        .seed = 27},
       [](Job& job) { job.model.expectation = "delta"; },
       true},
  };
}

std::ostream& operator<<(std::ostream& out, const HardCase& hard) { return out << hard.name; }

class DescentLaw : public ::testing::TestWithParam<HardCase> {};

TEST_P(DescentLaw, BacktrackingMakesTheElboRise) {
  const testing::TemporaryFolder folder;
  Job job = make_job(folder, GetParam().table);
  GetParam().configure(job);
  job.trainer.stop = {.steps = 400, .residual = 1e-9};
  const Outcome outcome = testing::train(job, *make_self_communicator());
  EXPECT_EQ(outcome.result.reason, StopReason::kResidual);
  // A report is a posterior tried. One that does not improve on the last one kept is taken back.
  double kept = outcome.reports.front().elbo;
  std::int64_t taken_back = 0;
  for (std::size_t t = 1; t < outcome.reports.size(); ++t) {
    const StepReport& report = outcome.reports[t];
    EXPECT_EQ(report.backtracks, taken_back) << "step " << t;
    const double rounding = 1e-10 * (1.0 + std::abs(kept));  // as step control has it
    const bool fell = !(report.elbo >= kept - rounding);
    const bool last = t + 1 == outcome.reports.size();
    EXPECT_FALSE(fell && last) << "training ended below what it had";
    if (last) break;
    const bool was_taken_back = outcome.reports[t + 1].backtracks > report.backtracks;
    EXPECT_TRUE(was_taken_back || !fell) << "step " << t << ": the ELBO fell and stayed";
    if (was_taken_back) {
      EXPECT_LT(report.elbo, kept + rounding) << "step " << t << ": it rose and was taken back";
      EXPECT_EQ(outcome.reports[t + 1].rho, 0.5 * report.rho);
      ++taken_back;
    } else {
      kept = report.elbo;
    }
  }
  if (GetParam().overshoots) {
    EXPECT_GT(taken_back, 0) << "the data are not hard enough for this test";
  }
  RecordProperty("backtracks", static_cast<int>(taken_back));
}

// Wherever training is cut off, what it gives is not a trial that fell, and its report is of it.
TEST_P(DescentLaw, TheLastStepAllowedIsTakenBackToo) {
  const testing::TemporaryFolder folder;
  Job job = make_job(folder, GetParam().table);
  GetParam().configure(job);
  bool cut_at_a_fall = false;
  for (std::int64_t steps = 0; steps <= 16; ++steps) {
    job.trainer.stop = {.steps = steps, .residual = 0};
    const Outcome outcome = testing::train(job, *make_self_communicator());
    double best = outcome.reports.front().elbo;
    for (const StepReport& report : outcome.reports) best = std::max(best, report.elbo);
    EXPECT_GE(outcome.result.last.elbo, best - 1e-9 * (1.0 + std::abs(best))) << steps << " steps";
    cut_at_a_fall |= outcome.result.last.elbo > outcome.reports.back().elbo;

    const auto self = make_self_communicator();
    testing::Setup setup(job, *self);
    const double loss = testing::evidence_at(setup, outcome.result.posterior).loss;
    EXPECT_NEAR(setup.model->objective(outcome.result.posterior, loss), outcome.result.last.elbo,
                1e-9 * (1.0 + std::abs(best)));
    EXPECT_NEAR(outcome.result.last.loss, loss, 1e-6 * (1.0 + std::abs(loss)));
  }
  EXPECT_TRUE(cut_at_a_fall || !GetParam().overshoots) << "no cut met a trial that fell";
}

INSTANTIATE_TEST_SUITE_P(Hard, DescentLaw, ::testing::ValuesIn(hard_cases()),
                         [](const auto& test) { return test.param.name; });

// Counts of a hundred, and a start where they are all but impossible: the first steps overflow.
class OverflowLaw : public ::testing::Test {
 protected:
  OverflowLaw() {
    job = make_job(folder, {.model = "poisson", .rows = 100, .intercept = 4.6, .seed = 31});
    job.trainer.stop = {.steps = 300, .residual = 1e-9};
  }

  // All coefficients about zero but the intercept.
  TrainingState start(double intercept) {
    testing::Setup setup(job, *self);
    Posterior q = setup.model->initial_posterior();
    const std::size_t d = q.blocks().front().family->dimension();
    std::fill(q.natural().begin(), q.natural().end(), 0.0);
    for (std::size_t j = 0; j < d; ++j) q.natural()[d + packed_index(j, j)] = -50.0;
    q.natural()[0] = 100.0 * intercept;
    return testing::start_at(q);
  }

  testing::TemporaryFolder folder;
  std::unique_ptr<Communicator> self = make_self_communicator();
  Job job;
};

TEST_F(OverflowLaw, IsTakenBackAndNeverEntersThePosterior) {
  const Outcome usual = testing::train(job, *self);
  testing::Setup setup(job, *self);
  std::int64_t overflows = 0;
  Trainer trainer = setup.trainer(
      {.report = [&](const StepReport& r) { overflows += std::isfinite(r.elbo) ? 0 : 1; },
       .checkpoint =
           [](const TrainingState& state) {
             EXPECT_TRUE(state.posterior.proper());
             for (const auto& kept : {state.control.base_natural, state.control.base_message}) {
               EXPECT_TRUE(std::ranges::all_of(kept, [](double x) { return std::isfinite(x); }));
             }
           },
       .checkpoint_every = 1,
       .stop_requested = {}});
  trainer.restore(start(-8.0));
  const TrainingResult result = trainer.run();
  EXPECT_GT(overflows, 0) << "nothing overflowed";
  EXPECT_GE(result.last.backtracks, overflows);
  EXPECT_EQ(result.reason, StopReason::kResidual);
  for (std::size_t i = 0; i < usual.posterior.size(); ++i) {
    EXPECT_NEAR(trainer.posterior().natural()[i], usual.posterior.natural()[i],
                1e-6 * (1.0 + std::abs(usual.posterior.natural()[i])));
  }
}

TEST_F(OverflowLaw, WithoutAPosteriorToReturnToItIsAnError) {
  const auto code_from = [&](double intercept) {
    const TrainingState state = start(intercept);
    try {
      testing::train(job, *self, &state);
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("not finite"), std::string::npos) << error.what();
      return error.code();
    }
    return ExitCode::kDone;
  };
  EXPECT_EQ(code_from(800.0), ExitCode::kNumerical) << "at the very start";
  job.trainer.rule = {.name = "blr"};
  EXPECT_EQ(code_from(-8.0), ExitCode::kNumerical) << "without backtracking";
}

// What is not finite on one rank is known on all of them.
TEST_F(OverflowLaw, EndsEveryRankAlike) {
  const TrainingState state = start(800.0);
  try {
    testing::train_on_threads(job, 3, &state);
    ADD_FAILURE() << "the run did not fail";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kNumerical) << error.what();
  }
}

}  // namespace
}  // namespace bayesum::laws
