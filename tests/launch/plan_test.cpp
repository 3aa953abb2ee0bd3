#include "launch/network/plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "distributed/sum_tree.hpp"
#include "distributed/thread.hpp"

namespace bayesum {
namespace {

// What the tree itself holds and receives on rank 0, of vectors of one number.
TreeOfSums tried(std::size_t shards, int ranks) {
  TreeOfSums found;
  run_on_threads(ranks, [&](Communicator& communicator) {
    const Stream stream;
    SumTreeOf<float> tree(shards, 1, Device{});
    const Range mine = shards_of_rank(shards, ranks, communicator.rank());
    const std::vector<float> one(1);
    for (std::size_t shard = mine.first; shard < mine.last; ++shard) {
      tree.add(stream, shard, std::span(one));
    }
    std::vector<float> root(1);
    tree.finish(stream, communicator, root);
    if (communicator.rank() == 0) found = {tree.vectors_held(), communicator.traffic().calls};
  });
  return found;
}

TEST(Plan, TreesOfSumsHoldAndReceiveWhatIsPlanned) {
  for (int ranks = 1; ranks <= 6; ++ranks) {
    for (std::size_t shards = 1; shards <= 33; ++shards) {
      SCOPED_TRACE(std::to_string(shards) + " shards on " + std::to_string(ranks) + " ranks");
      const TreeOfSums found = tried(shards, ranks), planned = tree_of_sums(shards, ranks);
      EXPECT_EQ(planned.vectors, found.vectors);
      EXPECT_EQ(planned.messages, found.messages);
    }
  }
}

// Two shards add to one message of this rank: a rule that only sums gradients lets them.
TEST(Plan, TheGradientOfADrawIsHeldByRulesThatNeedIt) {
  const auto held = [](const std::string& rule, const std::string& noise) {
    NetworkTrainConfig config;
    config.model.name = "mlp";
    config.data.virtual_shards = 2;
    config.coordinator.deterministic = false;
    config.rule.name = rule;
    config.rule.noise = noise;
    const ExampleShape shape{.features = 3, .classes = 2};
    const auto network = make_network(config.model, shape);
    const auto memory = plan_network(config, shape, 100, network->parameters(), 1).memory;
    return std::ranges::find(memory, "gradient of one draw", &Planned::what) != memory.end();
  };
  EXPECT_TRUE(held("ivon", "shard"));
  EXPECT_TRUE(held("bayesbinn", "micro_batch"));
  EXPECT_FALSE(held("ivon", "world"));
  EXPECT_FALSE(held("bayesbinn", "world"));
  for (const std::string noise : {"shard", "micro_batch", "world"}) {
    EXPECT_FALSE(held("vogn", noise)) << noise;
    EXPECT_FALSE(held("vadam", noise)) << noise;
  }
  EXPECT_FALSE(held("adamw", "shard"));
}

}  // namespace
}  // namespace bayesum
