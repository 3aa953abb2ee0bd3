#include "core/nearest.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace bayesum {
namespace {

TEST(Nearest, CountsInsertionsDeletionsAndSubstitutions) {
  const std::vector<std::string> keys{"rule.rho", "rule.kind", "stop.steps", "data.response"};
  EXPECT_EQ(nearest("rule.ro", keys), "rule.rho");
  EXPECT_EQ(nearest("rule.rhho", keys), "rule.rho");
  EXPECT_EQ(nearest("rule.kimd", keys), "rule.kind");
  EXPECT_EQ(nearest("data.respons", keys), "data.response");
  EXPECT_EQ(nearest("steps", keys), "stop.steps");
}

TEST(Nearest, TheFirstOfEqualsAndNothingOfNothing) {
  const std::vector<std::string> keys{"ab", "ac"};
  EXPECT_EQ(nearest("a", keys), "ab");
  EXPECT_EQ(nearest("a", std::vector<std::string>{}), "");
}

}  // namespace
}  // namespace bayesum
