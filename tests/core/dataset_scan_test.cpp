#include <cmath>
#include <random>
#include <sstream>
#include <vector>

#include <gtest/gtest.h>

#include "core/data/dataset.hpp"
#include "distributed/thread.hpp"
#include "tests/core/dataset_table.hpp"

namespace bayesum {
namespace {

using testing::config_of;
using testing::error_of;
using testing::scan_alone;
using testing::Table;
using testing::TemporaryFolder;

TEST(DatasetScan, IsWhatTheDefinitionsSay) {
  const TemporaryFolder folder;
  const Table table(1000, 1);
  const DataConfig config = config_of(folder.file("a.csv", table.text()));
  const DataSummary found = scan_alone(config, Support::kCount);

  long double weight = 0, exposure = 0, weighted_response = 0;
  std::vector<long double> mean(6), square(6);
  for (const auto& row : table.rows) {
    weight += row[1];
    exposure += row[1] * std::exp(static_cast<long double>(row[2]));
    weighted_response += row[1] * row[0];
    for (std::size_t j = 0; j < 6; ++j) mean[j] += row[1] * static_cast<long double>(row[j]);
  }
  for (auto& value : mean) value /= weight;
  for (const auto& row : table.rows) {
    for (std::size_t j = 0; j < 6; ++j) {
      square[j] += row[1] * (row[j] - mean[j]) * (row[j] - mean[j]);
    }
  }
  const auto sd = [&](std::size_t j) { return static_cast<double>(std::sqrt(square[j] / weight)); };
  const auto near = [](double a, double b) { return std::abs(a - b) <= 1e-12 * std::abs(b); };
  EXPECT_EQ(found.rows, table.rows.size());
  EXPECT_TRUE(near(found.weight, static_cast<double>(weight)));
  ASSERT_EQ(found.mean.size(), 3u);
  for (std::size_t j = 0; j < 3; ++j) {
    EXPECT_TRUE(near(found.mean[j], static_cast<double>(mean[3 + j]))) << j;
    EXPECT_TRUE(near(found.sd[j], j == 2 ? 1.0 : sd(3 + j))) << j << " " << found.sd[j];
  }
  EXPECT_TRUE(near(found.response_mean, static_cast<double>(mean[0])));
  EXPECT_TRUE(near(found.response_sd, sd(0)));
  EXPECT_TRUE(near(found.response_rate, static_cast<double>(weighted_response / exposure)));
}

TEST(DatasetScan, GivesTheSameBitsForAnyNumberOfRanks) {
  const TemporaryFolder folder;
  DataConfig config = config_of(folder.file("a.csv", Table(701, 2).text()));
  config.block_rows = 32;
  for (const std::int64_t shards : {1, 2, 3, 7, 8, 13, 900}) {
    config.virtual_shards = shards;
    const DataSummary alone = scan_alone(config, Support::kCount);
    for (const int ranks : {1, 2, 3, 4, 6}) {
      run_on_threads(ranks, [&](Communicator& communicator) {
        const DataSummary found = Dataset(config, Support::kCount).scan(Stream(), communicator);
        EXPECT_EQ(found.rows, alone.rows);
        EXPECT_EQ(found.weight, alone.weight);
        EXPECT_EQ(found.mean, alone.mean);
        EXPECT_EQ(found.sd, alone.sd);
        EXPECT_EQ(found.response_mean, alone.response_mean);
        EXPECT_EQ(found.response_sd, alone.response_sd);
        EXPECT_EQ(found.response_rate, alone.response_rate);
        EXPECT_EQ(found.fingerprint, alone.fingerprint) << shards << " shards, " << ranks;
      });
    }
  }
}

TEST(DatasetScan, TheFingerprintFollowsTheRows) {
  const TemporaryFolder folder;
  const std::string text = Table(50, 3).text();
  const auto fingerprint = [&](const std::string& content) {
    return scan_alone(config_of(folder.file("a.csv", content)), Support::kCount).fingerprint;
  };
  std::string other = text;
  const std::size_t digit = other.find("2.5\n", 500);
  other[digit] = '3';
  EXPECT_EQ(fingerprint(text), fingerprint(text));
  EXPECT_NE(fingerprint(text), fingerprint(other));
}

TEST(DatasetScan, WhatIsConstantIsConstantWhateverTheFirstRowSays) {
  const TemporaryFolder folder;
  std::mt19937 random(7);
  std::normal_distribution<double> normal;
  DataConfig config;
  config.response = "y";
  config.weight = "w";
  for (int trial = 0; trial < 50; ++trial) {
    const double constant = normal(random);
    std::ostringstream text;
    text.precision(17);
    text << "y,w,a\n0,0," << constant + 10 * normal(random) << "\n";
    for (int row = 0; row < 20; ++row) {
      text << "0," << 0.1 * (1 + random() % 10) << "," << constant << "\n";
    }
    config.path = folder.file("a.csv", text.str());
    const DataSummary found = scan_alone(config, Support::kBinary);
    EXPECT_NEAR(found.mean[0], constant, 1e-13);
    EXPECT_EQ(found.sd[0], 1.0);
    EXPECT_EQ(found.response_mean, 0.0);
    EXPECT_EQ(found.response_sd, 0.0);
  }
}

TEST(DatasetScan, EveryRankHearsOfABadRow) {
  const TemporaryFolder folder;
  std::string text = "y,w,a\n";
  for (int line = 2; line <= 100; ++line) text += line == 71 ? "2,1,0\n" : "1,0.5,0\n";
  DataConfig config;
  config.path = folder.file("a.csv", text);
  config.response = "y";
  config.weight = "w";
  const std::string sentence = config.path + ":71: response 'y' = 2 must be 0 or 1";
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { scan_alone(config, Support::kBinary); }), sentence);
  run_on_threads(4, [&](Communicator& communicator) {
    Dataset data(config, Support::kBinary);
    EXPECT_EQ(error_of(ExitCode::kFile, [&] { data.scan(Stream(), communicator); }),
              sentence + " (rank 2)");
  });
  EXPECT_EQ(scan_alone(config, Support::kCount).rows, 99u);
}

TEST(DatasetScan, ChecksSupportWeightAndOffset) {
  const TemporaryFolder folder;
  const auto told = [&](const std::string& row, Support support) {
    const DataConfig config = config_of(folder.file("a.csv", "y,w,o,a\n1,1,0,0\n" + row + "\n"));
    const std::string sentence = error_of(ExitCode::kFile, [&] { scan_alone(config, support); });
    return sentence.substr(std::min(sentence.size(), config.path.size()));
  };
  EXPECT_EQ(told("0.5,1,0,0", Support::kBinary), ":3: response 'y' = 0.5 must be 0 or 1");
  EXPECT_EQ(told("-1,1,0,0", Support::kCount), ":3: response 'y' = -1 must be a whole number >= 0");
  EXPECT_EQ(told("1.5,1,0,0", Support::kCount),
            ":3: response 'y' = 1.5 must be a whole number >= 0");
  EXPECT_EQ(told("1,-0.5,0,0", Support::kReal), ":3: weight 'w' = -0.5 must be >= 0");
  EXPECT_EQ(told("1,1,800,0", Support::kCount),
            ":3: offset 'o' = 800 must be small enough for exp(offset)");
  EXPECT_EQ(told("1,1,0,1e300", Support::kReal),
            ": the numbers in column 'a' are too large: their squares overflow");
}

TEST(DatasetScan, NeedsRowsAndWeight) {
  const TemporaryFolder folder;
  DataConfig config = config_of(folder.file("a.csv", "y,w,o,a\n"));
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { scan_alone(config, Support::kReal); }),
            config.path + " has no rows");
  run_on_threads(3, [&](Communicator& communicator) {
    Dataset data(config, Support::kReal);
    EXPECT_EQ(error_of(ExitCode::kFile, [&] { data.scan(Stream(), communicator); }),
              config.path + " has no rows");
  });
  config = config_of(folder.file("a.csv", "y,w,o,a\n1,0,0,0\n"));
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { scan_alone(config, Support::kReal); }),
            "the weights of " + config.path + " add up to 0");
}

}  // namespace
}  // namespace bayesum
