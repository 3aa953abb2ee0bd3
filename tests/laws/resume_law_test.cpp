#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "core/checkpoint.hpp"
#include "tests/laws/models.hpp"
#include "tests/laws/sharding_law.hpp"

namespace bayesum::laws {
namespace {

using testing::Job;
using testing::Outcome;
using testing::train_on_threads;

// In full where BAYESUM_LONG=1, a part otherwise.
int repetitions() {
  const char* is_long = std::getenv("BAYESUM_LONG");
  return is_long != nullptr && std::string(is_long) == "1" ? 20 : 5;
}

void expect_same(const Outcome& a, const Outcome& b) {
  EXPECT_EQ(a.natural(), b.natural());
  EXPECT_EQ(a.result.reason, b.result.reason);
  EXPECT_EQ(a.result.last.step, b.result.last.step);
  EXPECT_EQ(a.result.last.elbo, b.result.last.elbo);
  EXPECT_EQ(a.result.last.residual, b.result.last.residual);
  EXPECT_EQ(a.result.last.rho, b.result.last.rho);
  EXPECT_EQ(a.result.last.backtracks, b.result.last.backtracks);
  EXPECT_EQ(a.state.previous_elbo, b.state.previous_elbo);
  EXPECT_EQ(a.state.control.scalars, b.state.control.scalars);
  EXPECT_EQ(a.state.control.base_natural, b.state.control.base_natural);
  EXPECT_EQ(a.state.control.base_message, b.state.control.base_message);
}

class ResumeLaw : public ::testing::TestWithParam<ModelMember> {
 protected:
  void SetUp() override {
    job = GetParam().job(folder);
    job.trainer.stop = {.steps = kSteps, .residual = 0};
  }

  // The state after so many steps, by way of a checkpoint file.
  TrainingState saved_after(std::int64_t steps, int ranks, const std::string& coordinator) {
    Job half = job;
    half.trainer.stop.steps = steps;
    half.trainer.coordinator.kind = coordinator;
    const Outcome outcome = train_on_threads(half, ranks);
    const auto path = folder.path() / ("checkpoints" + std::to_string(serial_++));
    std::filesystem::create_directory(path);
    const CheckpointIdentity identity{"[model]\nname = \"" + GetParam().name + "\"\n",
                                      outcome.summary.fingerprint};
    save_checkpoint(path, identity, outcome.state);
    const auto state = load_checkpoint(path, identity, outcome.posterior,
                                       [](const std::string& why) { ADD_FAILURE() << why; });
    EXPECT_TRUE(state.has_value());
    return state.value();
  }

  static constexpr std::int64_t kSteps = 14;
  static constexpr int kMostRanks = 4;

  testing::TemporaryFolder folder;
  Job job;

 private:
  int serial_ = 0;
};

TEST_P(ResumeLaw, TwoHalvesAreTheWhole) {
  const Outcome whole = train_on_threads(job, 1);
  std::vector<std::string> coordinators = {"replicated", "root"};
  if (can_be_cut(whole.posterior, kMostRanks)) coordinators.emplace_back("sharded");
  std::mt19937_64 random(GetParam().table.seed);
  const auto pick = [&](std::size_t choices) { return random() % choices; };
  for (int repetition = 0; repetition < repetitions(); ++repetition) {
    const auto split = static_cast<std::int64_t>(pick(kSteps + 1));
    const int ranks = static_cast<int>(1 + pick(kMostRanks)),
              other_ranks = static_cast<int>(1 + pick(kMostRanks));
    const std::string before = coordinators[pick(coordinators.size())];
    Job rest = job;
    rest.trainer.coordinator.kind = coordinators[pick(coordinators.size())];
    SCOPED_TRACE("after step " + std::to_string(split) + ", from " + std::to_string(ranks) +
                 " ranks (" + before + ") to " + std::to_string(other_ranks) + " (" +
                 rest.trainer.coordinator.kind + ")");
    const TrainingState state = saved_after(split, ranks, before);
    EXPECT_EQ(state.step, std::min(split, whole.result.last.step));
    expect_same(train_on_threads(rest, other_ranks, &state), whole);
  }
}

// Law 6: nothing but the job decides the result.
TEST_P(ResumeLaw, AgainIsTheSame) {
  const Outcome once = train_on_threads(job, 3);
  const Outcome again = train_on_threads(job, 3);
  expect_same(once, again);
  ASSERT_EQ(once.reports.size(), again.reports.size());
  for (std::size_t t = 0; t < once.reports.size(); ++t) {
    EXPECT_EQ(once.reports[t].elbo, again.reports[t].elbo) << "step " << t;
  }
  // In the fast mode, too, the same ranks give the same bits.
  job.trainer.coordinator.deterministic = false;
  expect_same(train_on_threads(job, 3), train_on_threads(job, 3));
}

INSTANTIATE_TEST_SUITE_P(Models, ResumeLaw, ::testing::ValuesIn(models()),
                         [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(Minibatches, ResumeLaw, ::testing::ValuesIn(minibatch_models()),
                         [](const auto& test) { return test.param.name; });

// Steps that were taken back are what makes a state more than lambda: at least one member has them.
TEST(ResumeLawMembers, CoverBacktracking) {
  const testing::TemporaryFolder folder;
  const Outcome outcome = train_on_threads(model("logistic_hard").job(folder), 1);
  EXPECT_GT(outcome.result.last.backtracks, 0);
}

}  // namespace
}  // namespace bayesum::laws
