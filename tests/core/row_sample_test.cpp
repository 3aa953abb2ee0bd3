#include "core/data/row_sample.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "distributed/self.hpp"
#include "distributed/thread.hpp"
#include "tests/core/files.hpp"

namespace bayesum {
namespace {

using testing::TemporaryFolder;

constexpr std::size_t kRows = 500;

// Row i holds i; every tenth weighs nothing, the others 1, 2, 3 or 4; groups are a and b in turn.
DataConfig numbered_rows(const TemporaryFolder& folder) {
  std::string text = "x,weight,side\n";
  for (std::size_t i = 0; i < kRows; ++i) {
    text += std::to_string(i) + "," + std::to_string(i % 10 == 0 ? 0 : 1 + i % 4) +
            (i % 2 == 0 ? ",a\n" : ",b\n");
  }
  DataConfig config;
  config.path = folder.file("rows.csv", text).string();
  config.weight = "weight";
  config.group = "side";
  config.block_rows = 7;
  return config;
}

RowSample sample(const DataConfig& config, Communicator& ranks, std::size_t count,
                 std::uint64_t seed) {
  Dataset data(config, Support::kRealFeatures);
  data.scan(Stream(), ranks);
  data.set_design(Design::of(data.inputs(), true, false));
  return sample_rows(Stream(), ranks, data, count, seed);
}

double sum(const std::vector<double>& x) { return std::accumulate(x.begin(), x.end(), 0.0); }

TEST(RowSample, IsTheSameForAnyNumberOfRanks) {
  const TemporaryFolder folder;
  const DataConfig config = numbered_rows(folder);
  const auto self = make_self_communicator();
  const RowSample alone = sample(config, *self, 60, 3);
  EXPECT_EQ(alone.rows(), 60U);
  EXPECT_EQ(alone.columns, 1U);
  EXPECT_NE(sample(config, *self, 60, 4).x, alone.x);
  for (const int size : {2, 3, 8, 11}) {
    run_on_threads(size, [&](Communicator& ranks) {
      const RowSample found = sample(config, ranks, 60, 3);
      EXPECT_EQ(found.x, alone.x) << size << " ranks";
      EXPECT_EQ(found.weight, alone.weight);
    });
  }
}

TEST(RowSample, StandsForTheWeightOfAllRows) {
  const TemporaryFolder folder;
  const auto self = make_self_communicator();
  const RowSample some = sample(numbered_rows(folder), *self, 60, 3);
  const RowSample all = sample(numbered_rows(folder), *self, kRows, 3);
  EXPECT_EQ(all.rows(), 450U) << "rows of no weight are not drawn";
  EXPECT_NEAR(sum(some.weight), sum(all.weight), 1e-9);
  for (std::size_t i = 0; i < all.rows(); ++i) {
    EXPECT_EQ(all.weight[i], 1 + static_cast<int>(all.x[i]) % 4);
  }
  auto x = all.x;
  std::ranges::sort(x);
  EXPECT_TRUE(std::ranges::adjacent_find(x) == x.end()) << "a row is drawn once";
}

// Of few draws the chance of a row is proportional to its weight.
TEST(RowSample, DrawsRowsByTheirWeight) {
  const TemporaryFolder folder;
  const DataConfig config = numbered_rows(folder);
  const auto self = make_self_communicator();
  std::vector<double> drawn(4), there(4);
  for (std::size_t i = 0; i < kRows; ++i) there[i % 4] += i % 10 == 0 ? 0 : 1.0 + i % 4;
  const double total = sum(there);
  constexpr double kDraws = 400 * 10;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    for (const double x : sample(config, *self, 10, seed).x) ++drawn[static_cast<int>(x) % 4];
  }
  for (std::size_t k = 0; k < 4; ++k) {
    const double p = there[k] / total;
    EXPECT_NEAR(drawn[k] / kDraws, p, 4 * std::sqrt(p * (1 - p) / kDraws) + 0.005) << k;
  }
}

TEST(RowSample, LeavesGroupsOut) {
  const TemporaryFolder folder;
  DataConfig config = numbered_rows(folder);
  config.without_group = {"a"};
  const RowSample found = sample(config, *make_self_communicator(), kRows, 1);
  EXPECT_EQ(found.rows(), 250U);
  for (const double x : found.x) EXPECT_EQ(static_cast<int>(x) % 2, 1);
}

}  // namespace
}  // namespace bayesum
