#include "core/data/dataset.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <sstream>

#include "core/agree.hpp"
#include "core/files/hash.hpp"
#include "distributed/self.hpp"
#include "distributed/thread.hpp"
#include "tests/core/files.hpp"

namespace bayesum {
namespace {

using testing::error_of;
using testing::TemporaryFolder;

// y, w, o, a, b and the constant c, with a far from zero and some weights zero.
struct Table {
  std::vector<std::vector<double>> rows;

  Table(std::size_t size, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<double> normal;
    for (std::size_t i = 0; i < size; ++i) {
      rows.push_back({std::floor(std::exp(normal(random))), static_cast<double>(random() % 4) / 2,
                      normal(random) / 3, 1e6 + normal(random), 0.01 * normal(random), 2.5});
    }
  }
  std::string text() const {
    std::ostringstream out;
    out.precision(17);
    out << "y,w,o,a,b,c\n";
    for (const auto& row : rows) {
      for (std::size_t j = 0; j < row.size(); ++j) out << (j == 0 ? "" : ",") << row[j];
      out << "\n";
    }
    return out.str();
  }
};

DataConfig config_of(const std::filesystem::path& path) {
  DataConfig config;
  config.path = path;
  config.response = "y";
  config.weight = "w";
  config.offset = "o";
  return config;
}

DataSummary scan_alone(const DataConfig& config, Support support) {
  const auto communicator = make_self_communicator();
  return Dataset(config, support).scan(Stream(), *communicator);
}

struct Rows {
  std::vector<double> x, y, offset, weight;
  std::vector<std::size_t> block_sizes;
  friend bool operator==(const Rows&, const Rows&) = default;
};

Rows visit_all(Dataset& data) {
  Rows all;
  const auto append = [](std::vector<double>& to, std::span<const double> from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  for (std::size_t shard = 0; shard < data.virtual_shards(); ++shard) {
    data.visit(Stream(), shard, [&](const Batch& batch) {
      all.block_sizes.push_back(batch.x.rows);
      EXPECT_EQ(batch.x.cols, data.design().columns());
      for (std::size_t i = 0; i < batch.x.rows; ++i) {
        append(all.x, {batch.x.data + i * batch.x.stride, batch.x.cols});
      }
      append(all.y, batch.y);
      append(all.offset, batch.offset);
      append(all.weight, batch.weight);
    });
  }
  return all;
}

// Leaves size and time of the file as they were.
void rewrite(const std::filesystem::path& path, const std::string& content) {
  const auto time = std::filesystem::last_write_time(path);
  TemporaryFolder::write(path, content);
  std::filesystem::last_write_time(path, time);
}

Design plain_design(const Dataset& data) {
  Design design;
  design.features = data.features();
  design.mean.assign(design.features.size(), 0.0);
  design.sd.assign(design.features.size(), 1.0);
  return design;
}

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

TEST(Dataset, ResolvesColumns) {
  const TemporaryFolder folder;
  DataConfig config = config_of(folder.file("a.csv", "a,y,b,w,o,c\n"));
  EXPECT_EQ(Dataset(config, Support::kReal).features(), (Strings{"a", "b", "c"}));
  config.features = {"c", "a"};
  EXPECT_EQ(Dataset(config, Support::kReal).features(), (Strings{"c", "a"}));
  const auto told = [&](const Strings& features) {
    config.features = features;
    return error_of(ExitCode::kUsage, [&] { Dataset(config, Support::kReal); });
  };
  const std::string two_parts =
      " is named for two parts among response, offset, weight and features";
  EXPECT_EQ(told({"a", "bb"}), config.path + " has no column 'bb'; the nearest is 'b'");
  EXPECT_EQ(told({"a", "y"}), "column 'y' of " + config.path + two_parts);
  EXPECT_EQ(told({"a", "a"}), "column 'a' of " + config.path + two_parts);
  config.offset = "w";
  EXPECT_EQ(told({"a"}), "column 'w' of " + config.path + two_parts);
  config.response = "";
  EXPECT_EQ(told({"a"}), "data.response names no column of " + config.path);
}

TEST(Dataset, PredictionNeedsNeitherResponseNorWeight) {
  const TemporaryFolder folder;
  DataConfig config = config_of(folder.file("a.csv", "o,id,a\n0.5,x,3\n0.25,y,4\n"));
  config.features = {"a"};
  Dataset data(config, Support::kNone);
  data.set_design({{"a"}, true, {1.0}, {2.0}});
  const Rows rows = visit_all(data);
  EXPECT_EQ(rows.x, (std::vector<double>{1, 1, 1, 1.5}));
  EXPECT_EQ(rows.offset, (std::vector<double>{0.5, 0.25}));
  EXPECT_TRUE(rows.y.empty() && rows.weight.empty());

  config = config_of(folder.file("b.csv", "y,w,a,o\n7,-1,3,0\n"));
  EXPECT_EQ(Dataset(config, Support::kNone).features(), Strings{"a"});
  EXPECT_EQ(scan_alone(config, Support::kNone).mean, std::vector<double>{3});
}

TEST(Dataset, BinaryFeaturesNeedNoResponse) {
  const TemporaryFolder folder;
  DataConfig config;
  config.path = folder.file("a.csv", "a,b\n0,1\n1,1\n0,0\n0,1\n");
  const DataSummary found = scan_alone(config, Support::kBinaryFeatures);
  EXPECT_EQ(found.mean, (std::vector<double>{0.25, 0.75}));
  folder.file("a.csv", "a,b\n0,1\n1,0.5\n");
  const std::string sentence =
      error_of(ExitCode::kFile, [&] { scan_alone(config, Support::kBinaryFeatures); });
  EXPECT_EQ(sentence, config.path + ":3: feature 'b' = 0.5 must be 0 or 1");
  config.offset = "b";
  EXPECT_EQ(error_of(ExitCode::kUsage, [&] { Dataset(config, Support::kBinaryFeatures); }),
            "data.offset = \"b\" has no part in a model without a response");
}

TEST(Dataset, ReadsThroughTheDesign) {
  const TemporaryFolder folder;
  const Table table(300, 4);
  Dataset data(config_of(folder.file("a.csv", table.text())), Support::kCount);
  for (const bool intercept : {true, false}) {
    const Design design{{"b", "a"}, intercept, {0.001, 1e6}, {0.01, 3.0}};
    data.set_design(design);
    EXPECT_EQ(data.features(), (Strings{"b", "a"}));
    Rows expected;
    for (const auto& row : table.rows) {
      if (intercept) expected.x.push_back(1.0);
      expected.x.push_back((row[4] - 0.001) / 0.01);
      expected.x.push_back((row[3] - 1e6) / 3.0);
      expected.y.push_back(row[0]);
      expected.weight.push_back(row[1]);
      expected.offset.push_back(row[2]);
    }
    Rows found = visit_all(data);
    found.block_sizes.clear();
    EXPECT_TRUE(found == expected);
    EXPECT_EQ(data.design().column_names(),
              intercept ? (Strings{"intercept", "b", "a"}) : (Strings{"b", "a"}));
  }
}

TEST(Dataset, RefusesADesignThatIsNone) {
  const TemporaryFolder folder;
  Dataset data(config_of(folder.file("a.csv", "y,w,o,a\n1,1,0,0\n")), Support::kReal);
  const auto told = [&](const Design& design) {
    return error_of(ExitCode::kUsage, [&] { data.set_design(design); });
  };
  EXPECT_NE(error_of(ExitCode::kUsage, [&] { visit_all(data); }).find("before a design was set"),
            std::string::npos);
  EXPECT_EQ(told({{"a"}, true, {}, {1.0}}), "a design of 1 features has 0 means and 1 sds");
  EXPECT_EQ(told({{"a"}, true, {0.0}, {0.0}}), "the design maps feature 'a' by mean 0 and sd 0");
  EXPECT_NE(told({{"aa"}, true, {0.0}, {1.0}}).find("has no column 'aa'"), std::string::npos);
  data.set_design(plain_design(data));
  EXPECT_NE(error_of(ExitCode::kUsage, [&] { data.visit(Stream(), 8, [](const Batch&) {}); })
                .find("virtual shard 8 of 8"),
            std::string::npos);
}

// 40000 rows of 5 columns: 1.9 MiB in all, so that 1 MiB holds some of the shards.
// The others are read as they were cut.
TEST(Dataset, LeavesOutShards) {
  const TemporaryFolder folder;
  DataConfig config = config_of(folder.file("rows.csv", Table(50, 3).text()));
  const DataSummary all = scan_alone(config, Support::kCount);
  const auto rows_of = [&](std::size_t shard) {
    Dataset data(config, Support::kCount);
    data.set_design({.features = {"a"}, .mean = {0}, .sd = {1}});
    std::vector<double> values;
    data.visit(Stream(), shard, [&](const Batch& batch) {
      values.insert(values.end(), batch.x.data, batch.x.data + batch.rows() * batch.x.cols);
    });
    return values;
  };
  const auto fifth = rows_of(5), second = rows_of(2);
  ASSERT_FALSE(second.empty());
  config.without_shards = {"2", "7"};
  const DataSummary rest = scan_alone(config, Support::kCount);
  EXPECT_EQ(rows_of(5), fifth);
  EXPECT_TRUE(rows_of(2).empty() && rows_of(7).empty());
  EXPECT_EQ(all.shards.size(), 8U);
  for (std::size_t k = 0; k < 8; ++k) {
    EXPECT_EQ(rest.shards[k], k == 2 || k == 7 ? hash_of({}) : all.shards[k]) << k;
  }
  EXPECT_NE(rest.fingerprint, all.fingerprint);
  EXPECT_EQ(all.rows, 50U);
  EXPECT_LT(rest.rows, 50U - second.size() / 2);
  for (const char* bad : {"8", "-1", "two", "", "1.0"}) {
    config.without_shards = {bad};
    EXPECT_THROW(Dataset(config, Support::kCount), Error) << bad;
  }
}

TEST(Dataset, TheCacheChangesNothing) {
  const TemporaryFolder folder;
  DataConfig config = config_of(folder.file("a.csv", Table(40000, 5).text()));
  config.block_rows = 1000;
  std::vector<Rows> all;
  for (const std::int64_t mib : {0, 1, 1024}) {
    config.cache_mib = mib;
    Dataset data(config, Support::kCount);
    data.set_design(plain_design(data));
    for (int pass = 0; pass < 3; ++pass) all.push_back(visit_all(data));
  }
  for (const Rows& rows : all) EXPECT_TRUE(rows == all.front());
  EXPECT_EQ(all.front().y.size(), 40000u);
  for (const std::size_t size : all.front().block_sizes) EXPECT_LE(size, 1000u);
}

TEST(Dataset, OnlyWhatTheCacheCannotHoldIsReadAgain) {
  const TemporaryFolder folder;
  DataConfig config = config_of(folder.file("a.csv", Table(40000, 6).text()));
  const auto shards_without_file = [&](std::int64_t mib) {
    config.cache_mib = mib;
    Dataset data(config, Support::kCount);
    data.set_design(plain_design(data));
    visit_all(data);
    std::filesystem::rename(config.path, config.path + ".away");
    std::size_t count = 0;
    for (std::size_t shard = 0; shard < data.virtual_shards(); ++shard) {
      try {
        data.visit(Stream(), shard, [](const Batch&) {});
        ++count;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::kFile);
      }
    }
    std::filesystem::rename(config.path + ".away", config.path);
    return count;
  };
  EXPECT_EQ(shards_without_file(0), 0u);
  const std::size_t some = shards_without_file(1);
  EXPECT_TRUE(some > 1 && some < 8) << some;
  EXPECT_EQ(shards_without_file(64), 8u);
}

TEST(Dataset, ANewDesignDropsTheCache) {
  const TemporaryFolder folder;
  Dataset data(config_of(folder.file("a.csv", "y,w,o,a\n1,1,0,6\n")), Support::kReal);
  data.set_design({{"a"}, false, {0.0}, {1.0}});
  EXPECT_EQ(visit_all(data).x, std::vector<double>{6});
  data.set_design({{"a"}, false, {2.0}, {4.0}});
  EXPECT_EQ(visit_all(data).x, std::vector<double>{1});
}

TEST(Dataset, NoticesThatTheRowsChangedBetweenPasses) {
  const TemporaryFolder folder;
  DataConfig config = config_of(folder.file("a.csv", "y,w,o,a\n1,1,0,6\n"));
  config.cache_mib = 0;
  Dataset data(config, Support::kReal);
  data.set_design(plain_design(data));
  visit_all(data);
  visit_all(data);
  rewrite(config.path, "y,w,o,a\n1,1,0,7\n");
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { visit_all(data); }),
            config.path + " has changed since it was last read");
}

// Even where nothing but the rows tells: between the scan and the first visit, on the rank that
// reads them.
TEST(Dataset, NoticesThatTheRowsChangedSinceTheScan) {
  const TemporaryFolder folder;
  const std::string text = Table(400, 8).text();
  std::string other = text;
  const std::size_t digit = other.rfind("2.5\n");
  other[digit] = '3';
  const DataConfig config = config_of(folder.file("a.csv", text));
  run_on_threads(3, [&](Communicator& communicator) {
    Dataset data(config, Support::kCount);
    data.scan(Stream(), communicator);
    data.set_design(plain_design(data));
    const Range mine = shards_of_rank(8, communicator.size(), communicator.rank());
    const auto visit_mine = [&] {
      for (std::size_t k = mine.first; k < mine.last; ++k) {
        data.visit(Stream(), k, [](const Batch&) {});
      }
    };
    communicator.barrier(Stream());
    if (communicator.rank() == 0) rewrite(config.path, other);
    communicator.barrier(Stream());
    EXPECT_EQ(error_of(ExitCode::kFile, visit_mine),
              mine.last == 8 ? config.path + " has changed since it was last read" : "no error");
    EXPECT_EQ(error_of(ExitCode::kFile, [&] { agree(communicator, Stream(), visit_mine); }),
              config.path + " has changed since it was last read (rank 2)");
    communicator.barrier(Stream());
    if (communicator.rank() == 0) {
      rewrite(config.path, text);
      std::filesystem::last_write_time(config.path, {});
    }
    communicator.barrier(Stream());
    data.set_design(plain_design(data));
    EXPECT_EQ(error_of(ExitCode::kFile, visit_mine),
              config.path + " has changed since it was opened");
  });
}

TEST(Dataset, ChecksTheRowsThatNobodyScanned) {
  const TemporaryFolder folder;
  const DataConfig config = config_of(folder.file("a.csv", "y,w,o,a\n1,1,0,6\n3,1,0,6\n"));
  Dataset data(config, Support::kBinary);
  data.set_design(plain_design(data));
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { visit_all(data); }),
            config.path + ":3: response 'y' = 3 must be 0 or 1");
}

TEST(DataConfig, DescribesEveryField) {
  DataConfig config;
  Fields fields;
  config.describe(fields);
  EXPECT_EQ(fields.all().size(), 16u);
  EXPECT_FALSE(fields.find("data.virtual_shards")->interval.contains(0));
  EXPECT_TRUE(fields.find("data.cache_mib")->interval.contains(-1));
  EXPECT_FALSE(fields.find("data.cache_mib")->interval.contains(-2));
}

}  // namespace
}  // namespace bayesum
