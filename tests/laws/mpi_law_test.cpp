#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "distributed/mpi.hpp"
#include "tests/laws/conjugacy_law.hpp"
#include "tests/laws/network_law.hpp"
#include "tests/laws/sharding_law.hpp"

// Run under mpirun: every rank runs every test, in the same order, on one communicator.
namespace bayesum::laws {
namespace {

Communicator* world = nullptr;

TEST(MpiLaws, HaveTheRanksThatWereAskedFor) {
  const char* ranks = std::getenv("BAYESUM_TEST_RANKS");
  ASSERT_NE(ranks, nullptr) << "BAYESUM_TEST_RANKS says how many ranks the launcher was asked for";
  EXPECT_EQ(std::to_string(world->size()), ranks);
  EXPECT_EQ(world->name(), "mpi");
}

class MpiConjugacyLaw : public ::testing::TestWithParam<ModelMember> {};

TEST_P(MpiConjugacyLaw, OneStepIsExactBayes) { one_step_is_exact_bayes(GetParam(), *world); }

INSTANTIATE_TEST_SUITE_P(Models, MpiConjugacyLaw, ::testing::ValuesIn(conjugate_models()),
                         [](const auto& test) { return test.param.name; });

class MpiShardingLaw : public ::testing::TestWithParam<ModelMember> {};

TEST_P(MpiShardingLaw, RanksAndCoordinatorDoNotMatter) {
  sharding_does_not_matter(GetParam(), *world);
}

INSTANTIATE_TEST_SUITE_P(Models, MpiShardingLaw, ::testing::ValuesIn(models()),
                         [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(Minibatches, MpiShardingLaw, ::testing::ValuesIn(minibatch_models()),
                         [](const auto& test) { return test.param.name; });

class MpiNetworkShardingLaw : public ::testing::TestWithParam<NetworkMember> {};

TEST_P(MpiNetworkShardingLaw, RanksAndCoordinatorDoNotMatter) {
  network_sharding_does_not_matter(GetParam(), *world);
}

INSTANTIATE_TEST_SUITE_P(Rules, MpiNetworkShardingLaw, ::testing::ValuesIn(network_members()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace bayesum::laws

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  // An exception ends this rank, and with it the job: the others would wait for it in vain.
  testing::GTEST_FLAG(catch_exceptions) = false;
  bayesum::MpiSession session;
  const auto communicator = bayesum::make_mpi_communicator();
  bayesum::laws::world = communicator.get();
  testing::GTEST_FLAG(brief) = communicator->rank() > 0;
  const int failed = RUN_ALL_TESTS();
  if (communicator->traffic().bytes == 0) communicator->abort(1);
  return failed;
}
