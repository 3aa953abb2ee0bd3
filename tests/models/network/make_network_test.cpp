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

constexpr const char* kSmall = "[model]\nname = \"gpt2\"\nlayers = 11\nheads = 2\nchannels = 8\n";

std::size_t adapters_on(const std::string& lora) {
  const auto network = make_network(parsed(kSmall + lora), kText);
  EXPECT_EQ(network->name(), "gpt2 with adapters of rank 2");
  EXPECT_EQ(adapters_of(*network)->network().name(), "gpt2");
  return network->parameters().tensors().size() / 2;
}

TEST(MakeNetwork, PutsAdaptersOnTheMatricesThatAreNamed) {
  EXPECT_EQ(adapters_on("[lora]\nrank = 2\n"), 44u);
  EXPECT_EQ(adapters_on("[lora]\nrank = 2\ntargets = [\"attn.c_attn\"]\n"), 11u);
  EXPECT_EQ(adapters_on("[lora]\nrank = 2\ntargets = [\"c_proj\", \"attn.c_proj\"]\n"), 22u);
  EXPECT_EQ(adapters_on("[lora]\nrank = 2\ntargets = [\"h.0.mlp.c_fc\"]\n"), 1u);
  EXPECT_EQ(adapters_of(*make_network(parsed(kSmall), kText)), nullptr);
  const auto mlp =
      make_network(parsed("[model]\nname = \"mlp\"\nhidden = [5]\n[lora]\nrank = 3\n"), kImages);
  EXPECT_EQ(mlp->parameters().tensor("layers.1.lora_B").shape, (std::vector<std::size_t>{3, 10}));
}

TEST(MakeNetwork, SaysWhatCannotBeAdapted) {
  const auto lora = [](const std::string& toml) {
    return refusal(kSmall + ("[lora]\n" + toml), kText);
  };
  EXPECT_EQ(lora("rank = 2\ntargets = [\"attn.c_attn\", \"q_proj\"]\n"),
            "lora.targets: \"q_proj\" is none of the linear maps there are: h.N.attn.c_attn, "
            "h.N.attn.c_proj, h.N.mlp.c_fc, h.N.mlp.c_proj");
  EXPECT_NE(lora("rank = 2\ntargets = [\"wte\"]\n").find("\"wte\" is none"), std::string::npos);
  EXPECT_NE(lora("rank = 2\ntargets = [\"attn\"]\n").find("\"attn\" is none"), std::string::npos);
  EXPECT_EQ(lora("targets = [\"attn.c_attn\"]\n"),
            "lora.targets names matrices to be adapted, but lora.rank = 0 makes no adapters");
  EXPECT_EQ(lora("rank = 9\n"),
            "lora.rank = 9 is no rank that h.0.attn.c_attn.weight, 8 x 24, can have: 1 to 8");
}

}  // namespace
}  // namespace bayesum::test
