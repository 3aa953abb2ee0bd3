#include "distributed/sum_tree.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "distributed/self.hpp"
#include "distributed/thread.hpp"
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

// The sum over the shards of `taken`, on so many ranks; the others are skipped.
std::vector<double> tree_sum_of_some(const std::vector<double>& shards,
                                     const std::vector<bool>& taken, int ranks) {
  std::vector<double> root(2);
  run_on_threads(ranks, [&](Communicator& communicator) {
    SumTree tree(shards.size(), 2, Device());
    const Range mine = shards_of_rank(shards.size(), ranks, communicator.rank());
    for (std::size_t i = mine.first; i < mine.last; ++i) {
      const std::vector<double> values = {shards[i], -0.0};
      taken[i] ? tree.add(Stream(), i, values) : tree.skip(Stream(), i);
    }
    std::vector<double> sum(2);
    tree.finish(Stream(), communicator, sum);
    if (communicator.rank() == 0) root = sum;
  });
  return root;
}

// A skipped shard is as if it had given -0, the only number that changes no other, bit for bit.
TEST(SumTree, SkippedShardsAreNotThereOnAnyNumberOfRanks) {
  std::mt19937_64 random(1);
  const auto bits = [](double x) { return std::bit_cast<std::uint64_t>(x); };
  for (int repetition = 0; repetition < 200; ++repetition) {
    const std::size_t size = 1 + random() % 20;
    std::vector<double> shards(size), neutral(size, -0.0);
    std::vector<bool> taken(size);
    for (std::size_t i = 0; i < size; ++i) {
      shards[i] = std::ldexp(static_cast<double>(random()), static_cast<int>(random() % 80));
      if (random() % 2 == 0) shards[i] = -shards[i];
      taken[i] = random() % 3 == 0;
      if (taken[i]) neutral[i] = shards[i];
    }
    const auto expected = tree_sum_of_some(neutral, std::vector<bool>(size, true), 1);
    for (const int ranks : {1, 2, 3, 7}) {
      const auto found = tree_sum_of_some(shards, taken, ranks);
      EXPECT_EQ(bits(found[0]), bits(expected[0])) << size << " shards on " << ranks << " ranks";
      EXPECT_EQ(bits(found[1]), bits(-0.0)) << size << " shards on " << ranks << " ranks";
    }
  }
}

TEST(SumTree, HoldsNothingForSkippedShards) {
  SumTree tree(1024, 2, Device());
  for (std::size_t i = 0; i < 1024; ++i) tree.skip(Stream(), i);
  EXPECT_EQ(tree.vectors_held(), 0U);
}

TEST(SumTree, NeedsAShard) { EXPECT_THROW(SumTree(0, 2, Device()), Error); }

}  // namespace
}  // namespace bayesum
