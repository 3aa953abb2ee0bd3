#include "tests/laws/network_law.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "distributed/self.hpp"
#include "models/network/low_rank.hpp"

namespace bayesum::laws {
namespace {

constexpr std::int64_t kSteps = 6;

WeightRuleConfig ivon() {
  WeightRuleConfig rule;
  rule.name = "ivon";
  rule.learning_rate = 0.1;
  rule.ess = 200;
  rule.initial_curvature = 0.3;
  rule.weight_decay = 0.01;
  rule.beta2 = 0.9;
  return rule;
}

NetworkMember member(const std::string& name, const WeightRuleConfig& rule) {
  NetworkTrainer::Config config;
  config.rule = rule;
  config.schedule.warmup = 2;
  config.batch = {.virtual_shards = 6, .micro_steps = 2, .rows = 5};
  config.steps = kSteps;
  config.seed = 4;
  return {name, config};
}

NetworkMember optimiser(const std::string& name, double learning_rate) {
  WeightRuleConfig rule;
  rule.name = name;
  rule.learning_rate = learning_rate;
  if (name != "sgd") rule.beta2 = 0.95;
  return member(name, rule);
}

std::unique_ptr<Network> toy_network(const Stream& stream, bool adapted) {
  auto network = std::make_unique<testing::ToyNetwork>(3, 4);
  if (!adapted) return network;
  auto adapters =
      std::make_unique<LowRank>(std::move(network), std::vector<std::string>{"layer"}, 2, 4);
  adapters->set_base(stream, std::vector<float>(adapters->network().parameters().size(), 0.1f));
  return adapters;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const NetworkMember& member) {
  return out << member.name;
}

std::vector<NetworkMember> network_members() {
  std::vector<NetworkMember> members{member("ivon", ivon())};
  WeightRuleConfig rule = ivon();
  rule.noise = "world";
  members.push_back(member("ivon_of_one_draw", rule));
  rule.noise = "micro_batch";
  members.push_back(member("ivon_of_many_draws", rule));
  members.push_back(member("ivon_of_a_lone_shard", ivon()));
  members.back().config.batch.virtual_shards = 1;
  rule = ivon();
  rule.curvature = "antithetic";
  members.push_back(member("ivon_of_pairs", rule));
  rule = ivon();
  rule.curvature = "squares";
  rule.decay_vectors = false;
  rule.clip_radius = 0.5;
  members.push_back(member("ivon_of_squares", rule));
  for (const std::string name : {"vogn", "vadam"}) {
    rule = ivon();
    rule.name = name;
    if (name == "vadam") rule.initial_curvature = WeightRuleConfig().initial_curvature;
    members.push_back(member(name, rule));
  }
  members.push_back(optimiser("adamw", 0.01));
  members.push_back(optimiser("rmsprop", 0.01));
  members.push_back(optimiser("sgd", 0.1));
  rule = WeightRuleConfig();
  rule.name = "bayesbinn";
  rule.learning_rate = 0.05;
  rule.temperature = 1.0;
  members.push_back(member("bayesbinn", rule));
  rule.noise = "world";
  members.push_back(member("bayesbinn_of_one_draw", rule));
  members.push_back(member("ivon_guarded", ivon()));
  members.back().config.guard = {.clip = 0.2, .outlier = 1.2, .patience = 50};
  members.push_back(member("ivon_of_adapters", ivon()));
  members.back().adapted = true;
  return members;
}

ToyTraining::ToyTraining(const NetworkTrainer::Config& config, Communicator& communicator,
                         bool adapted, std::int64_t checkpoint_every)
    : made(toy_network(stream, adapted)),
      trainer({stream, communicator, examples, network}, config,
              {.report = [this](const NetworkReport& report) { reports.push_back(report); },
               .checkpoint =
                   [this](const WeightTrainingState& state) {
                     WeightTrainingState copied{state.step, {}, state.scalars};
                     copied.weights = WeightState(Device{}, state.weights.mean.size());
                     copy<float>(stream, state.weights.mean.span(), copied.weights.mean.span());
                     copy<float>(stream, state.weights.curvature.span(),
                                 copied.weights.curvature.span());
                     copy<float>(stream, state.weights.momentum.span(),
                                 copied.weights.momentum.span());
                     copied.weights.updates = state.weights.updates;
                     states.push_back(std::move(copied));
                   },
               .checkpoint_every = checkpoint_every}) {}

void ToyTraining::run() { trainer.run(); }

void expect_same_weights(const WeightState& a, const WeightState& b) {
  const auto same = [](const Buffer<float>& x, const Buffer<float>& y) {
    return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.span().size_bytes()) == 0;
  };
  EXPECT_TRUE(same(a.mean, b.mean));
  EXPECT_TRUE(same(a.curvature, b.curvature));
  EXPECT_TRUE(same(a.momentum, b.momentum));
  EXPECT_EQ(a.updates, b.updates);
}

void expect_near_weights(const WeightState& a, const WeightState& b, double tolerance) {
  const auto near = [&](const Buffer<float>& x, const Buffer<float>& y) {
    double largest = 0;
    double gap = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      largest = std::max(largest, std::abs(double{x.data()[i]}));
      gap = std::max(gap, std::abs(double{x.data()[i]} - double{y.data()[i]}));
    }
    EXPECT_LE(gap, tolerance * largest);
  };
  near(a.mean, b.mean);
  near(a.curvature, b.curvature);
  near(a.momentum, b.momentum);
}

namespace {

void expect_same_training(const ToyTraining& training, const ToyTraining& reference,
                          bool bit_for_bit) {
  const WeightState& weights = training.states.back().weights;
  const WeightState& expected = reference.states.back().weights;
  if (bit_for_bit) {
    expect_same_weights(weights, expected);
  } else {
    expect_near_weights(weights, expected, kFastWeightTolerance);
  }
  ASSERT_EQ(training.reports.size(), reference.reports.size());
  for (std::size_t i = 0; i < training.reports.size(); ++i) {
    EXPECT_NEAR(training.reports[i].loss, reference.reports[i].loss, 1e-4);
    EXPECT_EQ(training.reports[i].skipped, reference.reports[i].skipped);
  }
}

}  // namespace

void network_sharding_does_not_matter(const NetworkMember& member, Communicator& communicator) {
  const auto alone = make_self_communicator();
  ToyTraining reference(member.config, *alone, member.adapted);
  reference.run();
  for (const std::string kind : {"replicated", "root", "sharded"}) {
    for (const bool deterministic : {true, false}) {
      // A checkpoint gathers what a step leaves with its owners.
      for (const std::int64_t checkpoint_every : {0, 1}) {
        SCOPED_TRACE(kind + (deterministic ? ", deterministic" : ", fast") +
                     (checkpoint_every > 0 ? ", every step saved" : ""));
        NetworkTrainer::Config config = member.config;
        config.coordinator = {.kind = kind, .deterministic = deterministic};
        ToyTraining training(config, communicator, member.adapted, checkpoint_every);
        training.run();
        expect_same_training(training, reference, deterministic);
      }
    }
  }
}

}  // namespace bayesum::laws
