#include "core/weights/weight_checkpoint.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstring>
#include <random>
#include <thread>

#include "core/files/tensor_writer.hpp"
#include "tests/core/damage.hpp"
#include "tests/core/files.hpp"

namespace bayesum {
namespace {

using testing::error_of;
using testing::TemporaryFolder;

const CheckpointIdentity kIdentity{"[weights]\nname = \"ivon\"\n", 0x0123456789abcdef};

const std::map<std::string, double> kScalars{{"loss.mean", 0.0}, {"clip", 0.0}};

// Tensors whose ends are not where the next begins.
ParameterSpace space_of(std::size_t rows = 5) {
  ParameterSpace space;
  space.add({.name = "wte.weight", .shape = {rows, 7}});
  space.add({.name = "h.0.ln_1.bias", .shape = {3}});
  space.add({.name = "h.0.attn.c_attn.weight", .shape = {4, 4}});
  space.add({.name = "scale", .shape = {}});
  return space;
}

// Any numbers do: what is saved is bits, those of NaN among them.
WeightTrainingState state_at(std::int64_t step, const ParameterSpace& space) {
  std::mt19937_64 random(static_cast<std::uint64_t>(step));
  WeightTrainingState state{step, WeightState(Device{}, space.size()), {}};
  state.weights.updates = step * 3;
  for (Buffer<float>* part :
       {&state.weights.mean, &state.weights.curvature, &state.weights.momentum}) {
    for (const ParameterTensor& tensor : space.tensors()) {
      for (float& value : part->span().subspan(tensor.first, tensor.size())) {
        value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
      }
    }
  }
  state.scalars = {{"loss.mean", std::bit_cast<double>(random() >> 2)}, {"clip", -0.0}};
  return state;
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

bool same(const WeightTrainingState& a, const WeightTrainingState& b) {
  return a.step == b.step && a.weights.updates == b.weights.updates && a.scalars == b.scalars &&
         same_bits(a.weights.mean.span(), b.weights.mean.span()) &&
         same_bits(a.weights.curvature.span(), b.weights.curvature.span()) &&
         same_bits(a.weights.momentum.span(), b.weights.momentum.span());
}

void save(const TemporaryFolder& folder, std::int64_t step) {
  const ParameterSpace space = space_of();
  save_weight_checkpoint(Stream(), folder.path(), kIdentity, space, state_at(step, space));
}

struct Loaded {
  std::optional<WeightTrainingState> state;
  std::vector<std::string> warnings;
};

Loaded load(const TemporaryFolder& folder, const ParameterSpace& space = space_of(),
            const CheckpointIdentity& identity = kIdentity,
            const std::map<std::string, double>& scalars = kScalars) {
  Loaded loaded;
  const auto warn = [&](const std::string& text) { loaded.warnings.push_back(text); };
  loaded.state = load_weight_checkpoint(Stream(), folder.path(), identity, space, scalars, warn);
  return loaded;
}

TEST(WeightCheckpoint, LoadsTheBitsThatWereSaved) {
  const TemporaryFolder folder;
  EXPECT_FALSE(load(folder).state);
  for (const std::int64_t step : {1, 2, 30}) save(folder, step);
  EXPECT_EQ(checkpoint_steps(folder.path()), (std::vector<std::int64_t>{2, 30}));
  const Loaded loaded = load(folder);
  ASSERT_TRUE(loaded.state);
  EXPECT_TRUE(same(*loaded.state, state_at(30, space_of())));
  EXPECT_TRUE(std::signbit(loaded.state->scalars.at("clip")));
  EXPECT_TRUE(loaded.warnings.empty());
}

TEST(WeightCheckpoint, TheFileHasTheNamesOfTheNetwork) {
  const TemporaryFolder folder;
  save(folder, 4);
  const TensorReader file(checkpoint_path(folder.path(), 4), Checksum::kLast);
  EXPECT_EQ(file.entries().size(), 2u + 3 * 4);
  const ParameterSpace space = space_of();
  const WeightTrainingState state = state_at(4, space);
  const ParameterTensor& tensor = space.tensor("h.0.attn.c_attn.weight");
  EXPECT_EQ(file.entry("momentum.h.0.attn.c_attn.weight").shape, tensor.shape);
  EXPECT_TRUE(same_bits(file.floats("momentum.h.0.attn.c_attn.weight"),
                        state.weights.momentum.span().subspan(tensor.first, tensor.size())));
  EXPECT_EQ(file.entry("scalar.loss.mean").type, TensorType::kF64);
}

TEST(WeightCheckpoint, DamageIsFoundAndTheOneBeforeTaken) {
  const TemporaryFolder folder;
  save(folder, 1);
  save(folder, 2);
  const auto newest = checkpoint_path(folder.path(), 2);
  const std::string whole = TemporaryFolder::read(newest);
  const WeightTrainingState before = state_at(1, space_of());
  std::mt19937_64 random(5);
  for (int trial = 0; trial < 1000; ++trial) {
    TemporaryFolder::write(newest, testing::damaged(whole, random, trial));
    const Loaded loaded = load(folder);
    ASSERT_TRUE(loaded.state && same(*loaded.state, before)) << "trial " << trial;
    ASSERT_EQ(loaded.warnings.size(), 1u);
    ASSERT_NE(loaded.warnings[0].find(newest.string()), std::string::npos);
  }
  std::filesystem::remove(checkpoint_path(folder.path(), 1));
  EXPECT_NE(error_of(ExitCode::kFile, [&] { load(folder); }).find("is whole"), std::string::npos);
}

TEST(WeightCheckpoint, IsWholeAfterAnyKill) {
  const TemporaryFolder folder;
  save(folder, 0);
  std::mt19937 random(1);
  std::int64_t newest = 0;
  for (int trial = 0; trial < 40; ++trial) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (std::int64_t step = newest + 1;; ++step) save(folder, step);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 20000));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const Loaded loaded = load(folder);
    ASSERT_TRUE(loaded.state && loaded.warnings.empty()) << "trial " << trial;
    ASSERT_GE(loaded.state->step, newest);
    newest = loaded.state->step;
    ASSERT_TRUE(same(*loaded.state, state_at(newest, space_of())));
  }
  EXPECT_GT(newest, 10);
}

TEST(WeightCheckpoint, AnotherNetworkIsNamedTensorByTensor) {
  const TemporaryFolder folder;
  save(folder, 1);
  ParameterSpace space;
  space.add({.name = "wte.weight", .shape = {7, 5}});
  space.add({.name = "h.0.ln_1.bias", .shape = {3}});
  space.add({.name = "h.0.attn.c_attn.weight", .shape = {4, 4}});
  space.add({.name = "lm_head", .shape = {2}});
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { load(folder, space); }),
            checkpoint_path(folder.path(), 1).string() +
                ": tensors are missing: mean.lm_head, curvature.lm_head, momentum.lm_head; tensors "
                "do not belong: curvature.scale, mean.scale, momentum.scale; tensors have another "
                "shape: mean.wte.weight [5, 7] where [7, 5] belongs, curvature.wte.weight [5, 7] "
                "where [7, 5] belongs, momentum.wte.weight [5, 7] where [7, 5] belongs");
}

TEST(WeightCheckpoint, OtherScalarsAreNamed) {
  const TemporaryFolder folder;
  save(folder, 1);
  const auto path = checkpoint_path(folder.path(), 1);
  const auto refusal = [&](const std::map<std::string, double>& scalars) {
    return error_of(ExitCode::kFile, [&] { load(folder, space_of(), kIdentity, scalars); });
  };
  EXPECT_EQ(refusal({{"loss.mean", 0.0}, {"clip", 0.0}, {"skips", 0.0}}),
            path.string() + ": tensors are missing: scalar.skips");
  EXPECT_EQ(refusal({{"loss.mean", 0.0}}), path.string() + ": tensors do not belong: scalar.clip");
  EXPECT_EQ(
      refusal({{"loss.mean", 0.0}, {"clips", 0.0}}),
      path.string() + ": tensors are missing: scalar.clips; tensors do not belong: scalar.clip");
}

TEST(WeightCheckpoint, AScalarOfAnotherTypeIsNamed) {
  const TemporaryFolder folder;
  save(folder, 1);
  const auto path = checkpoint_path(folder.path(), 1);
  std::vector<TensorView> tensors;
  std::vector<std::vector<std::byte>> contents;
  const auto metadata = [&] {
    const TensorReader file(path, Checksum::kLast);
    for (TensorEntry entry : file.entries()) {
      auto& content = contents.emplace_back(entry.bytes());
      file.read(entry, 0, std::span(content));
      if (entry.name == "scalar.clip") entry.type = TensorType::kF32;
      tensors.push_back(
          {entry.name, entry.type, entry.shape, std::span(content).first(entry.bytes())});
    }
    return file.metadata();
  }();
  write_tensors(path, metadata, tensors, Checksum::kLast);
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { load(folder); }),
            path.string() + ": tensors are not of type F64: scalar.clip F32");
}

TEST(WeightCheckpoint, AnotherIdentityOrFormatIsRefused) {
  const TemporaryFolder folder;
  save(folder, 1);
  CheckpointIdentity identity = kIdentity;
  identity.config = "[weights]\nname = \"vogn\"\n";
  EXPECT_NE(error_of(ExitCode::kUsage, [&] { load(folder, space_of(), identity); })
                .find("[weights] name = \"ivon\" there, name = \"vogn\" here"),
            std::string::npos);
  write_tensors(checkpoint_path(folder.path(), 2), {{"format", "bayesum-checkpoint-1"}}, {},
                Checksum::kLast);
  const Loaded loaded = load(folder);
  EXPECT_EQ(loaded.state->step, 1);
  EXPECT_EQ(loaded.warnings.size(), 1u);
}

}  // namespace
}  // namespace bayesum
