#include "core/posterior.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

Posterior mixed() {
  Posterior q;
  q.add_block("whole", make_family("gaussian", 3));
  q.add_block("pieces", make_family("beta", 2));
  q.add_block("more", make_family("dirichlet", 4));
  std::iota(q.natural().begin(), q.natural().end(), 1.0);
  return q;
}

TEST(PosteriorSlices, CutsFallBetweenUnits) {
  const Posterior q = mixed();
  // Units of 9, 2, 2 and 4 natural parameters.
  EXPECT_EQ(q.slice_counts(1), (std::vector<std::size_t>{17}));
  EXPECT_EQ(q.slice_counts(2), (std::vector<std::size_t>{11, 6}));
  EXPECT_EQ(q.slice_counts(4), (std::vector<std::size_t>{9, 2, 2, 4}));
}

TEST(PosteriorSlices, PutTogetherAreTheWhole) {
  const Posterior q = mixed();
  for (const std::size_t parts : {1, 2, 3, 4}) {
    Posterior joined = q;
    std::ranges::fill(joined.natural(), 0.0);
    std::size_t first = 0;
    for (const std::size_t count : q.slice_counts(parts)) {
      const Range range{first, first + count};
      const Posterior part = q.slice(range);
      ASSERT_EQ(part.size(), count);
      joined.assign(range, part);
      first += count;
    }
    EXPECT_TRUE(std::ranges::equal(joined.natural(), q.natural()));
  }
}

TEST(PosteriorSlices, TooFewUnitsAreAnErrorThatNamesTheBlock) {
  try {
    mixed().slice_counts(5);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("cannot be cut over ranks"), std::string::npos);
  }
  Posterior pieces;
  pieces.add_block("pieces", make_family("gamma", 2));
  EXPECT_EQ(std::ranges::count(pieces.slice_counts(5), 0), 3);  // some parts are empty
}

TEST(Posterior, SufficientStatisticsAreThoseOfItsBlocksOneAfterAnother) {
  Posterior q;
  q.add_block("number", make_family("gaussian", 1));
  q.add_block("share", make_family("beta", 1));
  q.add_block("shares", make_family("dirichlet", 3));
  const std::vector<double> theta = {-1.5, 0.3, 0.2, 0.7, 0.1};
  const std::vector<double> expected = {-1.5,          2.25,          std::log(0.3), std::log(0.7),
                                        std::log(0.2), std::log(0.7), std::log(0.1)};
  const std::vector<double> found = q.sufficient_statistic(theta);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-15) << i;
}

TEST(Families, ThatCannotBeCutHaveOnePiece) {
  for (const auto& family : {make_family("normal-gamma", 4), make_family("wishart", 6),
                             make_family("normal-wishart", 5), make_family("dirichlet", 3)}) {
    EXPECT_EQ(family->of_units(1)->size(), family->size());
    EXPECT_THROW(family->of_units(0), Error);
    EXPECT_THROW(family->of_units(2), Error);
  }
}

TEST(Families, DimensionsThatDoNotFitAreErrors) {
  for (const auto& [name, dimension] :
       {std::pair("wishart", 5), std::pair("wishart", 0), std::pair("normal-wishart", 3),
        std::pair("normal-wishart", 0), std::pair("normal-gamma", 0), std::pair("dirichlet", 1),
        std::pair("categorical", 1), std::pair("diagonal-normal-gamma", 3),
        std::pair("gauss", 3)}) {
    EXPECT_THROW(make_family(name, static_cast<std::size_t>(dimension)), Error) << name;
  }
}

}  // namespace
}  // namespace bayesum
