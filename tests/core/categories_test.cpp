#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "core/data/dataset.hpp"
#include "distributed/self.hpp"
#include "distributed/thread.hpp"
#include "tests/core/files.hpp"
#include "tests/core/npy_bytes.hpp"
#include "tests/core/packed.hpp"

namespace bayesum {
namespace {

using testing::error_of;
using testing::TemporaryFolder;

DataSummary scan_alone(Dataset& data) {
  const auto communicator = make_self_communicator();
  return data.scan(Stream(), *communicator);
}

// Rows of x, each with y behind it and then the group, where there are any.
std::vector<std::vector<double>> rows_of(Dataset& data) {
  std::vector<std::vector<double>> rows;
  for (std::size_t shard = 0; shard < data.virtual_shards(); ++shard) {
    data.visit(Stream(), shard, [&](const Batch& batch) {
      for (std::size_t i = 0; i < batch.rows(); ++i) {
        const double* const x = batch.x.data + i * batch.x.stride;
        rows.emplace_back(x, x + batch.x.cols);
        if (!batch.y.empty()) rows.back().push_back(batch.y[i]);
        if (!batch.group.empty()) rows.back().push_back(batch.group[i]);
      }
    });
  }
  return rows;
}

DataConfig config_of(const std::filesystem::path& path) {
  DataConfig config;
  config.path = path;
  config.response = "y";
  return config;
}

TEST(Categories, EachLevelButTheFirstHasAColumn) {
  const TemporaryFolder folder;
  DataConfig config = config_of(
      folder.file("a.csv", "y,region,x\n1,south,5\n0,\"n,\"\"e\",6\n1, west ,7\n0,\"south\",8\n"));
  config.categories = {"region"};
  Dataset data(config, Support::kBinary);
  const DataSummary summary = scan_alone(data);
  const Strings levels{"n,\"e", "south", "west"};
  EXPECT_EQ(data.inputs(), (std::vector<Input>{{"region", levels}, {"x", {}}}));
  EXPECT_EQ(summary.mean, (std::vector<double>{0.25, 0.5, 0.25, 6.5}));
  EXPECT_NEAR(summary.sd[0], std::sqrt(0.25 * 0.75), 1e-15);
  EXPECT_NEAR(summary.sd[1], 0.5, 1e-15);

  Design with = Design::of(data.inputs(), true, true);
  EXPECT_EQ(with.features, (Strings{"region=south", "region=west", "x"}));
  EXPECT_EQ(with.places_in_summary(), (std::vector<std::size_t>{1, 2, 3}));
  with.mean = {0.5, 0, 1};
  with.sd = {2, 1, 1};
  data.set_design(with);
  EXPECT_EQ(rows_of(data),
            (std::vector<std::vector<double>>{
                {1, 0.25, 0, 4, 1}, {1, -0.25, 0, 5, 0}, {1, -0.25, 1, 6, 1}, {1, 0.25, 0, 7, 0}}));

  data.set_design(Design::of(data.inputs(), true, false));
  EXPECT_EQ(data.design().features, (Strings{"region=n,\"e", "region=south", "region=west", "x"}));
  EXPECT_EQ(rows_of(data)[1], (std::vector<double>{1, 0, 0, 6, 0}));
}

// Levels, summary and rows are those of a naive reading, on any number of ranks, wherever the file
// is cut.
TEST(Categories, AreTheSameForAnyNumberOfRanks) {
  const TemporaryFolder folder;
  std::mt19937 random(5);
  std::ostringstream text;
  std::vector<std::string> regions, hospitals;
  text << "y,region,hospital\n";
  for (int i = 0; i < 400; ++i) {
    regions.push_back("r" + std::to_string(random() % (i < 390 ? 5 : 9)));
    hospitals.push_back(std::to_string(random() % 30));
    text << random() % 2 << ",\"" << regions.back() << "\"," << hospitals.back() << "\n";
  }
  const std::set<std::string> distinct(regions.begin(), regions.end());
  for (const bool packed : {false, true}) {
    DataConfig config =
        config_of(folder.file("a.csv", packed ? testing::gzipped(text.str()) : text.str()));
    config.categories = {"region"};
    config.group = "hospital";
    for (const std::int64_t shards : {1, 3, 8, 700}) {
      config.virtual_shards = shards;
      Dataset alone(config, Support::kBinary);
      const DataSummary expected = scan_alone(alone);
      ASSERT_EQ(alone.inputs().size(), 1u);
      EXPECT_EQ(alone.inputs()[0].levels, Strings(distinct.begin(), distinct.end()));
      for (std::size_t j = 0; j < distinct.size(); ++j) {
        const auto count = std::ranges::count(regions, alone.inputs()[0].levels[j]);
        EXPECT_NEAR(expected.mean[j], static_cast<double>(count) / 400, 1e-14);
      }
      EXPECT_TRUE(std::ranges::is_sorted(alone.groups(), {},
                                         [](const std::string& name) { return std::stoi(name); }));
      alone.set_design(Design::of(alone.inputs(), true, false));
      const auto rows = rows_of(alone);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        for (std::size_t j = 0; j < distinct.size(); ++j) {
          EXPECT_EQ(rows[i][j], alone.inputs()[0].levels[j] == regions[i] ? 1.0 : 0.0);
        }
        EXPECT_EQ(alone.groups()[static_cast<std::size_t>(rows[i].back())], hospitals[i]);
      }
      run_on_threads(3, [&](Communicator& communicator) {
        Dataset data(config, Support::kBinary);
        const DataSummary found = data.scan(Stream(), communicator);
        EXPECT_EQ(data.inputs(), alone.inputs());
        EXPECT_EQ(data.groups(), alone.groups());
        EXPECT_EQ(found.mean, expected.mean);
        EXPECT_EQ(found.sd, expected.sd);
        EXPECT_EQ(found.fingerprint, expected.fingerprint);
      });
    }
  }
}

TEST(Categories, AResponseOfThemHasClasses) {
  const TemporaryFolder folder;
  Dataset data(config_of(folder.file("a.csv", "y,x\n10,1\n9,2\n-1,3\n9,4\n")), Support::kCategory);
  scan_alone(data);
  EXPECT_EQ(data.classes(), (Strings{"-1", "9", "10"}));
  Design design = Design::of(data.inputs(), true, false);
  design.classes = data.classes();
  data.set_design(design);
  EXPECT_EQ(rows_of(data), (std::vector<std::vector<double>>{{1, 2}, {2, 1}, {3, 0}, {4, 1}}));

  const std::string other = folder.file("b.csv", "y,x\n10,1\n8,2\n");
  Dataset unseen(config_of(other), Support::kCategory);
  unseen.set_design(design);
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { rows_of(unseen); }),
            other + ":3: column 'y': '8' is a level that training has not seen");
}

TEST(Categories, FeaturesOfThemAreIndices) {
  const TemporaryFolder folder;
  const std::string csv = "a,b\nx,1\ny,10\nx,2\n";
  DataConfig config;
  config.path = folder.file("a.csv", csv);
  Dataset data(config, Support::kCategoryFeatures);
  scan_alone(data);
  EXPECT_FALSE(data.one_hot());
  data.set_design(Design::of(data.inputs(), data.one_hot(), false));
  EXPECT_EQ(data.design().features, (Strings{"a", "b"}));
  EXPECT_EQ(rows_of(data), (std::vector<std::vector<double>>{{0, 0}, {1, 2}, {0, 1}}));

  config.path = folder.file("a.npy", testing::npy_matrix({3, 0.5, 20, 0.5, 3, 7}, 2));
  Dataset array(config, Support::kCategoryFeatures);
  scan_alone(array);
  EXPECT_EQ(array.inputs(), (std::vector<Input>{{"x1", {"3", "20"}}, {"x2", {"0.5", "7"}}}));
}

TEST(Categories, AreBinaryFeaturesByTheirLevels) {
  const TemporaryFolder folder;
  DataConfig config;
  config.path = folder.file("a.csv", "a,b\nx,1\ny,0\nz,1\n");
  config.categories = {"a"};
  Dataset data(config, Support::kBinaryFeatures);
  scan_alone(data);
  data.set_design(Design::of(data.inputs(), true, false));
  EXPECT_EQ(rows_of(data),
            (std::vector<std::vector<double>>{{1, 0, 0, 1}, {0, 1, 0, 0}, {0, 0, 1, 1}}));
}

TEST(Categories, RefuseWhatTheyCannotTake) {
  const TemporaryFolder folder;
  const auto told = [&](const std::string& text, const Strings& categories) {
    DataConfig config = config_of(folder.file("a.csv", text));
    config.categories = categories;
    const std::string sentence = error_of(ExitCode::kFile, [&] {
      Dataset data(config, Support::kReal);
      scan_alone(data);
    });
    return sentence.substr(std::min(sentence.size(), config.path.size()));
  };
  EXPECT_EQ(told("y,a\n1,2\n1,north\n", {}),
            ":3: column 'a': 'north' is not a number; a column of texts is named in "
            "data.categories");
  EXPECT_EQ(told("y,a\n1,b\n1,\n", {"a"}), ":3: column 'a': the field is empty");
  EXPECT_EQ(told("y,a\n1,b\n1,NA\n", {"a"}), ":3: column 'a': 'NA' is missing");
  EXPECT_EQ(told("y,a\n1,b\n1,\xff\n", {"a"}),
            ":3: column 'a': '\xff' is no level: it is not UTF-8");
  EXPECT_EQ(told("y,a\n1,b\n1,\"c\td\"\n", {"a"}),
            ":3: column 'a': 'c?d' is no level: it has a control character");
  EXPECT_NE(told("y,a\n1,\"b\nc\"\n", {"a"}).find("a newline inside quotes is not supported"),
            std::string::npos);
  std::string many = "y,a\n";
  for (int i = 0; i < 10001; ++i) many += "1,l" + std::to_string(i) + "\n";
  EXPECT_EQ(told(many, {"a"}),
            ":10002: column 'a': 'l10000' is one of more than the 10000 levels "
            "that a column of categories may have");

  DataConfig config = config_of(folder.file("a.csv", "y,a,b\n1,2,3\n"));
  config.features = {"a"};
  config.categories = {"b"};
  EXPECT_EQ(error_of(ExitCode::kUsage, [&] { Dataset(config, Support::kReal); }),
            "data.categories names 'b' of " + config.path + ", which is not one of the features");
  EXPECT_EQ(error_of(ExitCode::kUsage,
                     [&] {
                       Design::of({{"a", {"b", "c"}}, {"a=c", {}}}, true, true);
                     }),
            "two features would be called 'a=c'");
}

// Too many only together.
TEST(Categories, TooManyLevelsAreTooManyOnEveryRank) {
  const TemporaryFolder folder;
  std::string many = "y,a\n";
  for (int i = 0; i < 12000; ++i) many += "1,l" + std::to_string(i) + "\n";
  DataConfig config = config_of(folder.file("a.csv", many));
  config.categories = {"a"};
  run_on_threads(3, [&](Communicator& communicator) {
    Dataset data(config, Support::kReal);
    EXPECT_EQ(error_of(ExitCode::kFile, [&] { data.scan(Stream(), communicator); }),
              "column 'a' of " + config.path +
                  " has more than the 10000 levels that a column of categories may have");
  });
}

}  // namespace
}  // namespace bayesum
