#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/agree.hpp"
#include "core/data/dataset.hpp"
#include "distributed/thread.hpp"
#include "distributed/virtual_shards.hpp"
#include "tests/core/dataset_table.hpp"

namespace bayesum {
namespace {

using testing::config_of;
using testing::error_of;
using testing::plain_design;
using testing::rewrite;
using testing::Rows;
using testing::Table;
using testing::TemporaryFolder;
using testing::visit_all;

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

// 40000 rows of 5 columns: 1.9 MiB in all, so that 1 MiB holds some of the shards.
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

}  // namespace
}  // namespace bayesum
