#include <gtest/gtest.h>

#include "distributed/thread.hpp"
#include "tests/laws/sharding_law.hpp"

namespace bayesum::laws {
namespace {

class ShardingLaw : public ::testing::TestWithParam<std::tuple<ModelMember, int>> {};

TEST_P(ShardingLaw, RanksAndCoordinatorDoNotMatter) {
  const auto& [member, ranks] = GetParam();
  run_on_threads(ranks, [&, &m = member](Communicator& communicator) {
    sharding_does_not_matter(m, communicator);
  });
}

INSTANTIATE_TEST_SUITE_P(Models, ShardingLaw,
                         ::testing::Combine(::testing::ValuesIn(models()),
                                            ::testing::Values(1, 2, 3, 4, 6)),
                         [](const auto& test) {
                           return std::get<0>(test.param).name + "_on_" +
                                  std::to_string(std::get<1>(test.param));
                         });

INSTANTIATE_TEST_SUITE_P(Minibatches, ShardingLaw,
                         ::testing::Combine(::testing::ValuesIn(minibatch_models()),
                                            ::testing::Values(1, 2, 3, 6)),
                         [](const auto& test) {
                           return std::get<0>(test.param).name + "_on_" +
                                  std::to_string(std::get<1>(test.param));
                         });

}  // namespace
}  // namespace bayesum::laws
