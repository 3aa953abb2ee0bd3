#include "models/network/trained_network.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include "core/files/tensor_writer.hpp"
#include "core/weights/weight_tensors.hpp"
#include "models/network/gpt2_parameters.hpp"
#include "tests/core/damage.hpp"
#include "tests/core/files.hpp"

namespace bayesum {
namespace {

using testing::error_of;
using testing::TemporaryFolder;

ParameterSpace space_of() {
  return gpt2_parameters({.vocabulary = 7, .context = 5, .layers = 1, .heads = 1, .channels = 3});
}

NetworkDescription description() {
  return {.model = "gpt2",
          .config = "[model]\nname = \"gpt2\"\nlayers = 1\n",
          .shape = R"({"context": 5})",
          .rows = R"({"classes": ["é", "\""]})",
          .tokenizer = "bytes",
          .tokenizer_tables = R"({"merges": ["a b", "\u00e9 \""]})",
          .rule = "ivon",
          .ess = 0.1,
          .seed = std::numeric_limits<std::uint64_t>::max(),
          .fingerprint = 0xabc,
          .step = 1234567890123};
}

// The three vectors over a space, zero between its tensors.
struct Vectors {
  explicit Vectors(std::size_t size) : mean(size), sd(size), curvature(size) {}

  NetworkPosterior<const float> given() const { return {mean, sd, curvature}; }
  NetworkPosterior<float> taken() { return {mean, sd, curvature}; }
  bool operator==(const Vectors&) const = default;

  std::vector<float> mean;
  std::vector<float> sd;
  std::vector<float> curvature;
};

Vectors vectors_of(const ParameterSpace& space) {
  Vectors vectors(space.size());
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  for (const ParameterTensor& tensor : space.tensors()) {
    for (std::size_t i = tensor.first; i < tensor.range().last; ++i) {
      vectors.mean[i] = normal(random);
      vectors.sd[i] = std::abs(normal(random));
      vectors.curvature[i] = normal(random);
    }
  }
  return vectors;
}

void write(const std::filesystem::path& path, const Vectors& vectors) {
  write_network(Stream(), path, description(), space_of(), vectors.given());
}

std::string refusal(const std::filesystem::path& path, const ParameterSpace& space = space_of()) {
  return error_of(ExitCode::kFile, [&] {
    Vectors back(space.size());
    NetworkFile(path).read(Stream(), space, back.taken());
  });
}

TEST(TrainedNetwork, GivesBackWhatItWasGiven) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "posterior.safetensors";
  const ParameterSpace space = space_of();
  const Vectors vectors = vectors_of(space);
  write(path, vectors);
  const NetworkFile file(path);
  EXPECT_EQ(file.description(), description());
  Vectors back(space.size());
  file.read(Stream(), space, back.taken());
  EXPECT_EQ(back, vectors);
  write(folder.path() / "again", vectors);
  EXPECT_EQ(TemporaryFolder::read(folder.path() / "again"), TemporaryFolder::read(path));
}

TEST(TrainedNetwork, DamageIsFound) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a";
  write(path, vectors_of(space_of()));
  const std::string whole = TemporaryFolder::read(path);
  std::mt19937_64 random(4);
  for (int trial = 0; trial < 300; ++trial) {
    TemporaryFolder::write(path, testing::damaged(whole, random, trial));
    ASSERT_TRUE(refusal(path).starts_with(path.string())) << "trial " << trial;
  }
}

TEST(TrainedNetwork, AnotherNetworkIsNamedTensorByTensor) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a";
  write(path, vectors_of(space_of()));
  const ParameterSpace wider = gpt2_parameters(
      {.vocabulary = 8, .context = 5, .layers = 1, .heads = 1, .channels = 3, .biases = false});
  const std::string sentence = refusal(path, wider);
  EXPECT_TRUE(sentence.starts_with(path.string() + ": tensors do not belong: curvature.h.0.attn"));
  for (const char* part :
       {"mean.ln_f.bias", "sd.wte.weight [7, 3] where [8, 3] belongs", "curvature.wte.weight [7"}) {
    EXPECT_NE(sentence.find(part), std::string::npos) << part;
  }
}

TEST(TrainedNetwork, ValuesThatNoPosteriorHasAreRefused) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a";
  const ParameterSpace space = space_of();
  const std::size_t at = space.tensor("h.0.ln_2.weight").first + 1;
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  constexpr float infinity = std::numeric_limits<float>::infinity();
  using Change = std::function<void(Vectors&)>;
  const std::vector<std::pair<Change, std::string>> cases{
      {[&](Vectors& v) { v.mean[at] = nan; }, "'mean.h.0.ln_2.weight' holds nan"},
      {[&](Vectors& v) { v.sd[at] = -0.5f; }, "'sd.h.0.ln_2.weight' holds -0.5"},
      {[&](Vectors& v) { v.sd[at] = infinity; }, "'sd.h.0.ln_2.weight' holds inf"},
      {[&](Vectors& v) { v.curvature[at] = -infinity; }, "'curvature.h.0.ln_2.weight' holds -inf"}};
  for (const auto& [change, what] : cases) {
    Vectors vectors = vectors_of(space);
    change(vectors);
    write(path, vectors);
    EXPECT_EQ(refusal(path), path.string() + ": tensor " + what);
  }
}

TEST(TrainedNetwork, TextsThatAreWrongAreNamed) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a";
  write(path, vectors_of(space_of()));
  const auto metadata = TensorReader(path, Checksum::kLast).metadata();
  const auto refusal_with = [&](const std::string& key, const std::string& text) {
    auto changed = metadata;
    changed[key] = text;
    write_tensors(path, changed, {}, Checksum::kLast);
    return error_of(ExitCode::kFile, [&] { NetworkFile{path}; });
  };
  const std::string where = path.string() + ": ";
  EXPECT_EQ(refusal_with("format", "bayesum-posterior"),
            where + "format is 'bayesum-posterior' where 'bayesum-network' belongs");
  EXPECT_EQ(refusal_with("format_version", "2"), where + "format_version is '2' where '1' belongs");
  const std::vector<std::pair<std::string, std::string>> cases{{"ess", "-1"},
                                                               {"ess", "nan"},
                                                               {"ess", "1 "},
                                                               {"seed", "-1"},
                                                               {"seed", "18446744073709551616"},
                                                               {"fingerprint", "xyz"},
                                                               {"step", "-3"},
                                                               {"step", ""}};
  for (const auto& [key, text] : cases) {
    EXPECT_EQ(refusal_with(key, text),
              where + key + " is '" + text + "', which is no number that it can be");
  }
  EXPECT_EQ(refusal_with("ess", "inf"), where + "ess is not finite");
  auto without = metadata;
  without.erase("rule");
  write_tensors(path, without, {}, Checksum::kLast);
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { NetworkFile{path}; }),
            where + "there is no metadata 'rule'");
}

}  // namespace
}  // namespace bayesum
