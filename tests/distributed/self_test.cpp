#include "distributed/self.hpp"

#include <gtest/gtest.h>

#include "tests/distributed/conformance.hpp"

namespace bayesum {
namespace {

class SelfCommunicatorTest : public testing::TestWithParam<conformance::Law> {};

TEST_P(SelfCommunicatorTest, Conforms) {
  const auto communicator = make_self_communicator();
  EXPECT_EQ(communicator->size(), 1);
  EXPECT_EQ(communicator->name(), "self");
  GetParam().body(*communicator, Stream());
}

INSTANTIATE_TEST_SUITE_P(Laws, SelfCommunicatorTest, testing::ValuesIn(conformance::laws()),
                         [](const auto& test) { return test.param.name; });

TEST(SelfCommunicatorAbort, EndsTheProcessWithTheCode) {
  EXPECT_EXIT(make_self_communicator()->abort(6), testing::ExitedWithCode(6), "");
}

}  // namespace
}  // namespace bayesum
