#include "distributed/thread.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <numeric>
#include <ostream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "distributed/virtual_shards.hpp"
#include "kernels/error.hpp"
#include "tests/distributed/conformance.hpp"

namespace bayesum {
namespace {

class ThreadCommunicatorTest : public testing::TestWithParam<std::tuple<conformance::Law, int>> {};

TEST_P(ThreadCommunicatorTest, Conforms) {
  const auto& [law, ranks] = GetParam();
  std::atomic<int> bodies = 0;
  run_on_threads(ranks, [&, &law = law, ranks = ranks](Communicator& communicator) {
    EXPECT_EQ(communicator.size(), ranks);
    EXPECT_EQ(communicator.name(), "thread");
    law.body(communicator, Stream());
    ++bodies;
  });
  EXPECT_EQ(bodies, ranks);
}

INSTANTIATE_TEST_SUITE_P(Laws, ThreadCommunicatorTest,
                         testing::Combine(testing::ValuesIn(conformance::laws()),
                                          testing::Values(1, 2, 3, 4, 5, 6, 7)),
                         [](const auto& test) {
                           return std::get<0>(test.param).name + "On" +
                                  std::to_string(std::get<1>(test.param));
                         });

using Body = std::function<void(Communicator&)>;

// The sentence of the Error that the run ends with.
std::string failure_of(int ranks, ExitCode code, const Body& body) {
  try {
    run_on_threads(ranks, body);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "the run did not fail";
  return "";
}

// The payload of a send that failed is gone; nobody may still receive it.
TEST(ThreadCommunicatorFailures, ASendThatFailedIsWithdrawn) {
  for (int round = 0; round < 50; ++round) {
    const std::string sentence =
        failure_of(3, ExitCode::kNumerical, [](Communicator& communicator) {
          if (communicator.rank() == 0) {
            std::vector<double> gone(1000, 1.0);
            communicator.send(Stream(), std::span(gone), 1);
          } else if (communicator.rank() == 1) {
            double never = 0.0;
            communicator.receive(Stream(), std::span(&never, 1), 2);
          } else {
            throw Error(ExitCode::kNumerical, "the pivot is negative");
          }
        });
    EXPECT_EQ(sentence, "the pivot is negative");
  }
}

TEST(ThreadCommunicatorSums, AddInRankOrder) {
  constexpr int kRanks = 7;
  const std::vector<double> values = {1e16, 1.0, -1e16, 1.0, 1e-3, 1e8, -1.0};
  const double forward = std::accumulate(values.begin(), values.end(), 0.0);
  const double backward = std::accumulate(values.rbegin(), values.rend(), 0.0);
  ASSERT_NE(forward, backward) << "these values would not show the order";
  run_on_threads(kRanks, [&](Communicator& communicator) {
    std::vector<double> x(kRanks, values[static_cast<std::size_t>(communicator.rank())]);
    const std::vector<double> original = x;
    communicator.all_reduce(Stream(), std::span(x));
    EXPECT_EQ(x, std::vector<double>(kRanks, forward));
    double slice = 0.0;
    x = original;
    communicator.reduce_scatter(Stream(), std::span(x), even_counts(kRanks, kRanks),
                                std::span(&slice, 1));
    EXPECT_EQ(slice, forward);
  });
}

class ThreadCommunicatorFailure : public testing::TestWithParam<int> {};

TEST_P(ThreadCommunicatorFailure, OfOneRankEndsAllWithItsCause) {
  constexpr int kRanks = 5;
  const int failing = GetParam();
  std::atomic<int> went_on = 0;
  const Body body = [&](Communicator& communicator) {
    communicator.barrier(Stream());
    if (communicator.rank() == failing) throw std::domain_error("the cause");
    std::vector<double> x(3);
    if (communicator.rank() == (failing + 1) % kRanks) {
      communicator.receive(Stream(), std::span(x), failing);
    } else {
      communicator.all_reduce(Stream(), std::span(x));
    }
    ++went_on;
  };
  try {
    run_on_threads(kRanks, body);
    ADD_FAILURE() << "the failure was lost";
  } catch (const std::domain_error& error) {
    EXPECT_STREQ(error.what(), "the cause");
  }
  EXPECT_EQ(went_on, 0);
}

INSTANTIATE_TEST_SUITE_P(Ranks, ThreadCommunicatorFailure, testing::Values(0, 2, 4));

TEST(ThreadCommunicatorFailure, ReachesWhoeverCallsNext) {
  std::atomic<int> left_by_exception = 0;
  const std::string sentence = failure_of(3, ExitCode::kNumerical, [&](Communicator& communicator) {
    if (communicator.rank() == 1) throw Error(ExitCode::kNumerical, "rank 1 met a NaN");
    try {
      for (;;) communicator.barrier(Stream());
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kDevice);
      ++left_by_exception;
      throw;
    }
  });
  EXPECT_EQ(sentence, "rank 1 met a NaN");
  EXPECT_EQ(left_by_exception, 2);
}

TEST(ThreadCommunicatorAbort, EndsAllWithItsCode) {
  const std::string sentence = failure_of(3, ExitCode::kNumerical, [](Communicator& communicator) {
    if (communicator.rank() == 2) communicator.abort(4);
    communicator.barrier(Stream());
  });
  EXPECT_NE(sentence.find("rank 2 of 3 aborts with exit code 4"), std::string::npos) << sentence;
}

struct Mismatch {
  std::string name;
  void (*body)(Communicator& communicator, bool odd_one);
  std::vector<std::string> words;
};

void PrintTo(const Mismatch& mismatch, std::ostream* out) { *out << mismatch.name; }

const std::vector<Mismatch>& mismatches() {
  static const std::vector<Mismatch> kMismatches = {
      {"Operation",
       [](Communicator& communicator, bool odd_one) {
         std::vector<double> x(4);
         if (odd_one) communicator.broadcast(Stream(), std::span(x), 0);
         communicator.all_reduce(Stream(), std::span(x));
       },
       {"rank 0 calls all_reduce of 4 float64", "rank 2 calls broadcast of 4 float64"}},
      {"Count",
       [](Communicator& communicator, bool odd_one) {
         std::vector<double> x(odd_one ? 5 : 4);
         communicator.all_reduce(Stream(), std::span(x));
       },
       {"rank 0 calls all_reduce of 4 float64", "rank 2 calls all_reduce of 5 float64"}},
      {"Type",
       [](Communicator& communicator, bool odd_one) {
         std::vector<double> x(4);
         std::vector<float> y(4);
         communicator.broadcast(Stream(), odd_one ? Elements(std::span(y)) : std::span(x), 1);
       },
       {"rank 0 calls broadcast of 4 float64", "rank 2 calls broadcast of 4 float32"}},
      {"Reduction",
       [](Communicator& communicator, bool odd_one) {
         std::vector<double> x(4);
         communicator.all_reduce(Stream(), std::span(x),
                                 odd_one ? Reduction::kMin : Reduction::kSum);
       },
       {"by sum", "rank 2 calls all_reduce of 4 float64 by min"}},
      {"Root",
       [](Communicator& communicator, bool odd_one) {
         std::vector<double> x(4);
         communicator.broadcast(Stream(), std::span(x), odd_one ? 1 : 0);
       },
       {"from rank 0", "rank 2 calls broadcast of 4 float64 from rank 1"}},
      {"Slices",
       [](Communicator& communicator, bool odd_one) {
         std::vector<double> whole(6);
         std::vector<double> slice(2);
         const std::vector<std::size_t> even = {2, 2, 2};
         const std::vector<std::size_t> uneven = {1, 3, 2};
         communicator.all_gather(Stream(), std::span(slice), odd_one ? uneven : even,
                                 std::span(whole));
       },
       {"in slices of 2 2 2", "rank 2 calls all_gather of 6 float64 in slices of 1 3 2"}},
      {"Message",
       [](Communicator& communicator, bool odd_one) {
         std::vector<double> x(odd_one ? 5 : 4);
         if (odd_one) communicator.send(Stream(), std::span(x), 0);
         if (communicator.rank() == 0) communicator.receive(Stream(), std::span(x), 2);
         communicator.barrier(Stream());
       },
       {"rank 2 sends 5 float64 to rank 0, which waits for 4 float64"}},
      {"WaitingForEachOther",
       [](Communicator& communicator, bool odd_one) {
         std::vector<double> x(4);
         if (odd_one) communicator.receive(Stream(), std::span(x), 0);
         communicator.barrier(Stream());
       },
       {"rank 1 waits in barrier", "rank 2 waits in receive of 4 float64 from rank 0"}},
      {"LeavingEarly",
       [](Communicator& communicator, bool odd_one) {
         if (!odd_one) communicator.barrier(Stream());
       },
       {"rank 0 waits in barrier", "rank 2 has returned"}},
  };
  return kMismatches;
}

class ThreadCommunicatorMismatch : public testing::TestWithParam<Mismatch> {};

TEST_P(ThreadCommunicatorMismatch, IsNamed) {
  const std::string sentence = failure_of(
      3, ExitCode::kDisagreement,
      [](Communicator& communicator) { GetParam().body(communicator, communicator.rank() == 2); });
  for (const std::string& words : GetParam().words) {
    EXPECT_NE(sentence.find(words), std::string::npos) << sentence;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, ThreadCommunicatorMismatch, testing::ValuesIn(mismatches()),
                         [](const auto& test) { return test.param.name; });

TEST(RunOnThreads, NeedsARank) {
  failure_of(0, ExitCode::kUsage, [](Communicator&) { ADD_FAILURE() << "nobody should run"; });
}

}  // namespace
}  // namespace bayesum
