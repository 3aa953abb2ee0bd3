#include "core/examples/example_order.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "distributed/virtual_shards.hpp"
#include "tests/core/files.hpp"

namespace bayesum {
namespace {

using testing::error_of;

TEST(Permutation, IsABijection) {
  for (const std::uint64_t n : {1, 2, 3, 4, 5, 7, 8, 31, 32, 33, 255, 256, 257, 4097, 70000}) {
    for (const std::uint64_t epoch : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 40}) {
      const Permutation permutation(n, 7, epoch);
      std::vector<bool> met(n);
      for (std::uint64_t i = 0; i < n; ++i) {
        const std::uint64_t at = permutation(i);
        ASSERT_LT(at, n);
        ASSERT_FALSE(met[at]) << n << " " << i;
        met[at] = true;
      }
    }
  }
}

// As many as a web-sized corpus has, of which only a few are looked at.
TEST(Permutation, StoresNothingOfTheSizeOfTheData) {
  const std::uint64_t n = (std::uint64_t{1} << 45) + 12345;
  const Permutation permutation(n, 1, 0);
  std::set<std::uint64_t> met;
  double sum = 0;
  for (std::uint64_t i = 0; i < 20000; ++i) {
    const std::uint64_t at = permutation(i * (n / 20000));
    ASSERT_LT(at, n);
    EXPECT_TRUE(met.insert(at).second);
    sum += static_cast<double>(at) / static_cast<double>(n);
  }
  EXPECT_NEAR(sum / 20000, 0.5, 5 / std::sqrt(12.0 * 20000));
}

// Chi-squared of where each number goes over many epochs: 9 x 9 degrees of freedom for ten numbers,
// mean 81 and sd sqrt(162) under a uniform permutation.
TEST(Permutation, EveryNumberGoesEverywhereAlikeOverTheEpochs) {
  constexpr std::uint64_t kN = 10;
  constexpr int kEpochs = 20000;
  std::vector<double> count(kN * kN);
  for (int epoch = 0; epoch < kEpochs; ++epoch) {
    const Permutation permutation(kN, 3, static_cast<std::uint64_t>(epoch));
    for (std::uint64_t i = 0; i < kN; ++i) count[i * kN + permutation(i)] += 1;
  }
  double chi2 = 0;
  for (const double c : count)
    chi2 += (c - kEpochs / 10.0) * (c - kEpochs / 10.0) / (kEpochs / 10.0);
  EXPECT_GT(chi2, 81 - 5 * std::sqrt(162.0));
  EXPECT_LT(chi2, 81 + 5 * std::sqrt(162.0));
}

// Neighbours do not stay neighbours: of a random permutation of n numbers about two are followed by
// their successor or predecessor, as a Poisson number.
TEST(Permutation, NeighboursPart) {
  const std::uint64_t n = 10007;
  for (std::uint64_t epoch = 0; epoch < 20; ++epoch) {
    const Permutation permutation(n, 5, epoch);
    int together = 0;
    for (std::uint64_t i = 0; i + 1 < n; ++i) {
      const std::uint64_t a = permutation(i), b = permutation(i + 1);
      together += a + 1 == b || b + 1 == a;
    }
    EXPECT_LT(together, 14);
  }
}

std::vector<std::vector<ExampleId>> whole_step(const ExampleOrder& order, std::uint64_t step) {
  std::vector<std::vector<ExampleId>> batches;
  for (std::size_t shard = 0; shard < order.shape().virtual_shards; ++shard) {
    for (std::size_t micro = 0; micro < order.shape().micro_steps; ++micro) {
      batches.push_back(order.of({step, shard, micro}));
    }
  }
  return batches;
}

TEST(ExampleOrder, AnEpochReadsEveryExampleOnce) {
  for (const std::uint64_t n : {std::uint64_t{1}, std::uint64_t{5}, std::uint64_t{48},
                                std::uint64_t{100}, std::uint64_t{1001}}) {
    const BatchShape shape{.virtual_shards = 3, .micro_steps = 2, .rows = 4};
    const ExampleOrder order(n, shape, 11);
    std::vector<std::vector<int>> met;  // by epoch and example
    const std::uint64_t steps = (3 * n + shape.examples_per_step() - 1) / shape.examples_per_step();
    for (std::uint64_t step = 0; step < steps; ++step) {
      for (const auto& batch : whole_step(order, step)) {
        ASSERT_EQ(batch.size(), shape.rows);
        for (const ExampleId id : batch) {
          if (met.size() <= id.epoch) met.resize(id.epoch + 1, std::vector<int>(n));
          ASSERT_LT(id.index, n);
          ++met[id.epoch][id.index];
        }
      }
    }
    ASSERT_GE(met.size(), 3u);
    for (std::size_t epoch = 0; epoch < 3; ++epoch) {
      EXPECT_EQ(met[epoch], std::vector<int>(n, 1)) << n << " " << epoch;
    }
    EXPECT_EQ(std::accumulate(met.back().begin(), met.back().end(), std::uint64_t{0}),
              steps * shape.examples_per_step() - (met.size() - 1) * n);
  }
}

// Ranks carry ranges of virtual shards; what the shards of all ranks read does not depend on how
// many there are, nor on the order in which anybody asks.
TEST(ExampleOrder, AnyNumberOfRanksReadsTheSameBatches) {
  const BatchShape shape{.virtual_shards = 8, .micro_steps = 3, .rows = 5};
  const ExampleOrder order(777, shape, 2);
  for (const std::uint64_t step : {0u, 5u, 6u, 1000u}) {
    const auto alone = whole_step(order, step);
    for (const int ranks : {1, 2, 3, 5, 8}) {
      for (int rank = ranks - 1; rank >= 0; --rank) {
        const ExampleOrder own(777, shape, 2);
        const Range shards = shards_of_rank(shape.virtual_shards, ranks, rank);
        for (std::size_t shard = shards.first; shard < shards.last; ++shard) {
          for (std::size_t micro = shape.micro_steps; micro-- > 0;) {
            EXPECT_EQ(own.of({step, shard, micro}), alone[shard * shape.micro_steps + micro]);
          }
        }
      }
    }
  }
}

// Micro-steps and virtual shards cut a step; the examples that it reads are those of the step.
TEST(ExampleOrder, HowAStepIsCutDoesNotChangeWhatItReads) {
  const auto flat = [](const ExampleOrder& order, std::uint64_t step) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> ids;
    for (const auto& batch : whole_step(order, step)) {
      for (const ExampleId id : batch) ids.emplace_back(id.epoch, id.index);
    }
    return ids;
  };
  const ExampleOrder one(100, {1, 1, 24}, 4), many(100, {4, 3, 2}, 4);
  for (std::uint64_t step = 0; step < 20; ++step) EXPECT_EQ(flat(one, step), flat(many, step));
}

TEST(ExampleOrder, SeedsAndEpochsDiffer) {
  const BatchShape shape{.rows = 100};
  const ExampleOrder a(100, shape, 1), b(100, shape, 2);
  EXPECT_NE(a.of({0, 0, 0}), b.of({0, 0, 0}));
  auto first = a.of({0, 0, 0}), second = a.of({1, 0, 0});
  for (ExampleId& id : second) id.epoch = 0;
  EXPECT_NE(first, second);
  const ExampleOrder far(100, shape, 1 + (std::uint64_t{1} << 40));
  EXPECT_NE(a.of({0, 0, 0}), far.of({0, 0, 0}));
}

TEST(ExampleOrder, CountsItsEpochs) {
  const ExampleOrder order(100, {2, 3, 4}, 1);
  EXPECT_EQ(order.epochs_before(0), 0);
  EXPECT_EQ(order.epochs_before(25), 6);
}

TEST(ExampleOrder, RefusesWhatIsNoStep) {
  EXPECT_EQ(error_of(ExitCode::kUsage, [] { ExampleOrder(0, {}, 1); }),
            "there are no examples to take batches of");
  for (const BatchShape shape : {BatchShape{0, 1, 1}, BatchShape{1, 0, 1}, BatchShape{1, 1, 0},
                                 BatchShape{1 << 20, 1 << 20, 1 << 20}}) {
    EXPECT_NE(error_of(ExitCode::kUsage, [&] { ExampleOrder(9, shape, 1); }).find("2^32"),
              std::string::npos);
  }
  const ExampleOrder order(9, {2, 2, 2}, 1);
  EXPECT_NE(error_of(ExitCode::kUsage, [&] { order.of({0, 2, 0}); }), "no error");
  EXPECT_NE(error_of(ExitCode::kUsage, [&] { order.of({0, 0, 2}); }), "no error");
}

}  // namespace
}  // namespace bayesum
