#include "distributed/mpi.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "kernels/error.hpp"
#include "tests/distributed/conformance.hpp"

// Run under mpirun: every rank runs every test, in the same order, on one communicator.
namespace bayesum {
namespace {

Communicator* world = nullptr;

class MpiCommunicatorTest : public testing::TestWithParam<conformance::Law> {};

TEST_P(MpiCommunicatorTest, Conforms) { GetParam().body(*world, Stream()); }

INSTANTIATE_TEST_SUITE_P(Laws, MpiCommunicatorTest, testing::ValuesIn(conformance::laws()),
                         [](const auto& test) { return test.param.name; });

TEST(MpiCommunicator, HasTheRanksThatWereAskedFor) {
  const char* ranks = std::getenv("BAYESUM_TEST_RANKS");
  ASSERT_NE(ranks, nullptr) << "BAYESUM_TEST_RANKS says how many ranks the launcher was asked for";
  EXPECT_EQ(std::to_string(world->size()), ranks);
  EXPECT_EQ(world->name(), "mpi");
}

TEST(MpiLibrary, KnowsItsLauncher) { EXPECT_TRUE(launched_by_mpi()); }

TEST(MpiCommunicator, GivesEveryRankOfAHostItsOwnLocalRank) {
  std::vector<std::uint64_t> taken(static_cast<std::size_t>(world->size()), 0);
  const int local = mpi_local_rank();
  ASSERT_GE(local, 0);
  ASSERT_LT(local, world->size());
  taken[static_cast<std::size_t>(local)] = 1;
  world->all_reduce(Stream(), std::span(taken));
  EXPECT_EQ(taken, std::vector<std::uint64_t>(taken.size(), 1)) << "run on one host";
}

// A thread of each rank sends pulses to its neighbour while the other threads meet in collectives.
TEST(MpiHeartbeat, BeatsInOrderBesideCollectives) {
  const std::unique_ptr<Heartbeat> heartbeat = make_mpi_heartbeat();
  ASSERT_NE(heartbeat, nullptr) << "this MPI library gives MPI_THREAD_MULTIPLE";
  const int right = (world->rank() + 1) % world->size();
  const int left = (world->rank() + world->size() - 1) % world->size();
  constexpr std::int64_t kBeats = 200;
  std::vector<Heartbeat::Beat> heard;
  std::thread beating([&] {
    for (std::int64_t step = 0; step < kBeats;) {
      if (heartbeat->send({.phase = Phase::kReducing, .step = step}, right)) ++step;
    }
    while (std::ssize(heard) < kBeats) {
      if (const auto beat = heartbeat->receive()) heard.push_back(*beat);
    }
  });
  std::vector<double> x(1000, 1.0);
  for (int i = 0; i < 200; ++i) {
    std::ranges::fill(x, 1.0);
    world->all_reduce(Stream(), std::span(x));
    ASSERT_EQ(x.back(), world->size());
  }
  beating.join();
  EXPECT_FALSE(heartbeat->receive());
  for (std::int64_t i = 0; i < kBeats; ++i) {
    const Heartbeat::Beat& beat = heard[static_cast<std::size_t>(i)];
    EXPECT_EQ(beat.from, left);
    EXPECT_EQ(beat.pulse, (Pulse{.phase = Phase::kReducing, .step = i}));
  }
}

// A short message is on its way, unasked for, while the ranks meet in collectives of the same
// shape.
TEST(MpiCommunicator, KeepsMessagesFromCollectives) {
  if (world->size() == 1) return;
  const std::vector<std::size_t> counts(static_cast<std::size_t>(world->size()), 1);
  double message = world->rank() == 0 ? 17.0 : 0.0;
  if (world->rank() == 0) world->send(Stream(), std::span(&message, 1), 1);
  std::vector<double> whole(counts.size(), 1.0);
  double slice = 0.0;
  world->reduce_scatter(Stream(), std::span(whole), counts, std::span(&slice, 1));
  EXPECT_EQ(slice, world->size());
  world->all_gather(Stream(), std::span(&slice, 1), counts, std::span(whole));
  EXPECT_EQ(whole, std::vector<double>(counts.size(), world->size()));
  if (world->rank() == 1) {
    world->receive(Stream(), std::span(&message, 1), 0);
    EXPECT_EQ(message, 17.0);
  }
}

TEST(MpiCommunicator, NamesAMessageThatDoesNotFit) {
  if (world->size() == 1) return;
  std::vector<double> x(5);
  if (world->rank() == 0) world->send(Stream(), std::span(x).first(3), 1);
  if (world->rank() == 1) {
    try {
      world->receive(Stream(), std::span(x), 0);
      ADD_FAILURE() << "three elements were taken for five";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kDisagreement);
      const std::string sentence = error.what();
      EXPECT_NE(sentence.find("rank 0 sent 3 float64 elements to rank 1"), std::string::npos)
          << sentence;
    }
  }
  if (world->rank() == 0) world->send(Stream(), std::span(x), 1);
  if (world->rank() == 1) {
    try {
      world->receive(Stream(), std::span(x).first(3), 0);
      ADD_FAILURE() << "five elements were put into three";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kDevice);
      const std::string sentence = error.what();
      EXPECT_NE(sentence.find("MPI rank 1, MPI_Recv"), std::string::npos) << sentence;
    }
  }
  world->barrier(Stream());
}

TEST(MpiLibrary, SaysWhatItIs) {
  EXPECT_FALSE(mpi_library_version().empty());
  EXPECT_EQ(mpi_library_version().find('\n'), std::string::npos);
  EXPECT_FALSE(host_name().empty());
}

}  // namespace
}  // namespace bayesum

int main(int argc, char** argv) {
  bayesum::MpiSession session;
  const auto communicator = bayesum::make_mpi_communicator();
  bayesum::world = communicator.get();
  // An exception ends this rank, and with it the job: the others would wait for it in vain.
  testing::GTEST_FLAG(catch_exceptions) = false;
  testing::GTEST_FLAG(brief) = communicator->rank() > 0;
  testing::InitGoogleTest(&argc, argv);
  const int failed = RUN_ALL_TESTS();
  if (communicator->traffic().bytes == 0) communicator->abort(1);
  return failed;
}
