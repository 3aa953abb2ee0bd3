#include "models/network/make_network.hpp"

#include <gtest/gtest.h>

#include "kernels/error.hpp"
#include "models/network/gpt2.hpp"

namespace bayesum::test {
namespace {

constexpr ExampleShape kText{.context = 64, .vocabulary = 65};
constexpr ExampleShape kImages{.features = 784, .classes = 10};

NetworkConfig parsed(const std::string& toml) {
  NetworkConfig config;
  Fields fields;
  config.describe(fields);
  parse_config(toml, "train.toml", {}, fields);
  return config;
}

std::string refusal(const std::string& toml, const ExampleShape& shape) {
  try {
    make_network(parsed(toml), shape);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    return error.what();
  }
  return "none";
}

TEST(MakeNetwork, MakesTheGpt2OfTheSection) {
  const NetworkConfig config = parsed(
      "[model]\nname = \"gpt2\"\nlayers = 4\nheads = 4\nchannels = 128\nbias = false\n"
      "dropout = 0.1\nprecision = \"bfloat16\"\nrecompute = true\nvocabulary_multiple = 64\n");
  const auto network = make_network(config, kText);
  EXPECT_EQ(network->name(), "gpt2");
  const Gpt2Config& made = dynamic_cast<const Gpt2&>(*network).config();
  EXPECT_EQ(made.shape.vocabulary, 65u);
  EXPECT_EQ(made.shape.embedded(), 128u);
  EXPECT_EQ(made.shape.context, 64u);
  EXPECT_EQ(made.dropout, 0.1);
  EXPECT_TRUE(made.recompute);
  EXPECT_EQ(made.precision, Precision::kBFloat16);
  // nanoGPT's count for this network, 0.80M, beside positions and what pads the vocabulary
  const std::size_t matrices = 4 * 12 * 128 * 128, norms = 9 * 128;
  EXPECT_EQ(network->parameters().count(), 128 * 128 + 64 * 128 + matrices + norms);
}

TEST(MakeNetwork, TheModelMayHaveMoreThanTheDataNeed) {
  const std::string gpt2 = "[model]\nname = \"gpt2\"\nlayers = 1\nheads = 2\nchannels = 8\n";
  const auto network = make_network(parsed(gpt2 + "context = 128\nvocabulary = 100\n"), kText);
  EXPECT_EQ(network->parameters().tensor("wpe.weight").shape[0], 128u);
  EXPECT_EQ(network->outputs(), 100u);
}

TEST(MakeNetwork, SaysWhatDoesNotFit) {
  const std::string gpt2 = "[model]\nname = \"gpt2\"\n";
  EXPECT_EQ(refusal(gpt2 + "channels = 100\nheads = 3\n", kText),
            "model.channels = 100 is not a multiple of model.heads = 3");
  EXPECT_EQ(refusal(gpt2 + "context = 32\n", kText),
            "model.context = 32 is less than data.context, 64");
  EXPECT_EQ(refusal(gpt2 + "vocabulary = 64\n", kText),
            "model.vocabulary = 64 is less than the vocabulary of the data, 65");
  EXPECT_NE(refusal(gpt2, kImages).find("use model.name = \"mlp\""), std::string::npos);
  EXPECT_NE(refusal("[model]\nname = \"mlp\"\n", kText).find("use model.name = \"gpt2\""),
            std::string::npos);
}

}  // namespace
}  // namespace bayesum::test
