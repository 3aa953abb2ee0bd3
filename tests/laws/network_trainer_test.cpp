#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <new>
#include <string>
#include <vector>

#include "core/agree.hpp"
#include "distributed/self.hpp"
#include "distributed/thread.hpp"
#include "kernels/error.hpp"
#include "tests/laws/network_law.hpp"

// What a training of a network does beside learning: its calls of hooks, the steps it refuses,
// where it starts, and what it keeps.
namespace bayesum::laws {
namespace {

using Sink = std::function<void(const GradientSink&)>;

// The toy network, watched and disturbed.
class WatchedNetwork final : public testing::ToyNetwork {
 public:
  WatchedNetwork() : ToyNetwork(3, 4) {}

  const ParameterSpace& parameters() const override {
    if (out_of_memory) throw std::bad_alloc();
    return ToyNetwork::parameters();
  }
  void accumulate(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
                  NoiseId dropout, const GradientSink& sink,
                  std::span<double, WeightMessage::kScalars> counts) override {
    if (before) before(sink);
    ToyNetwork::accumulate(stream, theta, batch, dropout, sink, counts);
    if (after) after(sink);
  }

  bool out_of_memory = false;
  Sink before, after;
};

// A training on one rank.
struct Trial {
  explicit Trial(const NetworkTrainer::Config& config, NetworkTrainer::Hooks hooks = {})
      : trainer({stream, *alone, examples, network}, config, std::move(hooks)) {}

  Stream stream;
  std::unique_ptr<Communicator> alone = make_self_communicator();
  testing::ToyExamples examples{97, 3, 4};
  WatchedNetwork network;
  NetworkTrainer trainer;
};

NetworkTrainer::Config config_of(const std::string& member) {
  for (const NetworkMember& candidate : network_members()) {
    if (candidate.name == member) return candidate.config;
  }
  throw std::invalid_argument(member);
}

bool all_finite(std::span<const float> x) {
  return std::ranges::all_of(x, [](float value) { return std::isfinite(value); });
}

TEST(NetworkTrainer, TheLastStepIsValidatedAndSavedOnce) {
  for (const std::int64_t every : {0, 1, 2, 3, 4, 6}) {
    NetworkTrainer::Config config = config_of("adamw");
    config.steps = 6;
    std::vector<std::int64_t> validated, saved, due;
    Trial trial(config,
                {.validate = [&](NetworkTrainer& t) { validated.push_back(t.step_number()); },
                 .validate_every = every,
                 .checkpoint = [&](const auto& state) { saved.push_back(state.step); },
                 .checkpoint_every = every});
    EXPECT_EQ(trial.trainer.run(), StopReason::kSteps);
    for (std::int64_t step = 1; step <= 6; ++step) {
      if (step == 6 || (every > 0 && step % every == 0)) due.push_back(step);
    }
    EXPECT_EQ(validated, due) << every;
    EXPECT_EQ(saved, due) << every;
    EXPECT_EQ(trial.trainer.run(), StopReason::kSteps);
    EXPECT_EQ(validated.size(), due.size() + 1);
  }
}

// A gradient that float32 holds, but not its square, and squares that are not finite beside a
// gradient that is.
TEST(NetworkTrainer, StepsWhoseSquaresOverflowAreSkipped) {
  for (const std::string name : {"adamw", "vadam", "vogn", "ivon", "ivon_of_squares"}) {
    NetworkTrainer::Config config = config_of(name);
    config.steps = 4;
    std::vector<std::int64_t> skipped;
    Trial trial(config, {.report = [&](const NetworkReport& report) {
                  if (report.skipped) skipped.push_back(report.step);
                }});
    int call = 0;
    trial.network.after = [&](const GradientSink& sink) {
      if (call++ != 17) return;  // of the second step
      if (name == "vogn") {
        sink.squares[0] = std::numeric_limits<float>::infinity();
      } else {
        sink.gradient[0] = 1e25f;
      }
    };
    trial.trainer.run();
    EXPECT_EQ(skipped, std::vector<std::int64_t>{1}) << name;
    EXPECT_TRUE(all_finite(trial.trainer.weights().mean.span())) << name;
    EXPECT_LT(std::ranges::max(trial.trainer.weights().curvature.span()), 1e3f) << name;
  }
}

// The curvature of an earlier training, of more weight decay, is no posterior of every weight here.
TEST(NetworkTrainer, StartsAtAPosterior) {
  for (const std::string name : {"ivon", "vogn"}) {
    NetworkTrainer::Config config = config_of(name);
    const auto initial = static_cast<float>(config.rule.initial_curvature);
    Trial trial(config);
    const std::size_t size = trial.network.parameters().size();
    std::vector<float> mean(size, 0.1f), h(size, 2.0f);
    h[0] = -0.009f;  // above -delta
    h[1] = -0.05f;
    trial.trainer.start_at(mean, h);
    const WeightState& state = trial.trainer.weights();
    EXPECT_EQ(state.curvature.data()[0], -0.009f);
    EXPECT_EQ(state.curvature.data()[1], initial);
    EXPECT_EQ(state.curvature.data()[2], 2.0f);
    std::vector<float> sd(size);
    trial.trainer.write_sd(sd);
    EXPECT_TRUE(all_finite(sd)) << name;
    trial.trainer.run();
    EXPECT_EQ(trial.trainer.last_report().skips, 0) << name;
  }
}

// Whoever fails while the memory is taken, all ranks hear of it once, and none waits.
TEST(NetworkTrainer, OneRankThatCannotBeginIsAFailureOfAll) {
  std::vector<std::string> heard(2);
  run_on_threads(2, [&](Communicator& communicator) {
    const Stream stream;
    const testing::ToyExamples examples{97, 3, 4};
    WatchedNetwork network;
    network.out_of_memory = communicator.rank() == 1;
    try {
      agree(communicator, stream, [&] {
        NetworkTrainer trainer({stream, communicator, examples, network}, config_of("ivon"), {});
      });
    } catch (const Error& error) {
      heard[static_cast<std::size_t>(communicator.rank())] = error.what();
    }
    agree(communicator, stream, [] {});
  });
  EXPECT_EQ(heard[0], std::string(std::bad_alloc().what()) + " (rank 1)");
  EXPECT_EQ(heard[1], heard[0]);
}

// The only draw of a step is everyone's, and the second part of its message is left to the rule.
TEST(NetworkTrainer, TheDrawOfALoneShardIsTheWorlds) {
  for (const std::string noise : {"shard", "micro_batch"}) {
    NetworkTrainer::Config config = config_of("ivon");
    config.batch.virtual_shards = 1;
    config.batch.micro_steps = noise == "shard" ? 2 : 1;
    config.rule.noise = noise;
    const NetworkTrainer::Config common = with_common_draw(config);
    EXPECT_EQ(common.rule.noise, "world") << noise;
    EXPECT_FALSE(has_second(*make_weight_rule(common.rule, 97), common.rule)) << noise;
    EXPECT_FALSE(keeps_gradient(*make_weight_rule(common.rule, 97), common, 1)) << noise;
  }
  const auto keeps_its_own = [](const auto& change) {
    NetworkTrainer::Config config = config_of("ivon");
    config.batch.virtual_shards = 1;
    change(config);
    return with_common_draw(config).rule.noise == config.rule.noise;
  };
  for (const char* other : {"adamw", "vogn", "bayesbinn"}) {
    EXPECT_TRUE(keeps_its_own([&](auto& config) { config.rule = config_of(other).rule; }));
  }
  EXPECT_TRUE(keeps_its_own([](auto& config) { config.batch.virtual_shards = 2; }));
  EXPECT_TRUE(keeps_its_own([](auto& config) { config.rule.curvature = "antithetic"; }));
  EXPECT_TRUE(keeps_its_own([](auto& config) {
    config.rule.noise = "micro_batch";
    config.batch.micro_steps = 2;
  }));
}

TEST(NetworkTrainer, EveryRuleLearnsFromALoneShard) {
  for (const NetworkMember& member : network_members()) {
    NetworkTrainer::Config config = member.config;
    config.batch.virtual_shards = 1;
    config.steps = 2;
    Trial trial(config);
    EXPECT_EQ(trial.trainer.run(), StopReason::kSteps) << member.name;
  }
}

// A gradient of its own for each draw is for rules that make more of it than a sum.
TEST(NetworkTrainer, OnlyRulesThatNeedItKeepTheGradientOfADraw) {
  const std::vector<std::string> apart{
      "ivon",      "ivon_of_many_draws", "ivon_of_pairs",   "ivon_of_squares",
      "bayesbinn", "ivon_guarded",       "ivon_of_adapters"};
  for (const NetworkMember& member : network_members()) {
    NetworkTrainer::Config config = member.config;
    config.coordinator.deterministic = false;
    config.steps = 1;
    Trial trial(config);
    int fresh = 0;
    trial.network.before = [&](const GradientSink& sink) {
      fresh += std::ranges::all_of(sink.gradient, [](float g) { return g == 0; }) ? 1 : 0;
    };
    trial.trainer.run();
    const bool each_draw = std::ranges::find(apart, member.name) != apart.end();
    const bool twelve = config.rule.noise == "micro_batch" || config.rule.curvature == "antithetic";
    EXPECT_EQ(fresh, each_draw ? (twelve ? 12 : 6) : 1) << member.name;
  }
}

}  // namespace
}  // namespace bayesum::laws
