#include "core/checkpoint.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "core/files/safetensors.hpp"
#include "tests/core/files.hpp"

namespace bayesum {
namespace {

using testing::error_of;
using testing::TemporaryFolder;

constexpr std::size_t kSize = 7;

Posterior layout(const std::string& family = "bernoulli") {
  Posterior posterior;
  posterior.add_block("theta", make_family(family, kSize));
  return posterior;
}

// Any numbers do: what is saved is bits.
TrainingState state_at(std::int64_t step) {
  std::mt19937_64 engine(static_cast<std::uint64_t>(step));
  std::normal_distribution<double> normal;
  const auto fill = [&](auto&& values) {
    std::ranges::generate(values, [&] { return normal(engine) * 1e-3; });
  };
  TrainingState state{step, normal(engine), layout(), StepControl({}).save()};
  state.control.base_natural.resize(kSize);
  state.control.base_message.resize(kSize);
  fill(state.posterior.natural());
  fill(state.control.scalars);
  fill(state.control.base_natural);
  fill(state.control.base_message);
  return state;
}

void expect_same(const TrainingState& a, const TrainingState& b) {
  EXPECT_EQ(a.step, b.step);
  EXPECT_EQ(a.previous_elbo, b.previous_elbo);
  EXPECT_TRUE(std::ranges::equal(a.posterior.natural(), b.posterior.natural()));
  EXPECT_EQ(a.control.scalars, b.control.scalars);
  EXPECT_EQ(a.control.base_natural, b.control.base_natural);
  EXPECT_EQ(a.control.base_message, b.control.base_message);
}

const CheckpointIdentity kIdentity{"[rule]\nrho = 1.0\nname = \"von\"\n", 0x0123456789abcdef};

std::filesystem::path file_of(const TemporaryFolder& folder, const std::string& step) {
  return folder.path() / ("step-" + step + ".safetensors");
}

void flip_bit(const std::filesystem::path& path, std::size_t byte) {
  std::string bytes = TemporaryFolder::read(path);
  bytes.at(byte) ^= 4;
  TemporaryFolder::write(path, bytes);
}

struct Loaded {
  std::optional<TrainingState> state;
  std::vector<std::string> warnings;
};

Loaded load(const TemporaryFolder& folder, const CheckpointIdentity& identity = kIdentity,
            const Posterior& posterior = layout()) {
  Loaded loaded;
  loaded.state = load_checkpoint(folder.path(), identity, posterior,
                                 [&](const std::string& text) { loaded.warnings.push_back(text); });
  return loaded;
}

TEST(Checkpoint, LoadsTheBitsThatWereSaved) {
  const TemporaryFolder folder;
  save_checkpoint(folder.path(), kIdentity, state_at(3));
  const Loaded loaded = load(folder);
  ASSERT_TRUE(loaded.state);
  expect_same(*loaded.state, state_at(3));
  EXPECT_TRUE(loaded.warnings.empty());
}

TEST(Checkpoint, NothingThereIsNoState) {
  const TemporaryFolder folder;
  EXPECT_FALSE(load(folder).state);
  folder.file("step-x.safetensors", "");
  folder.file("step-.safetensors", "");
  folder.file("other", "");
  EXPECT_FALSE(load(folder).state);
  EXPECT_TRUE(checkpoint_steps(folder.path() / "none").empty());
}

TEST(Checkpoint, KeepsTheLastTwoByNumber) {
  const TemporaryFolder folder;
  for (const std::int64_t step : {5, 10, 999999, 1000000}) {
    save_checkpoint(folder.path(), kIdentity, state_at(step));
  }
  EXPECT_EQ(checkpoint_steps(folder.path()), (std::vector<std::int64_t>{999999, 1000000}));
  EXPECT_EQ(load(folder).state->step, 1000000);
}

TEST(Checkpoint, SavingRemovesTheStepsThatTheRunHasLeft) {
  const TemporaryFolder folder;
  save_checkpoint(folder.path(), kIdentity, state_at(10));
  save_checkpoint(folder.path(), kIdentity, state_at(20));
  save_checkpoint(folder.path(), kIdentity, state_at(15));
  EXPECT_EQ(checkpoint_steps(folder.path()), (std::vector<std::int64_t>{10, 15}));
}

TEST(Checkpoint, AnyFlippedBitOrTruncationIsPassedOver) {
  const TemporaryFolder folder;
  save_checkpoint(folder.path(), kIdentity, state_at(1));
  save_checkpoint(folder.path(), kIdentity, state_at(2));
  const auto newest = file_of(folder, "000002");
  const std::string whole = TemporaryFolder::read(newest);
  for (std::size_t byte = 0; byte < whole.size(); ++byte) {
    flip_bit(newest, byte);
    const Loaded loaded = load(folder);
    ASSERT_TRUE(loaded.state);
    ASSERT_EQ(loaded.state->step, 1) << "byte " << byte;
    ASSERT_EQ(loaded.warnings.size(), 1u);
    ASSERT_TRUE(loaded.warnings[0].starts_with("passed over a damaged checkpoint: "));
    ASSERT_NE(loaded.warnings[0].find(newest.string()), std::string::npos) << loaded.warnings[0];
    TemporaryFolder::write(newest, whole);
  }
  for (std::size_t size = 0; size < whole.size(); size += 13) {
    TemporaryFolder::write(newest, whole.substr(0, size));
    ASSERT_EQ(load(folder).state->step, 1) << size << " bytes";
  }
}

TEST(Checkpoint, NoneWholeIsAnError) {
  const TemporaryFolder folder;
  save_checkpoint(folder.path(), kIdentity, state_at(1));
  flip_bit(file_of(folder, "000001"), 100);
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { load(folder); }),
            "no checkpoint in " + folder.path().string() +
                " is whole: start over by --run.overwrite true");
}

TEST(Checkpoint, AFileOfAnotherNameOrKindIsDamaged) {
  const TemporaryFolder folder;
  save_checkpoint(folder.path(), kIdentity, state_at(1));
  std::filesystem::copy_file(file_of(folder, "000001"), file_of(folder, "000007"));
  TensorFile other;
  other.metadata = {{"format", "bayesum-posterior"}, {"step", "8"}};
  other.tensors["natural"] = {{1}, {0.0}};
  write_tensors(file_of(folder, "000008"), other);
  const Loaded loaded = load(folder);
  EXPECT_EQ(loaded.state->step, 1);
  ASSERT_EQ(loaded.warnings.size(), 2u);
  EXPECT_TRUE(loaded.warnings[0].ends_with("is not a checkpoint of this version"));
  EXPECT_TRUE(loaded.warnings[1].ends_with("holds step 1"));
}

TEST(Checkpoint, AnotherIdentityNamesTheFirstDifference) {
  const TemporaryFolder folder;
  save_checkpoint(folder.path(), kIdentity, state_at(1));
  const std::string belongs =
      "the checkpoint " + file_of(folder, "000001").string() + " belongs to ";

  CheckpointIdentity identity = kIdentity;
  identity.config = "[rule]\nrho = 0.5\nname = \"blr\"\n";
  EXPECT_EQ(error_of(ExitCode::kUsage, [&] { load(folder, identity); }),
            belongs + "another configuration: [rule] rho = 1.0 there, rho = 0.5 here");
  identity.config = "[rule]\nrho = 1.0\n";
  EXPECT_EQ(error_of(ExitCode::kUsage, [&] { load(folder, identity); }),
            belongs + "another configuration: [rule] name = \"von\" there, nothing here");
  identity.advice = {{"rule.rho", "use the old rho"}, {"rule.name", "use the old rule"}};
  EXPECT_EQ(error_of(ExitCode::kUsage, [&] { load(folder, identity); }),
            belongs +
                "another configuration: [rule] name = \"von\" there, nothing here; use the old "
                "rule");

  identity = kIdentity;
  identity.fingerprint = 1;
  EXPECT_EQ(error_of(ExitCode::kUsage, [&] { load(folder, identity); }),
            belongs +
                "other data: their fingerprint was 0123456789abcdef, that of the data here "
                "is 0000000000000001");
  EXPECT_EQ(error_of(ExitCode::kUsage, [&] { load(folder, kIdentity, layout("beta")); }),
            belongs + "a posterior of other blocks: theta bernoulli 7 there, theta beta 7 here");
}

}  // namespace
}  // namespace bayesum
