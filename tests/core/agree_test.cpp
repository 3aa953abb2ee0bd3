#include "core/agree.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <stdexcept>
#include <vector>

#include "distributed/self.hpp"
#include "distributed/thread.hpp"
#include "kernels/error.hpp"
#include "tests/core/files.hpp"

namespace bayesum {
namespace {

using testing::error_of;

constexpr int kRanks = 4;

// What each rank is told when those ranks fail; all of them are alive afterwards.
std::vector<std::string> sentences(ExitCode code, const std::function<void(int rank)>& work) {
  std::vector<std::string> told(kRanks);
  run_on_threads(kRanks, [&](Communicator& communicator) {
    const Stream stream;
    const auto rank = static_cast<std::size_t>(communicator.rank());
    told[rank] =
        error_of(code, [&] { agree(communicator, stream, [&] { work(communicator.rank()); }); });
    communicator.barrier(stream);
  });
  return told;
}

TEST(Agree, LetsEveryRankGoOnWhenAllIsWell) {
  std::vector<int> done(kRanks);
  const auto told =
      sentences(ExitCode::kFile, [&](int rank) { done[static_cast<std::size_t>(rank)] = 1; });
  EXPECT_EQ(told, std::vector<std::string>(kRanks, "no error"));
  EXPECT_EQ(done, std::vector<int>(kRanks, 1));
}

TEST(Agree, AFailureOfOneIsAFailureOfAll) {
  for (int failing = 0; failing < kRanks; ++failing) {
    const auto told = sentences(ExitCode::kNumerical, [&](int rank) {
      if (rank == failing) throw Error(ExitCode::kNumerical, "the pivot is negative");
    });
    const std::string sentence = "the pivot is negative (rank " + std::to_string(failing) + ")";
    EXPECT_EQ(told, std::vector<std::string>(kRanks, sentence));
  }
}

TEST(Agree, TheLowestOfSeveralFailingRanksIsNamed) {
  const auto told = sentences(ExitCode::kFile, [&](int rank) {
    if (rank > 0) {
      throw Error(rank == 1 ? ExitCode::kFile : ExitCode::kDevice,
                  std::string(100u * static_cast<unsigned>(rank), 'x'));
    }
  });
  EXPECT_EQ(told, std::vector<std::string>(kRanks, std::string(100, 'x') + " (rank 1)"));
}

TEST(Agree, OtherExceptionsHaveACodeToo) {
  EXPECT_EQ(sentences(ExitCode::kDevice,
                      [](int rank) {
                        if (rank == 2) throw std::runtime_error("something else");
                      }),
            std::vector<std::string>(kRanks, "something else (rank 2)"));
  const auto told = sentences(ExitCode::kFile, [](int rank) {
    if (rank == 3) std::filesystem::resize_file("/no/such/file", 1);
  });
  EXPECT_NE(told[0].find("/no/such/file"), std::string::npos);
}

TEST(RequireSame, NamesTheFirstRankThatDiffers) {
  run_on_threads(kRanks, [&](Communicator& communicator) {
    const auto rank = static_cast<std::uint64_t>(communicator.rank());
    EXPECT_NO_THROW(require_same(communicator, Stream(), 7, "seed"));
    EXPECT_EQ(error_of(ExitCode::kDisagreement,
                       [&] { require_same(communicator, Stream(), rank / 2, "seed"); }),
              "ranks 0 and 2 disagree on the seed");
  });
}

TEST(Agree, OneRankAloneThrowsItsOwn) {
  const auto communicator = make_self_communicator();
  EXPECT_EQ(error_of(ExitCode::kFile,
                     [&] {
                       agree(*communicator, Stream(),
                             [] { throw Error(ExitCode::kFile, "a.csv:3: bad"); });
                     }),
            "a.csv:3: bad");
}

}  // namespace
}  // namespace bayesum
