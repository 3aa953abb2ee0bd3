#include "core/data/memory.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <fstream>
#include <string>

namespace bayesum {
namespace {

TEST(Memory, IsBoundedByWhatTheMachineHas) {
  std::ifstream file("/proc/meminfo");
  std::string word;
  std::size_t kib = 0;
  file >> word >> kib;
  ASSERT_EQ(word, "MemTotal:");
  EXPECT_GT(usable_memory_bytes(), 0u);
  EXPECT_LE(usable_memory_bytes(), kib << 10);
}

// Sanitizers need more address space than this.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(Memory, FollowsTheLimitOfTheProcess) {
  struct rlimit before {};
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  struct rlimit smaller = before;
  smaller.rlim_cur = std::size_t{1} << 30;
  if (setrlimit(RLIMIT_AS, &smaller) != 0) FAIL() << "the address space cannot be limited";
  EXPECT_LE(usable_memory_bytes(), std::size_t{1} << 30);
  EXPECT_LE(automatic_cache_mib(1), 256);
  EXPECT_LE(automatic_cache_mib(4), 64);
  EXPECT_GT(automatic_cache_mib(4), 0);
  setrlimit(RLIMIT_AS, &before);
}
#endif

}  // namespace
}  // namespace bayesum
