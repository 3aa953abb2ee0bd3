#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <sstream>

#include "core/data/dataset.hpp"
#include "distributed/self.hpp"
#include "distributed/thread.hpp"
#include "tests/core/files.hpp"
#include "tests/core/packed.hpp"

namespace bayesum {
namespace {

using testing::error_of;
using testing::TemporaryFolder;

// Sparse rows and the same as CSV.
struct Both {
  std::ostringstream sparse, dense;

  explicit Both(std::size_t rows) {
    std::mt19937 random(11);
    std::normal_distribution<double> normal;
    sparse.precision(17);
    dense.precision(17);
    dense << "label,1,2,3,4,5,6,7\n";
    for (std::size_t i = 0; i < rows; ++i) {
      const int label = static_cast<int>(random() % 2);
      sparse << (label == 1 ? "+1" : "-1");
      dense << label;
      for (int j = 1; j <= 7; ++j) {
        const double value = random() % 3 == 0 ? normal(random) : 0.0;
        if (value != 0 || (j == 7 && i == 0)) sparse << " " << j << ":" << value;
        dense << "," << value;
      }
      sparse << "\n";
      dense << "\n";
    }
  }
};

struct Everything {
  DataSummary summary;
  std::vector<double> x, y;
};

Everything read_all(Dataset& data, Communicator& communicator, bool keep_sparse) {
  Everything all{data.scan(Stream(), communicator), {}, {}};
  Design design = Design::of(data.inputs(), true, true);
  design.sd = all.summary.sd;
  data.set_design(design, keep_sparse);
  for (std::size_t shard = 0; shard < data.virtual_shards(); ++shard) {
    data.visit(Stream(), shard, [&](const Batch& batch) {
      EXPECT_EQ(batch.sparse.empty(), !keep_sparse);
      for (std::size_t i = 0; i < batch.rows(); ++i) {
        std::vector<double> row(8);
        if (keep_sparse) {
          EXPECT_EQ(batch.sparse.cols, 8u);
          EXPECT_EQ(batch.sparse.column[batch.sparse.row_start[i]], 0u);
          for (std::size_t k = batch.sparse.row_start[i]; k < batch.sparse.row_start[i + 1]; ++k) {
            row.at(batch.sparse.column[k]) = batch.sparse.value[k];
          }
        } else {
          row.assign(batch.x.data + i * batch.x.stride, batch.x.data + i * batch.x.stride + 8);
        }
        all.x.insert(all.x.end(), row.begin(), row.end());
        all.y.push_back(batch.y[i]);
      }
    });
  }
  return all;
}

TEST(SparseDataset, HoldsTheRowsOfTheDenseOne) {
  const TemporaryFolder folder;
  const Both both(300);
  const auto communicator = make_self_communicator();
  DataConfig config;
  config.path = folder.file("a.csv", both.dense.str());
  config.response = "label";
  Dataset table(config, Support::kBinary);
  const Everything dense = read_all(table, *communicator, false);
  for (const bool packed : {false, true}) {
    const std::string text = both.sparse.str();
    config.path = folder.file("a.svm", packed ? testing::gzipped(text) : text);
    config.response = "";
    for (const bool keep_sparse : {false, true}) {
      Dataset data(config, Support::kBinary);
      const Everything found = read_all(data, *communicator, keep_sparse);
      EXPECT_EQ(data.features(), table.features());
      EXPECT_EQ(found.y, dense.y);
      ASSERT_EQ(found.x.size(), dense.x.size());
      for (std::size_t j = 0; j < 7; ++j) {
        EXPECT_NEAR(found.summary.mean[j], dense.summary.mean[j], 1e-14);
        EXPECT_NEAR(found.summary.sd[j], dense.summary.sd[j], 1e-13);
      }
      for (std::size_t k = 0; k < found.x.size(); ++k) EXPECT_NEAR(found.x[k], dense.x[k], 1e-12);
    }
  }
}

TEST(SparseDataset, IsTheSameForAnyNumberOfRanks) {
  const TemporaryFolder folder;
  const Both both(200);
  DataConfig config;
  config.path = folder.file("a.svm", both.sparse.str());
  for (const std::int64_t shards : {1, 3, 8, 500}) {
    config.virtual_shards = shards;
    const auto communicator = make_self_communicator();
    Dataset data(config, Support::kBinary);
    const Everything alone = read_all(data, *communicator, true);
    for (const int ranks : {2, 3}) {
      run_on_threads(ranks, [&](Communicator& threads) {
        Dataset other(config, Support::kBinary);
        const Everything found = read_all(other, threads, true);
        EXPECT_EQ(other.features(), data.features());
        EXPECT_EQ(found.summary.mean, alone.summary.mean);
        EXPECT_EQ(found.summary.sd, alone.summary.sd);
        EXPECT_EQ(found.summary.fingerprint, alone.summary.fingerprint);
        EXPECT_EQ(found.x, alone.x);
      });
    }
  }
}

TEST(SparseDataset, IsSparseAfterTheCacheToo) {
  const TemporaryFolder folder;
  DataConfig config;
  config.path = folder.file("a.svm", "1 2:3\n0 1:4\n");
  const auto communicator = make_self_communicator();
  Dataset data(config, Support::kBinary);
  data.scan(Stream(), *communicator);
  data.set_design(Design::of(data.inputs(), true, true), true);
  for (int pass = 0; pass < 2; ++pass) {
    std::vector<double> values;
    for (std::size_t shard = 0; shard < data.virtual_shards(); ++shard) {
      data.visit(Stream(), shard, [&](const Batch& batch) {
        values.insert(values.end(), batch.sparse.value.begin(), batch.sparse.value.end());
      });
    }
    EXPECT_EQ(values, (std::vector<double>{1, 3, 1, 4}));
    std::filesystem::remove(config.path);
  }
}

TEST(SparseDataset, RefusesWhatCannotBe) {
  const TemporaryFolder folder;
  const auto communicator = make_self_communicator();
  DataConfig config;
  config.path = folder.file("a.svm", "1 2:3\n-1 20000:4\n");
  Dataset wide(config, Support::kBinary);
  wide.scan(Stream(), *communicator);
  const Design design = Design::of(wide.inputs(), true, true);
  EXPECT_EQ(error_of(ExitCode::kUsage, [&] { wide.set_design(design); }),
            config.path +
                " gives 20001 columns, more than the 16384 that dense rows may have: "
                "choose data.features");
  wide.set_design(design, true);
  Design shifted = design;
  shifted.mean[3] = 1;
  EXPECT_EQ(error_of(ExitCode::kUsage, [&] { wide.set_design(shifted, true); }),
            "a design that shifts its features does not keep rows sparse");

  folder.file("a.svm", "1 2:3\n2 1:4\n");
  Dataset data(config, Support::kBinary);
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { data.scan(Stream(), *communicator); }),
            config.path + ":2: response 'label' = 2 must be 0 or 1");
  EXPECT_NE(error_of(ExitCode::kUsage, [&] { Dataset(config, Support::kCategoryFeatures); })
                .find("are numbers and not categories"),
            std::string::npos);
}

TEST(SparseDataset, MissingElementsAreFilledOrDropped) {
  const TemporaryFolder folder;
  const auto communicator = make_self_communicator();
  DataConfig config;
  config.path = folder.file("a.svm", "1 1:2\n0 1:?\n1 1:4 2:1\n0 2:6\n");
  for (const std::string missing : {"drop", "mean"}) {
    config.missing = missing;
    Dataset data(config, Support::kBinary);
    const DataSummary summary = data.scan(Stream(), *communicator);
    EXPECT_EQ(summary.rows, missing == "drop" ? 3u : 4u);
    EXPECT_NEAR(summary.mean[0], 2.0, 1e-15);  // 2, 4 and 0
    Design design = Design::of(data.inputs(), true, false);
    if (missing == "mean") design.missing = summary.mean;
    std::vector<double> values;
    data.set_design(design, true);
    for (std::size_t shard = 0; shard < data.virtual_shards(); ++shard) {
      data.visit(Stream(), shard, [&](const Batch& batch) {
        values.insert(values.end(), batch.sparse.value.begin(), batch.sparse.value.end());
      });
    }
    EXPECT_EQ(values, missing == "drop" ? (std::vector<double>{2, 4, 1, 6})
                                        : (std::vector<double>{2, summary.mean[0], 4, 1, 6}));
  }
}

}  // namespace
}  // namespace bayesum
