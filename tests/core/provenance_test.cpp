#include "core/provenance.hpp"

#include <gtest/gtest.h>

#include "core/files/hash.hpp"
#include "core/sites.hpp"
#include "kernels/error.hpp"
#include "tests/core/files.hpp"

namespace bayesum {
namespace {

constexpr std::uint64_t kA = 0xfedcba9876543210, kB = 17, kC = 0xffffffffffffffff;

Sources example() {
  Sources sources;
  sources.add({kA}, 1);
  sources.add({kA, "region", "north"}, -1);
  sources.add({kB, "region", "south, or so"}, 1);
  sources.add({kC}, 2);
  return sources;
}

TEST(Sources, AddAndSubtract) {
  Sources sum = example();
  sum.add(example(), 1);
  EXPECT_EQ(sum.pieces().at({kC}), 4);
  EXPECT_EQ(sum.pieces().at({kA, "region", "north"}), -2);
  sum.add(sum, -1);
  EXPECT_TRUE(sum.pieces().empty());
}

TEST(Sources, SayHowOftenRowsAreInThem) {
  auto extents = example().extents();
  EXPECT_EQ(extents[kA].least, 0);  // the north
  EXPECT_EQ(extents[kA].most, 1);
  EXPECT_EQ(extents[kB].least, 0);
  EXPECT_EQ(extents[kB].most, 1);
  EXPECT_EQ(extents[kC].least, 2);
  Sources crossing = example();
  EXPECT_FALSE(extents[kA].by_two_columns);
  crossing.add({kA, "sex", "f"}, -1);
  EXPECT_TRUE(crossing.extents()[kA].by_two_columns);
}

// The same bytes twice in one table are no overlap of two.
TEST(Sources, ShareWhatBothHold) {
  Sources twice, once, other;
  twice.add({kC}, 2);
  twice.add({kA}, 1);
  once.add({kC}, 1);
  other.add({kB}, 1);
  EXPECT_FALSE(twice.shares_with(Sources()));
  EXPECT_FALSE(twice.shares_with(other));
  EXPECT_TRUE(twice.shares_with(once) && once.shares_with(twice));
  Sources north, south;
  north.add({kA, "region", "north"}, 1);
  south.add({kA, "region", "south"}, 1);
  EXPECT_FALSE(north.shares_with(south));
  EXPECT_TRUE(north.shares_with(twice));
}

// Groups of another column that one of them brings along are no matter where the other knows
// nothing of their shard, nor where both have the same ones.
TEST(Sources, ShareNothingOfAShardThatOneOfThemDoesNotKnow) {
  Sources crossing, today;
  crossing.add({kA}, 1);
  crossing.add({kA, "region", "north"}, -1);
  crossing.add({kA, "sex", "f"}, -1);
  today.add({kB}, 1);
  today.add({kB, "age", "old"}, -1);
  EXPECT_FALSE(crossing.shares_with(today) || today.shares_with(crossing));
  EXPECT_TRUE(crossing.agrees_with(crossing, kA) && crossing.agrees_with(today, kC));
  EXPECT_FALSE(crossing.agrees_with(today, kA) || today.agrees_with(crossing, kB));
  Sources south;
  south.add({kA, "region", "south"}, -1);
  EXPECT_TRUE(crossing.shares_with(south) && south.shares_with(crossing));
}

// "a=b" and "c" are not "a" and "b=c".
TEST(Sources, TellColumnsAndLevelsApart) {
  Sources sources;
  sources.add({kA, "a=b", "c"}, 1);
  sources.add({kA, "a", "b=c"}, 2);
  sources.add({kA, "two\nlines", "\"quoted\", \u00fc"}, 3);
  EXPECT_EQ(sources.pieces().size(), 3U);
  EXPECT_TRUE(sources.extents()[kA].by_two_columns);
  TensorFile file;
  write_sources("sources", sources, file);
  EXPECT_EQ(file.metadata["sources"],
            "[\"a\",\"b=c\"]\n[\"a=b\",\"c\"]\n[\"two\\nlines\",\"\\\"quoted\\\", \u00fc\"]\n");
  EXPECT_EQ(read_sources("sources", file), sources);
  for (const char* bad : {"a=b", "[\"a\"]", "[\"a\",\"b\",\"c\"]", "[\"\",\"b\"]", "[\"a\",1]",
                          "[\"a\", \"b\"]", "{\"a\":\"b\"}", "[[\"a\",\"b\"]]", ""}) {
    file.metadata["sources"] = std::string("[\"a\",\"b\"]\n") + bad + "\n[\"c\",\"d\"]\n";
    EXPECT_NE(testing::error_of(ExitCode::kFile, [&] { read_sources("sources", file); })
                  .find("where a list of a column and a level belongs"),
              std::string::npos)
        << bad;
  }
}

TEST(Sources, OfATrainingAreItsShardsWithRows) {
  DataSummary summary;
  summary.shards = {kA, hash_of({}), kB};
  DataConfig config;
  config.group = "region";
  config.without_group = {"north", "north"};
  Sources expected;
  for (const std::uint64_t shard : {kA, kB}) {
    expected.add({shard}, 1);
    expected.add({shard, "region", "north"}, -1);
  }
  EXPECT_EQ(sources_of(summary, config), expected);
}

TEST(Sources, ComeBackFromAFile) {
  const testing::TemporaryFolder folder;
  for (const Sources& sources : {example(), Sources()}) {
    TensorFile file;
    write_sources("sources", sources, file);
    file.tensors["hashes"] = hash_tensor({kA, kB, kC});
    write_tensors(folder.path() / "file", file);
    const TensorFile read = read_tensors(folder.path() / "file");
    EXPECT_EQ(read_sources("sources", read), sources);
    EXPECT_EQ(read_hashes("hashes", read), (std::vector<std::uint64_t>{kA, kB, kC}));
  }
}

TEST(Sources, ThatMakeNoSenseAreRefused) {
  TensorFile file;
  write_sources("sources", example(), file);
  for (const std::size_t column : {0, 1, 2, 3}) {
    TensorFile bad = file;
    bad.tensors["sources"].values[column] = 0.5;
    EXPECT_THROW(read_sources("sources", bad), Error);
  }
  TensorFile bad = file;
  bad.tensors["sources"].values[2] = 3;  // of two parts
  EXPECT_THROW(read_sources("sources", bad), Error);
  bad = file;
  bad.tensors["sources"].shape = {8, 2};
  EXPECT_THROW(read_sources("sources", bad), Error);
}

TEST(SitesFile, ComesBackBitForBit) {
  const testing::TemporaryFolder folder;
  const Sites sites{
      "region",
      kA,
      {{"north", {1.0 / 3.0, -2.0}, 12, 3.5, kB}, {"south-west", {0, 1e-300}, 0, 0, kC}},
      {{"b", "beta"}, {"a", "bernoulli"}}};
  write_tensors(folder.path() / "file", sites.to_file());
  const Sites read = Sites::from_file(read_tensors(folder.path() / "file"));
  EXPECT_EQ(read.column, "region");
  EXPECT_EQ(read.posterior, kA);
  EXPECT_EQ(read.blocks, sites.blocks);
  ASSERT_EQ(read.sites.size(), 2U);
  EXPECT_EQ(&read.site("south-west"), &read.sites[1]);
  for (std::size_t k = 0; k < 2; ++k) {
    EXPECT_EQ(read.sites[k].name, sites.sites[k].name);
    EXPECT_EQ(read.sites[k].natural, sites.sites[k].natural);
    EXPECT_EQ(read.sites[k].rows, sites.sites[k].rows);
    EXPECT_EQ(read.sites[k].loss, sites.sites[k].loss);
    EXPECT_EQ(read.sites[k].fingerprint, sites.sites[k].fingerprint);
  }
  try {
    read.site("nort");
    ADD_FAILURE() << "was found";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()),
              "there is no site 'nort' among the levels of region; did "
              "you mean 'north'?");
  }
}

TEST(SitesFile, ThatIsNoneIsRefused) {
  const TensorFile whole = Sites{"", kA, {{"0", {1, 2}, 3, 4, 5}}}.to_file();
  EXPECT_NO_THROW(Sites::from_file(whole));
  for (const char* key : {"format", "format_version", "blocks"}) {
    TensorFile bad = whole;
    bad.metadata[key] = "other";
    EXPECT_THROW(Sites::from_file(bad), Error) << key;
  }
  for (const char* name : {"site.natural", "site.rows", "site.loss", "site.fingerprint"}) {
    TensorFile bad = whole;
    bad.tensors[name] = {{2}, {0, 0}};
    EXPECT_THROW(Sites::from_file(bad), Error) << name;
    bad.tensors.erase(name);
    EXPECT_THROW(Sites::from_file(bad), Error) << name;
  }
}

}  // namespace
}  // namespace bayesum
