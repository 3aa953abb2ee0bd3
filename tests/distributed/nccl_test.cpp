#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "distributed/thread.hpp"
#include "tests/distributed/conformance.hpp"

#ifdef BAYESUM_WITH_NCCL
#include "distributed/nccl.hpp"
#endif

// One rank on each GPU of this machine, the ranks being threads.
namespace bayesum {
namespace {

// Why this machine cannot run the tests; empty if it can.
std::string obstacle() {
#ifdef BAYESUM_WITH_NCCL
  return cuda_device_count() > 0 ? "" : "no GPU that the program can use";
#else
  return "built without NCCL";
#endif
}

class NcclCommunicatorTest : public testing::TestWithParam<conformance::Law> {
 protected:
  void SetUp() override {
    const char* required = std::getenv("BAYESUM_REQUIRE_CUDA");
    if (obstacle().empty()) return;
    if (required != nullptr && std::string(required) == "1") {
      FAIL() << "BAYESUM_REQUIRE_CUDA=1, but " << obstacle();
    }
    GTEST_SKIP() << obstacle();
  }
};

TEST_P(NcclCommunicatorTest, Conforms) {
#ifdef BAYESUM_WITH_NCCL
  run_on_threads(cuda_device_count(), [](Communicator& bootstrap) {
    const Stream stream(Device{DeviceKind::kCuda, bootstrap.rank()});
    const auto communicator = make_nccl_communicator(bootstrap, stream);
    EXPECT_EQ(communicator->name(), "nccl");
    EXPECT_EQ(communicator->size(), bootstrap.size());
    GetParam().body(*communicator, stream);
  });
#endif
}

INSTANTIATE_TEST_SUITE_P(Laws, NcclCommunicatorTest, testing::ValuesIn(conformance::laws()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace bayesum
