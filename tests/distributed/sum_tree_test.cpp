#include "distributed/sum_tree.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "distributed/self.hpp"
#include "kernels/error.hpp"

// That the tree gives its bits on every communicator and number of ranks is one of the laws in
// conformance.cpp; here is what it refuses, and that its order is worth a test at all.
namespace bayesum {
namespace {

double tree_sum_of(const std::vector<double>& shards) {
  const auto communicator = make_self_communicator();
  SumTree tree(shards.size(), 1, Device());
  for (std::size_t i = 0; i < shards.size(); ++i) {
    tree.add(Stream(), i, std::span(&shards[i], 1));
  }
  double root = 0.0;
  tree.finish(Stream(), *communicator, std::span(&root, 1));
  return root;
}

TEST(SumTree, AddsNeighboursFirst) {
  // (1e16 + 1) + (1 - 1e16) loses both ones; from left to right only the last of them survives.
  EXPECT_EQ(tree_sum_of({1e16, 1.0, 1.0, -1e16}), 0.0 + ((1e16 + 1.0) + (1.0 - 1e16)));
  EXPECT_EQ(tree_sum_of({1e16, -1e16, 1.0}), 1.0);
  EXPECT_EQ(tree_sum_of({1.0, 1e16, -1e16}), 0.0);
}

std::string refusal_of(const std::function<void(SumTree&, Communicator&)>& misuse) {
  const auto communicator = make_self_communicator();
  SumTree tree(3, 2, Device());
  try {
    misuse(tree, *communicator);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    return error.what();
  }
  ADD_FAILURE() << "was accepted";
  return "";
}

TEST(SumTree, RefusesAShardOutOfTurn) {
  const std::vector<double> values(2);
  EXPECT_NE(refusal_of([&](SumTree& tree, Communicator&) {
              tree.add(Stream(), 0, values);
              tree.add(Stream(), 2, values);
            }).find("virtual shard 2 of 3 was added after shards [0, 1)"),
            std::string::npos);
  EXPECT_NE(refusal_of([&](SumTree& tree, Communicator&) {
              tree.add(Stream(), 3, values);
            }).find("virtual shard 3 of 3"),
            std::string::npos);
}

TEST(SumTree, RefusesAVectorOfAnotherSize) {
  EXPECT_NE(refusal_of([](SumTree& tree, Communicator&) {
              tree.add(Stream(), 0, std::vector<double>(5));
            }).find("gave 5 values, 2 are due"),
            std::string::npos);
}

TEST(SumTree, RefusesToFinishWithoutAllShards) {
  std::vector<double> values(2);
  EXPECT_NE(refusal_of([&](SumTree& tree, Communicator& communicator) {
              tree.add(Stream(), 0, values);
              tree.finish(Stream(), communicator, values);
            }).find("rank 0 of 1: it added the virtual shards [0, 1) and carries [0, 3)"),
            std::string::npos);
}

TEST(SumTree, NeedsAShard) { EXPECT_THROW(SumTree(0, 2, Device()), Error); }

}  // namespace
}  // namespace bayesum
