#include "core/data/minibatch.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

std::vector<std::size_t> shards_of(Minibatch& batch, std::size_t virtual_shards) {
  std::vector<std::size_t> found;
  for (std::size_t shard = 0; shard < virtual_shards; ++shard) {
    if (batch.has(shard)) found.push_back(shard);
  }
  return found;
}

TEST(Minibatch, ReadsEachShardOnceInAnEpochAndOneOfEachStratum) {
  struct Case {
    std::size_t shards, per_step;
  };
  for (const auto& [shards, per_step] : {Case{8, 2}, {8, 1}, {12, 4}, {60, 5}, {64, 32}}) {
    Minibatch batch(shards, per_step, 3);
    const std::size_t depth = shards / per_step;
    for (std::size_t epoch = 0; epoch < 5; ++epoch) {
      std::multiset<std::size_t> seen;
      for (std::size_t t = 0; t < depth; ++t) {
        batch.draw(static_cast<std::int64_t>(epoch * depth + t));
        const auto chosen = shards_of(batch, shards);
        ASSERT_EQ(chosen.size(), per_step);
        for (std::size_t s = 0; s < per_step; ++s) EXPECT_EQ(chosen[s] / depth, s);
        seen.insert(chosen.begin(), chosen.end());
      }
      EXPECT_EQ(seen.size(), shards);
      for (std::size_t shard = 0; shard < shards; ++shard) EXPECT_EQ(seen.count(shard), 1U);
    }
    EXPECT_EQ(batch.scale(), static_cast<double>(depth));
  }
}

TEST(Minibatch, IsAFunctionOfSeedAndStepAlone) {
  Minibatch forward(24, 3, 5), backward(24, 3, 5), other(24, 3, 6);
  std::vector<std::vector<std::size_t>> chosen, of_other;
  for (std::int64_t step = 0; step < 40; ++step) {
    forward.draw(step);
    other.draw(step);
    chosen.push_back(shards_of(forward, 24));
    of_other.push_back(shards_of(other, 24));
  }
  for (std::int64_t step = 39; step >= 0; --step) {
    backward.draw(step);
    backward.take_all();
    backward.draw(step);
    EXPECT_EQ(shards_of(backward, 24), chosen[static_cast<std::size_t>(step)]);
  }
  EXPECT_NE(chosen, of_other);
}

// In every stratum and place of an epoch each shard comes equally often: chi-squared of 4 cells
// over 4000 epochs, whose 1 - 1e-6 quantile with 3 degrees of freedom is 30.66.
TEST(Minibatch, EveryShardIsAsLikelyAtEveryStep) {
  constexpr std::size_t kShards = 8, kPerStep = 2, kDepth = 4, kEpochs = 4000;
  Minibatch batch(kShards, kPerStep, 11);
  std::vector<double> count(kShards * kDepth);
  std::set<std::vector<std::size_t>> orders;
  for (std::size_t epoch = 0; epoch < kEpochs; ++epoch) {
    std::vector<std::size_t> order;
    for (std::size_t t = 0; t < kDepth; ++t) {
      batch.draw(static_cast<std::int64_t>(epoch * kDepth + t));
      for (const std::size_t shard : shards_of(batch, kShards)) {
        ++count[shard * kDepth + t];
        order.push_back(shard);
      }
    }
    orders.insert(order);
  }
  constexpr double kExpected = static_cast<double>(kEpochs) / kDepth;
  for (std::size_t stratum = 0; stratum < kPerStep; ++stratum) {
    for (std::size_t t = 0; t < kDepth; ++t) {
      double squares = 0;
      for (std::size_t i = 0; i < kDepth; ++i) {
        const double gap = count[(stratum * kDepth + i) * kDepth + t] - kExpected;
        squares += gap * gap / kExpected;
      }
      EXPECT_LT(squares, 30.66) << "stratum " << stratum << ", place " << t;
    }
  }
  // Of 24^2 pairs one in a thousand is missed by 4000 draws.
  EXPECT_GT(orders.size(), 560U) << "each stratum's permutation is drawn on its own";
}

TEST(Minibatch, OfAllShardsIsWhole) {
  Minibatch batch(6, 6, 1);
  batch.draw(4);
  EXPECT_TRUE(batch.whole() && batch.always_whole());
  EXPECT_EQ(batch.scale(), 1.0);
  Minibatch part(6, 2, 1);
  part.draw(4);
  EXPECT_FALSE(part.whole());
  part.take_all();
  EXPECT_TRUE(part.whole());
  EXPECT_EQ(part.scale(), 1.0);
  EXPECT_EQ(shards_of(part, 6).size(), 6U);
}

TEST(Minibatch, MustDivideTheShards) {
  for (const std::size_t per_step : {0, 3, 5, 16}) {
    try {
      Minibatch(8, per_step, 1);
      ADD_FAILURE() << per_step;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      EXPECT_EQ(std::string(error.what()), "data.shards_per_step = " + std::to_string(per_step) +
                                               " does not divide data.virtual_shards = 8");
    }
  }
}

}  // namespace
}  // namespace bayesum
