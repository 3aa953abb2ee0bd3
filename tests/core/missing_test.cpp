#include <gtest/gtest.h>

#include <cmath>

#include "core/data/dataset.hpp"
#include "distributed/self.hpp"
#include "distributed/thread.hpp"
#include "tests/core/files.hpp"

namespace bayesum {
namespace {

using testing::error_of;
using testing::TemporaryFolder;

constexpr const char* kText =
    "y,w,a,b,c\n"
    "1,1,2,10,u\n"
    "2,1,NA,20,v\n"
    "?,1,3,30,u\n"
    "3,,3,30,u\n"
    "4,2,6,null,u\n"
    "5,1,4,NaN,\n"
    "6,3,1,40,v\n";

DataConfig config_of(const std::filesystem::path& path, const std::string& missing) {
  DataConfig config;
  config.path = path;
  config.response = "y";
  config.weight = "w";
  config.categories = {"c"};
  config.missing = missing;
  return config;
}

std::vector<std::vector<double>> rows_of(Dataset& data) {
  std::vector<std::vector<double>> rows;
  for (std::size_t shard = 0; shard < data.virtual_shards(); ++shard) {
    data.visit(Stream(), shard, [&](const Batch& batch) {
      EXPECT_GT(batch.rows(), 0u);
      for (std::size_t i = 0; i < batch.rows(); ++i) {
        const double* const x = batch.x.data + i * batch.x.stride;
        rows.emplace_back(x, x + batch.x.cols);
        rows.back().push_back(batch.y[i]);
      }
    });
  }
  return rows;
}

// Groups that are left out are neither learned from nor missing.
TEST(Missing, OfRowsThatAreLeftOutDoesNotCount) {
  const TemporaryFolder folder;
  const std::string csv =
      "y,a,b,g\n9,NA,1e300,out\n1,2,10,in\n2,NA,20,in\n-3,3,30,out\n3,6,NA,in\n4,7,50,?\n";
  const auto communicator = make_self_communicator();
  for (const std::string missing : {"drop", "mean"}) {
    DataConfig config;
    config.path = folder.file("a.csv", csv);
    config.response = "y";
    config.group = "g";
    config.missing = missing;
    config.without_group = {"out"};
    Dataset data(config, Support::kCount);
    const DataSummary found = data.scan(Stream(), *communicator);
    const bool fills = missing == "mean";
    EXPECT_EQ(found.rows, fills ? 3u : 1u);
    EXPECT_EQ(found.dropped, fills ? 1u : 3u);
    EXPECT_EQ(found.mean, fills ? (std::vector<double>{4, 15}) : (std::vector<double>{2, 10}));
    EXPECT_EQ(found.response_mean, fills ? 2.0 : 1.0);
    EXPECT_TRUE(!data.learns_from(1) && data.learns_from(0));
    config.without_group = {"in", "out"};
    EXPECT_EQ(error_of(ExitCode::kFile,
                       [&] { Dataset(config, Support::kCount).scan(Stream(), *communicator); }),
              config.path + " has no row without a missing value outside data.without_group");
    config.without_group = {"im"};
    EXPECT_EQ(error_of(ExitCode::kUsage,
                       [&] { Dataset(config, Support::kCount).scan(Stream(), *communicator); }),
              "data.without_group: there is no group 'im'; did you mean 'in'?");
    config.group.clear();
    config.features = {"a", "b"};
    EXPECT_EQ(error_of(ExitCode::kUsage, [&] { Dataset(config, Support::kCount); }),
              "data.without_group needs data.group, a column of categories");
  }
}

TEST(Missing, IsRefusedUnlessToldOtherwise) {
  const TemporaryFolder folder;
  DataConfig config = config_of(folder.file("a.csv", kText), "refuse");
  config.categories = {};
  config.features = {"a"};
  Dataset data(config, Support::kReal);
  const auto communicator = make_self_communicator();
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { data.scan(Stream(), *communicator); }),
            config.path + ":3: column 'a': 'NA' is not a number");
}

TEST(Missing, DropsTheRow) {
  const TemporaryFolder folder;
  DataConfig config = config_of(folder.file("a.csv", kText), "drop");
  for (const std::int64_t shards : {1, 2, 5, 100}) {
    config.virtual_shards = shards;
    run_on_threads(3, [&](Communicator& communicator) {
      Dataset data(config, Support::kReal);
      const DataSummary summary = data.scan(Stream(), communicator);
      EXPECT_EQ(summary.rows, 2u);
      EXPECT_EQ(summary.dropped, 5u);
      EXPECT_EQ(summary.weight, 4.0);
      EXPECT_EQ(summary.mean, (std::vector<double>{(2.0 + 3) / 4, (10.0 + 120) / 4, 0.25, 0.75}));
      data.set_design(Design::of(data.inputs(), true, true));
      EXPECT_EQ(rows_of(data),
                (std::vector<std::vector<double>>{{1, 2, 10, 0, 1}, {1, 1, 40, 1, 6}}));
    });
  }
}

TEST(Missing, IsTakenForTheMeanOfTheRowsThatHaveIt) {
  const TemporaryFolder folder;
  DataConfig config = config_of(folder.file("a.csv", kText), "mean");
  Dataset data(config, Support::kReal);
  const auto communicator = make_self_communicator();
  const DataSummary summary = data.scan(Stream(), *communicator);
  EXPECT_EQ(summary.rows, 5u);  // neither the row without a response nor that without a weight
  EXPECT_EQ(summary.dropped, 2u);
  EXPECT_EQ(summary.weight, 8.0);
  // Weights 1, 1, 2, 1, 3: by hand.
  const double a = (2.0 + 2 * 6 + 4 + 3 * 1) / 7, b = (10.0 + 20 + 3 * 40) / 5;
  const double u = (1.0 + 2) / 7, v = (1.0 + 3) / 7;
  ASSERT_EQ(summary.mean.size(), 4u);
  EXPECT_NEAR(summary.mean[0], a, 1e-14);
  EXPECT_NEAR(summary.mean[1], b, 1e-13);
  EXPECT_NEAR(summary.mean[2], u, 1e-15);
  EXPECT_NEAR(summary.mean[3], v, 1e-15);
  const double square =
      ((2 - a) * (2 - a) + 2 * (6 - a) * (6 - a) + (4 - a) * (4 - a) + 3 * (1 - a) * (1 - a)) / 7;
  EXPECT_NEAR(summary.sd[0], std::sqrt(square), 1e-14);

  Design design = Design::of(data.inputs(), true, true);
  design.missing = {summary.mean[0], summary.mean[1], summary.mean[3]};
  design.mean = {1, 0, 0.5};
  design.sd = {2, 1, 4};
  data.set_design(design);
  const auto rows = rows_of(data);
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_EQ(rows[1][1], (summary.mean[0] - 1) / 2);
  EXPECT_EQ(rows[2][2], summary.mean[1]);
  EXPECT_EQ(rows[3],
            (std::vector<double>{1, 1.5, summary.mean[1], (summary.mean[3] - 0.5) / 4, 5}));
}

TEST(Missing, PredictionKeepsEveryRow) {
  const TemporaryFolder folder;
  DataConfig config = config_of(folder.file("a.csv", "y,w,a\n?,1,2\n3,1,4\n"), "drop");
  config.categories = {};
  config.keep_rows = true;
  Dataset data(config, Support::kReal);
  data.set_design(Design::of(inputs_of_numbers({"a"}), true, false));
  const auto rows = rows_of(data);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_TRUE(std::isnan(rows[0][1]));
  EXPECT_EQ(rows[1], (std::vector<double>{4, 3}));
  folder.file("a.csv", "y,w,a\n1,1,2\n3,1,?\n");
  Dataset lacking(config, Support::kReal);
  lacking.set_design(data.design());
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { rows_of(lacking); }),
            config.path + ":3: column 'a': a value is missing");
  config.path = folder.file("a.svm", "1 2:3\n1 1:2 2:?\n");
  config.features = {"1", "2"};
  config.response = config.weight = "";
  Dataset sparse(config, Support::kReal);
  sparse.set_design(Design::of(inputs_of_numbers({"1", "2"}), true, false), true);
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { rows_of(sparse); }),
            config.path + ":2: column '2': a value is missing");
}

TEST(Missing, PredictionTakesAResponseThatCannotBeForNone) {
  const TemporaryFolder folder;
  const auto responses = [&](const std::string& name, const std::string& text, Support support,
                             const std::vector<std::string>& classes) {
    DataConfig config;
    config.path = folder.file(name, text);
    config.response = name == "a.csv" ? "y" : "";
    config.virtual_shards = 1;
    config.keep_rows = true;
    Dataset data(config, support);
    Design design = Design::of(inputs_of_numbers({name == "a.csv" ? "x" : "1"}), true, false);
    design.classes = classes;
    data.set_design(design);
    std::vector<double> found;
    for (const auto& row : rows_of(data)) found.push_back(std::isnan(row[1]) ? -9 : row[1]);
    return found;
  };
  using Values = std::vector<double>;
  EXPECT_EQ(
      responses("a.csv", "y,x\nowl,1\nfox,2\n?,3\ncat,4\n", Support::kCategory, {"cat", "owl"}),
      (Values{1, -9, -9, 0}));
  const std::string numbers = "y,x\n0,1\n2,1\n1,1\n-1,1\n0.5,1\nold,1\n";
  EXPECT_EQ(responses("a.csv", numbers, Support::kBinary, {}), (Values{0, -9, 1, -9, -9, -9}));
  EXPECT_EQ(responses("a.csv", numbers, Support::kCount, {}), (Values{0, 2, 1, -9, -9, -9}));
  EXPECT_EQ(responses("a.csv", numbers, Support::kReal, {}), (Values{0, 2, 1, -1, 0.5, -9}));
  EXPECT_EQ(responses("a.svm", "-1 1:1\n2 1:1\n+1 1:1\n1:1\n", Support::kBinary, {}),
            (Values{0, -9, 1, -9}));
}

TEST(Missing, HasLimits) {
  const TemporaryFolder folder;
  const auto communicator = make_self_communicator();
  const auto told = [&](const std::string& text, const std::string& missing) {
    DataConfig config = config_of(folder.file("a.csv", text), missing);
    config.categories = {};
    const std::string sentence = error_of(ExitCode::kFile, [&] {
      Dataset data(config, Support::kReal);
      data.scan(Stream(), *communicator);
    });
    return sentence.substr(std::min(sentence.size(), config.path.size()));
  };
  EXPECT_EQ(told("y,w,a\n1,1,?\n2,1,NA\n", "mean"), ": 'a' has no value");
  EXPECT_EQ(told("y,w,a\n1,1,?\n2,1,NA\n", "drop"), " has no row without a missing value");
  EXPECT_EQ(told("y,w,a\n1,1,x\n", "drop"),
            ":2: column 'a': 'x' is not a number; a column of texts is named in data.categories");
  EXPECT_EQ(told("y,w,a\n1,1,inf\n", "mean"), ":2: column 'a': 'inf' is not a finite number");
  DataConfig config;
  config.path = folder.file("a.csv", "a\n1\n");
  config.missing = "mean";
  EXPECT_EQ(error_of(ExitCode::kUsage, [&] { Dataset(config, Support::kBinaryFeatures); }),
            "data.missing = \"mean\" has no meaning where features must be 0 or 1");
}

}  // namespace
}  // namespace bayesum
