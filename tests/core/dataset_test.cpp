#include "core/data/dataset.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/files/hash.hpp"
#include "tests/core/dataset_table.hpp"

namespace bayesum {
namespace {

using testing::config_of;
using testing::error_of;
using testing::plain_design;
using testing::Rows;
using testing::scan_alone;
using testing::Table;
using testing::TemporaryFolder;
using testing::visit_all;

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
