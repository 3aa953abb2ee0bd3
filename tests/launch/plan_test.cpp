#include "launch/network/plan.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace bayesum
