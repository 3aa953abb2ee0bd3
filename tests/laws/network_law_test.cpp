#include "tests/laws/network_law.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "distributed/self.hpp"
#include "distributed/thread.hpp"
#include "kernels/error.hpp"

namespace bayesum::laws {
namespace {

class NetworkShardingLaw : public ::testing::TestWithParam<std::tuple<NetworkMember, int>> {};

TEST_P(NetworkShardingLaw, RanksAndCoordinatorDoNotMatter) {
  const auto& [member, ranks] = GetParam();
  run_on_threads(ranks, [&, &m = member](Communicator& communicator) {
    network_sharding_does_not_matter(m, communicator);
  });
}

INSTANTIATE_TEST_SUITE_P(Rules, NetworkShardingLaw,
                         ::testing::Combine(::testing::ValuesIn(network_members()),
                                            ::testing::Values(1, 2, 3, 4, 7)),
                         [](const auto& test) {
                           return std::get<0>(test.param).name + "_on_" +
                                  std::to_string(std::get<1>(test.param));
                         });

class NetworkLaw : public ::testing::TestWithParam<NetworkMember> {};

INSTANTIATE_TEST_SUITE_P(Rules, NetworkLaw, ::testing::ValuesIn(network_members()),
                         [](const auto& test) { return test.param.name; });

// Law 5: on other ranks, another coordinator, from any step; and law 6, by the way.
TEST_P(NetworkLaw, ResumesBitForBit) {
  const auto alone = make_self_communicator();
  ToyTraining whole(GetParam().config, *alone, GetParam().adapted);
  whole.run();
  for (std::size_t split = 0; split + 1 < whole.states.size(); ++split) {
    NetworkTrainer::Config config = GetParam().config;
    config.coordinator.kind = split % 2 == 0 ? "replicated" : "sharded";
    run_on_threads(split % 3 == 0 ? 1 : 3, [&](Communicator& communicator) {
      ToyTraining rest(config, communicator, GetParam().adapted);
      rest.trainer.restore(whole.states[split]);
      rest.run();
      expect_same_weights(rest.states.back().weights, whole.states.back().weights);
    });
  }
}

TEST_P(NetworkLaw, LearnsWhatThereIsToLearn) {
  NetworkTrainer::Config config = GetParam().config;
  config.steps = 150;
  const auto alone = make_self_communicator();
  ToyTraining training(config, *alone, GetParam().adapted);
  training.run();
  const double first = training.reports.front().loss;
  double last = 0;
  for (std::size_t i = 140; i < 150; ++i) last += training.reports[i].loss / 10;
  EXPECT_LT(last, 0.9 * first);
}

TEST(NetworkTrainer, RefusesPairsOfOneDrawForAll) {
  NetworkTrainer::Config config = network_members().front().config;
  config.rule.curvature = "antithetic";
  config.rule.noise = "world";
  const auto alone = make_self_communicator();
  EXPECT_THROW(ToyTraining(config, *alone), Error);
}

// By what each theta was to be rounded, in the order of the passes.
using Roundings = std::vector<std::optional<NoiseId>>;

Roundings roundings_of(const NetworkTrainer::Config& config, Communicator& communicator) {
  ToyTraining training(config, communicator);
  training.run();
  return dynamic_cast<testing::ToyNetwork&>(training.network).roundings();
}

TEST(NetworkTrainer, RoundsEveryPassOfADrawAlikeWhoeverMakesIt) {
  NetworkTrainer::Config config = network_members().front().config;
  config.rule.noise = "shard";
  const auto alone = make_self_communicator();
  Roundings expected;
  for (std::int64_t t = 0; t < config.steps; ++t) {
    for (std::size_t shard = 0; shard < config.batch.virtual_shards; ++shard) {
      const NoiseId draw{config.seed, static_cast<std::uint32_t>(t),
                         static_cast<std::uint32_t>(shard)};
      expected.insert(expected.end(), config.batch.micro_steps, rounding_noise(draw));
      EXPECT_FALSE(rounding_noise(draw) == draw || rounding_noise(draw) == separate(draw));
    }
  }
  EXPECT_EQ(roundings_of(config, *alone), expected);

  const std::size_t of_shard = config.batch.micro_steps;
  run_on_threads(3, [&](Communicator& communicator) {
    Roundings mine;
    const Range shards =
        shards_of_rank(config.batch.virtual_shards, communicator.size(), communicator.rank());
    for (std::size_t pass = 0; pass < expected.size(); ++pass) {
      const std::size_t shard = pass / of_shard % config.batch.virtual_shards;
      if (shard >= shards.first && shard < shards.last) mine.push_back(expected[pass]);
    }
    EXPECT_EQ(roundings_of(config, communicator), mine);
  });

  config.rule.noise = "world";
  Roundings one = roundings_of(config, *alone);
  for (std::size_t pass = 0; pass < one.size(); ++pass) {
    EXPECT_EQ(one[pass], expected[pass - pass % (of_shard * config.batch.virtual_shards)]);
  }
}

TEST(NetworkTrainer, RoundsTheDrawsOfAPairByNoiseOfTheirOwnAndTheMeanByNone) {
  NetworkTrainer::Config config = network_members().front().config;
  config.rule.curvature = "antithetic";
  const auto alone = make_self_communicator();
  const Roundings pairs = roundings_of(config, *alone);
  const std::size_t of_draw = config.batch.micro_steps;
  for (std::size_t pass = 0; pass < pairs.size(); ++pass) {
    ASSERT_TRUE(pairs[pass]);
    if (pass / of_draw % 2 == 0) continue;
    EXPECT_EQ(*pairs[pass], separate(*pairs[pass - of_draw]));
  }
  config.rule = {.name = "adamw"};
  for (const auto& rounding : roundings_of(config, *alone)) EXPECT_FALSE(rounding);
}

// The message of V shards, each with a draw of its own, is that of V draws by one process, draw v
// on the batch of shard v; with world noise that of one draw on all batches. In float64, by the
// formulas of IVON as they are published (Shen et al., ICML 2024, algorithm 1).
class IvonByFormula : public ::testing::TestWithParam<std::string> {};

TEST_P(IvonByFormula, IsWhatTheTrainerDoes) {
  NetworkMember member = network_members().front();
  ASSERT_EQ(member.name, "ivon");
  NetworkTrainer::Config& config = member.config;
  config.rule.noise = GetParam();
  config.schedule = {.name = "constant", .warmup = 0, .final_fraction = 0};
  const auto alone = make_self_communicator();
  ToyTraining training(config, *alone);
  training.run();

  const WeightRuleConfig& rule = config.rule;
  const auto learner = make_weight_rule(rule, 97);
  const std::size_t size = training.network.parameters().size();
  const ExampleOrder order(97, config.batch, config.seed);
  std::vector<double> m(size);
  std::vector<float> start(size);
  initialise(training.stream, training.network.parameters(), config.seed, start);
  std::ranges::copy(start, m.begin());
  std::vector<double> h(size, rule.initial_curvature);
  std::vector<double> momentum(size);
  for (std::int64_t t = 0; t < config.steps; ++t) {
    WeightState state(Device{}, size);
    for (std::size_t i = 0; i < size; ++i) {
      state.mean.data()[i] = static_cast<float>(m[i]);
      state.curvature.data()[i] = static_cast<float>(h[i]);
    }
    std::vector<double> g(size);
    std::vector<double> price(size);
    for (std::size_t shard = 0; shard < 6; ++shard) {
      for (std::size_t micro = 0; micro < 2; ++micro) {
        std::uint32_t draw = 0;
        if (GetParam() == "shard") draw = static_cast<std::uint32_t>(shard);
        if (GetParam() == "micro_batch") draw = static_cast<std::uint32_t>(shard * 2 + micro);
        std::vector<float> theta(size);
        learner->draw(training.stream, state, {0, size}, rule.weight_decay,
                      {config.seed, static_cast<std::uint32_t>(t), draw}, 1.0, theta);
        ExampleFeed feed(training.examples, 5, Device{});
        std::vector<float> gradient(size);
        std::array<double, WeightMessage::kScalars> counts{};
        training.network.accumulate(
            training.stream, theta,
            feed.fetch(training.stream, order.of({static_cast<std::uint64_t>(t), shard, micro})),
            {}, {.gradient = gradient}, counts);
        for (std::size_t i = 0; i < size; ++i) {
          g[i] += gradient[i] / 60.0;
          price[i] += (theta[i] - m[i]) * gradient[i] / 60.0;
        }
      }
    }
    const double b1 = rule.beta1;
    const double b2 = rule.beta2;
    const double delta = rule.weight_decay;
    for (std::size_t i = 0; i < size; ++i) {
      momentum[i] = b1 * momentum[i] + (1 - b1) * g[i];
      const double f = rule.ess * (h[i] + delta) * price[i];
      const double a = h[i] + delta;
      h[i] = b2 * h[i] + (1 - b2) * f + 0.5 * (1 - b2) * (1 - b2) * (h[i] - f) * (h[i] - f) / a;
      const double debiased = momentum[i] / (1 - std::pow(b1, static_cast<double>(t + 1)));
      const double rate = rule.learning_rate * (rule.initial_curvature + delta);
      m[i] -= rate * (debiased + delta * m[i]) / (h[i] + delta);
    }
  }
  const WeightState& weights = training.states.back().weights;
  for (const ParameterTensor& tensor : training.network.parameters().tensors()) {
    for (std::size_t i = tensor.range().first; i < tensor.range().last; ++i) {
      EXPECT_NEAR(weights.mean.data()[i], m[i], 2e-6);
      EXPECT_NEAR(weights.curvature.data()[i], h[i], 2e-5);
      EXPECT_NEAR(weights.momentum.data()[i], momentum[i], 2e-6);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Noise, IvonByFormula, ::testing::Values("shard", "micro_batch", "world"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace bayesum::laws
