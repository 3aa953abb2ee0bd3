#include "core/hang_watch.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace bayesum {
namespace {

using Time = HangWatch::Time;

constexpr Time kTimeout{10};

Pulse computing(std::uint64_t moves) {
  return {.phase = Phase::kGathering, .waiting = 0, .step = 3, .moves = moves};
}
Pulse waiting(std::uint64_t moves) {
  return {.phase = Phase::kReducing, .waiting = 1, .step = 3, .moves = moves};
}

// Lets every second pass from `from` to `to`, in which each rank r is heard as pulse(r, second);
// the first hang found, if any.
template <class PulseOf>
std::optional<Hang> watch(HangWatch& watch, int ranks, int from, int to, const PulseOf& pulse) {
  for (int second = from; second <= to; ++second) {
    for (int rank = 0; rank < ranks; ++rank) {
      if (const std::optional<Pulse> heard = pulse(rank, second)) {
        watch.hear(rank, *heard, Time(second));
      }
    }
    if (const auto hang = watch.find(Time(second))) return hang;
  }
  return std::nullopt;
}

std::optional<Pulse> moving(int second) { return computing(static_cast<std::uint64_t>(second)); }

TEST(HangWatch, NamesTheRankOfWhichNothingIsHeardOnceTheTimeoutIsOver) {
  HangWatch root(0, 3, kTimeout);
  const auto hang = watch(root, 3, 0, 100, [](int rank, int second) -> std::optional<Pulse> {
    if (rank == 2 && second > 50) return std::nullopt;
    return moving(second);
  });
  ASSERT_TRUE(hang);
  EXPECT_EQ(hang->kind, Hang::Kind::kSilent);
  EXPECT_EQ(hang->rank, 2);
  EXPECT_EQ(hang->seconds, 11);
  EXPECT_EQ(hang->last, computing(50));
  const std::array<std::string, 3> hosts{"a", "b", "c"};
  EXPECT_EQ(to_string(*hang, hosts),
            "rank 2 on c hangs: nothing was heard of it for 11 s, when it was gathering at step 3");
}

TEST(HangWatch, NamesARankThatNeverSpoke) {
  HangWatch root(0, 2, kTimeout);
  const auto hang = watch(root, 1, 0, 100, [](int, int second) { return moving(second); });
  ASSERT_TRUE(hang);
  EXPECT_EQ(hang->rank, 1);
  EXPECT_EQ(hang->last, Pulse{});
}

TEST(HangWatch, OthersLookAfterRank0OneAfterTheOther) {
  for (const int rank : {1, 2, 3}) {
    HangWatch other(rank, 4, kTimeout);
    other.hear(0, computing(1), Time(0));
    EXPECT_FALSE(other.find(kTimeout));
    EXPECT_EQ(other.find(kTimeout + Time(0.5)).has_value(), rank == 1);
    const auto hang = other.find(kTimeout + Time(1.5));
    ASSERT_TRUE(hang);
    EXPECT_EQ(hang->rank, 0);
  }
}

TEST(HangWatch, ComputingForLongIsNoHangWhileNobodyWaits) {
  HangWatch root(0, 3, kTimeout);
  EXPECT_FALSE(watch(root, 3, 0, 1000, [](int, int) { return std::optional(computing(1)); }));
}

TEST(HangWatch, ARankThatMovesIsWaitedFor) {
  HangWatch root(0, 3, kTimeout);
  const auto hang = watch(root, 3, 0, 1000, [](int rank, int second) {
    return rank == 1 ? moving(second / 9) : std::optional(waiting(1));
  });
  EXPECT_FALSE(hang);
}

TEST(HangWatch, ARankThatDoesNotMoveWhileAnotherWaitsIsNamed) {
  HangWatch root(0, 3, kTimeout);
  const auto hang = watch(root, 3, 1, 1000, [](int rank, int second) -> std::optional<Pulse> {
    if (rank == 0 && second > 20) return waiting(1);
    if (rank == 1 && second > 5) return computing(5);
    return moving(second);
  });
  ASSERT_TRUE(hang);
  EXPECT_EQ(hang->kind, Hang::Kind::kStuck);
  EXPECT_EQ(hang->rank, 1);
  EXPECT_EQ(hang->seconds, 27) << "from second 5 to 32, the other having waited since 21";
  EXPECT_EQ(hang->last, computing(5));
}

TEST(HangWatch, RanksThatAllWaitAreADeadlock) {
  HangWatch root(0, 3, kTimeout);
  const auto hang = watch(root, 3, 1, 1000, [](int rank, int second) {
    return second < 10 + rank ? moving(second) : std::optional(waiting(1));
  });
  ASSERT_TRUE(hang);
  EXPECT_EQ(hang->kind, Hang::Kind::kAll);
  EXPECT_EQ(hang->rank, 0);
}

TEST(HangWatch, WhoHasLeftCannotHang) {
  HangWatch root(0, 3, kTimeout);
  const auto hang = watch(root, 3, 0, 1000, [](int rank, int second) -> std::optional<Pulse> {
    if (rank == 0 || second < 20) return moving(second);
    if (second > 20) return std::nullopt;
    return Pulse{.phase = Phase::kLeaving};
  });
  EXPECT_FALSE(hang);
  EXPECT_TRUE(root.all_others_left());
}

}  // namespace
}  // namespace bayesum
