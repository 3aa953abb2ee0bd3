#include "launch/network/straggler.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "distributed/thread.hpp"

namespace bayesum {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

TEST(Straggler, IsFarBehindTheMedianOfTheOthers) {
  const auto slowest = straggler_of(std::vector{1.0, 1.2, 3.0, 0.8});
  ASSERT_TRUE(slowest);
  EXPECT_EQ(slowest->rank, 2u);
  EXPECT_DOUBLE_EQ(slowest->ratio, 3.0);
  EXPECT_DOUBLE_EQ(straggler_of(std::vector{4.0, 1.0, 2.0})->ratio, 4 / 1.5);
  EXPECT_EQ(straggler_of(std::vector{kNone, 1.0, 1.6})->rank, 2u);
}

TEST(Straggler, ThereIsNoneAmongEquals) {
  EXPECT_FALSE(straggler_of(std::vector{1.0, 1.4, 1.3}));
  EXPECT_FALSE(straggler_of(std::vector{5.0}));
  EXPECT_FALSE(straggler_of(std::vector{kNone, 5.0, kNone}));
  EXPECT_FALSE(straggler_of(std::vector<double>()));
}

// A rank of two shards may take twice as long as one of a single shard.
TEST(Straggler, IsToldOfAShard) {
  struct Case {
    double seconds_of_last;
    bool slow;
  };
  for (const Case each : {Case{9, true}, Case{4, false}}) {
    std::vector<std::string> said(3);
    run_on_threads(3, [&](Communicator& ranks) {
      const int rank = ranks.rank();
      said[static_cast<std::size_t>(rank)] = straggler_text(
          rank == 2 ? each.seconds_of_last : rank + 2.0, rank == 2 ? 2 : 1, Stream(), ranks);
    });
    EXPECT_EQ(said[1], said[0]);
    EXPECT_EQ(said[0].starts_with("rank 2 on "), each.slow) << said[0];
    EXPECT_EQ(said[0].find("1.8 times as long") != std::string::npos, each.slow) << said[0];
  }
  std::vector<std::string> said(2);
  run_on_threads(2, [&](Communicator& ranks) {
    const auto rank = static_cast<std::size_t>(ranks.rank());
    said[rank] = straggler_text(rank == 0 ? 0.001 : 0.9, 1, Stream(), ranks);
  });
  EXPECT_EQ(said[0], "") << "of less than a second nothing is told";
}

}  // namespace
}  // namespace bayesum
