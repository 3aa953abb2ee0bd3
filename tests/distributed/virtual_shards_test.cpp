#include "distributed/virtual_shards.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

TEST(EvenPart, CutsWithoutGapsIntoPiecesThatDifferByOneAtMost) {
  for (std::size_t total = 0; total <= 60; ++total) {
    for (std::size_t parts = 1; parts <= 20; ++parts) {
      std::size_t next = 0;
      for (std::size_t index = 0; index < parts; ++index) {
        const Range part = even_part(total, parts, index);
        ASSERT_EQ(part.first, next);
        ASSERT_GE(part.size(), total / parts);
        ASSERT_LE(part.size(), (total + parts - 1) / parts);
        next = part.last;
      }
      ASSERT_EQ(next, total);
    }
  }
}

TEST(EvenPart, DoesNotOverflow) {
  const std::size_t total = std::numeric_limits<std::size_t>::max();
  const Range last = even_part(total, 4096, 4095);
  EXPECT_EQ(last.last, total);
  EXPECT_EQ(last.size(), total / 4096);
}

TEST(EvenPart, RefusesAPartThatIsNotThere) {
  EXPECT_THROW(even_part(10, 3, 3), Error);
  EXPECT_THROW(even_part(10, 0, 0), Error);
}

TEST(EvenCounts, CutAtMultiplesOfTheUnit) {
  for (std::size_t unit : {1u, 4u, 64u}) {
    for (std::size_t units : {0u, 1u, 5u, 64u, 101u}) {
      for (std::size_t parts : {1u, 2u, 3u, 7u, 16u}) {
        const std::vector<std::size_t> counts = even_counts(units * unit, parts, unit);
        ASSERT_EQ(counts.size(), parts);
        ASSERT_EQ(std::accumulate(counts.begin(), counts.end(), std::size_t{0}), units * unit);
        const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
        ASSERT_LE(*most - *least, unit);
        for (std::size_t count : counts) ASSERT_EQ(count % unit, 0u);
      }
    }
  }
}

TEST(EvenCounts, RefuseAUnitThatDoesNotDivide) {
  EXPECT_THROW(even_counts(10, 2, 4), Error);
  EXPECT_THROW(even_counts(10, 2, 0), Error);
}

TEST(VirtualShards, BelongToTheRankThatCarriesThem) {
  for (std::size_t virtual_shards = 1; virtual_shards <= 40; ++virtual_shards) {
    for (int ranks = 1; ranks <= 50; ++ranks) {
      for (int rank = 0; rank < ranks; ++rank) {
        const Range mine = shards_of_rank(virtual_shards, ranks, rank);
        for (std::size_t shard = mine.first; shard < mine.last; ++shard) {
          ASSERT_EQ(rank_of_shard(virtual_shards, ranks, shard), rank)
              << virtual_shards << " shards on " << ranks << " ranks";
        }
      }
    }
  }
}

TEST(VirtualShards, RefuseAShardThatIsNotThere) {
  EXPECT_THROW(rank_of_shard(8, 2, 8), Error);
  EXPECT_THROW(rank_of_shard(0, 2, 0), Error);
}

}  // namespace
}  // namespace bayesum
