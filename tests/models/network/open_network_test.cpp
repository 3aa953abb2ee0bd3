#include "models/network/open_network.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/files/tensor_reader.hpp"
#include "core/files/tensor_writer.hpp"
#include "models/network/base_weights.hpp"
#include "tests/core/files.hpp"
#include "tests/models/network/network_cases.hpp"

namespace bayesum::test {
namespace {

using testing::error_of;
using testing::TemporaryFolder;

constexpr const char* kTable = "size,colour,kind\n1,2,a\n3,1,b\n2,2,a\n5,4,c\n4,4,b\n6,1,c\n";

// A network trained on the files of a folder, as far as its posterior file knows.
struct Trained {
  explicit Trained(const TemporaryFolder& folder, const ExamplesConfig& config,
                   const NetworkConfig& network_config, Response response = Response::kClass)
      : data(config), model(network_config), sets(open_examples(data, response, 1)) {
    const auto network = make_network(model, sets.training->shape());
    mean = random_theta(network->parameters(), 0.5);
    sd.assign(mean.size(), 0.0f);
    for (const ParameterTensor& tensor : network->parameters().tensors()) {
      std::fill_n(sd.begin() + static_cast<std::ptrdiff_t>(tensor.first), tensor.size(), 0.25f);
    }
    path = folder.path() / "posterior.safetensors";
    NetworkDescription description = describe_network(model, data, sets);
    description.rule = "ivon";
    description.seed = 5;
    if (const LowRank* const adapters = adapters_of(*network)) {
      const ParameterSpace& weights = adapters->network().parameters();
      base = random_theta(weights, 0.5, 9);
      description.base = hash_of_weights(base);
      write_base(Stream(), path, weights, base);
    }
    write_network(Stream(), path, description, network->parameters(), {mean, sd, sd});
  }

  ExamplesConfig data;
  NetworkConfig model;
  ExampleSets sets;
  std::vector<float> mean, sd, base;
  std::filesystem::path path;
};

ExamplesConfig table_in(const TemporaryFolder& folder) {
  ExamplesConfig data;
  data.path = folder.file("train.csv", kTable).string();
  data.response = "kind";
  return data;
}

NetworkConfig mlp() {
  NetworkConfig config;
  config.name = "mlp";
  config.hidden = {3};
  return config;
}

// What the network is asked first.
struct First {
  std::vector<float> features;
  std::vector<std::int32_t> labels;
};

First first_of(const Examples& examples, std::size_t rows) {
  First first{std::vector<float>(rows * examples.shape().features),
              std::vector<std::int32_t>(rows)};
  examples.fetch_in_order(0, rows, {.features = first.features, .labels = first.labels});
  return first;
}

TEST(OpenNetwork, GivesBackAClassifierOfRows) {
  const TemporaryFolder folder;
  ExamplesConfig data = table_in(folder);
  data.validation_share = 0.34;
  const Trained trained(folder, data, mlp());
  EXPECT_TRUE(is_network_file(trained.path));
  const OpenNetwork open = open_network(Stream(), trained.path);
  EXPECT_EQ(open.network->name(), "mlp");
  EXPECT_EQ(open.model.hidden, Wholes{3});
  EXPECT_EQ(open.design.classes, (Strings{"a", "b", "c"}));
  EXPECT_EQ(open.design.mean, trained.sets.design.mean);
  EXPECT_EQ(open.design.sd, trained.sets.design.sd);
  EXPECT_TRUE(std::ranges::equal(open.mean.span(), trained.mean));
  EXPECT_TRUE(std::ranges::equal(open.sd.span(), trained.sd));
  EXPECT_EQ(open.description.fingerprint, trained.sets.training->fingerprint());
  const auto held_out = open_held_out(open, open.data);
  ASSERT_TRUE(held_out);
  EXPECT_EQ(held_out->fingerprint(), trained.sets.validation->fingerprint());
}

TEST(OpenNetwork, ReadsOtherRowsByItsOwnScalesAndClasses) {
  const TemporaryFolder folder;
  const OpenNetwork open = open_network(Stream(), Trained(folder, table_in(folder), mlp()).path);
  EXPECT_EQ(open_held_out(open, open.data), nullptr);
  ExamplesConfig other = open.data;
  other.validation = folder.file("other.csv", "kind,colour,size\nc,10,20\n").string();
  const First row = first_of(*open_held_out(open, other), 1);
  EXPECT_EQ(row.labels.front(), 2);
  EXPECT_FLOAT_EQ(row.features[0],
                  static_cast<float>((20 - open.design.mean[0]) / open.design.sd[0]));
  const auto alien = folder.file("alien.csv", "colour,size\n10,20\n1,2\n");
  const First unlabelled = first_of(*open_unlabelled(open, alien, "auto"), 2);
  EXPECT_EQ(unlabelled.labels, (std::vector{kNoTarget, kNoTarget}));
  EXPECT_EQ(unlabelled.features[0], row.features[0]);
}

TEST(OpenNetwork, RefusesRowsOfAnotherKind) {
  const TemporaryFolder folder;
  const OpenNetwork open = open_network(Stream(), Trained(folder, table_in(folder), mlp()).path);
  ExamplesConfig other = open.data;
  other.validation = folder.file("other.csv", "kind,colour,size\nd,10,20\n").string();
  EXPECT_NE(error_of(ExitCode::kFile, [&] { open_held_out(open, other); }).find("'d'"),
            std::string::npos);
  other.validation = folder.file("less.csv", "kind,colour\na,10\n").string();
  EXPECT_NE(error_of(ExitCode::kUsage, [&] { open_held_out(open, other); }).find("'size'"),
            std::string::npos);
}

TEST(OpenNetwork, ARegressionKeepsItsUnits) {
  const TemporaryFolder folder;
  ExamplesConfig data;
  data.path = folder.file("train.csv", "x,y\n1,10\n2,30\n3,20\n").string();
  data.response = "y";
  NetworkConfig config = mlp();
  config.likelihood = "regression";
  const OpenNetwork open =
      open_network(Stream(), Trained(folder, data, config, Response::kReal).path);
  EXPECT_EQ(open.design.response_mean, 20);
  EXPECT_GT(open.design.response_sd, 1);
  EXPECT_EQ(open.shape.responses, 1u);
  EXPECT_NE(error_of(ExitCode::kUsage, [&] { open_unlabelled(open, data.path, "auto"); })
                .find("has no classes"),
            std::string::npos);
}

TEST(OpenNetwork, WhatIsAveragedReadsTheSameAndPredictsTheSame) {
  const TemporaryFolder folder, other_folder;
  const OpenNetwork open = open_network(Stream(), Trained(folder, table_in(folder), mlp()).path);
  NetworkConfig wide = mlp();
  wide.hidden = {7, 7};
  check_alike(open, "a", open_network(Stream(), Trained(folder, table_in(folder), wide).path), "b");
  const auto refusal = [&](const char* table, const NetworkConfig& config, Response response) {
    ExamplesConfig data = table_in(other_folder);
    data.path = other_folder.file("train.csv", table).string();
    if (response == Response::kReal) data.response = "size";
    const OpenNetwork other =
        open_network(Stream(), Trained(other_folder, data, config, response).path);
    return error_of(ExitCode::kUsage, [&] { check_alike(open, "a", other, "b"); });
  };
  EXPECT_NE(refusal("size,colour,kind\n1,2,a\n3,1,b\n2,2,a\n", mlp(), Response::kClass)
                .find("a and b cannot be averaged: their trainings had examples of other shapes"),
            std::string::npos);
  EXPECT_NE(refusal("size,colour,kind\n1,2,a\n3,1,b\n2,2,c\n", mlp(), Response::kClass)
                .find("data.scaling"),
            std::string::npos);
  NetworkConfig regression = mlp();
  regression.likelihood = "regression";
  EXPECT_NE(refusal("size,colour\n1,2\n3,1\n2,2\n", regression, Response::kReal).find("shapes"),
            std::string::npos);
}

TEST(OpenNetwork, GivesBackALanguageModelWithItsTokenizer) {
  const TemporaryFolder folder;
  ExamplesConfig data;
  data.path = folder.file("train.txt", "abc cab bca \u00e9abc bac cba \u00e9\n").string();
  data.context = 4;
  NetworkConfig config;
  config.name = "gpt2";
  config.layers = 1;
  config.heads = 1;
  config.channels = 4;
  const Trained trained(folder, data, config);
  std::filesystem::remove(data.path);
  const OpenNetwork open = open_network(Stream(), trained.path);
  ASSERT_TRUE(open.tokenizer);
  EXPECT_EQ(open.tokenizer->texts(), trained.sets.tokenizer->texts());
  EXPECT_EQ(open.shape.vocabulary, 6u);
  EXPECT_EQ(open.shape.context, 4u);
  ExamplesConfig other = open.data;
  other.validation = folder.file("other.txt", "\u00e9 cab").string();
  const auto examples = open_held_out(open, other);
  EXPECT_EQ(examples->size_in_order(), 1u);
  other.validation = folder.file("alien.txt", "abc abd abc").string();
  EXPECT_NE(error_of(ExitCode::kFile, [&] { open_held_out(open, other); }).find("'d'"),
            std::string::npos);
}

TEST(OpenNetwork, PutsAdaptersOnTheWeightsTheyWereTrainedOn) {
  const TemporaryFolder folder;
  NetworkConfig config = mlp();
  config.lora = {.rank = 2, .alpha = 3, .targets = {"layers.1"}};
  const Trained trained(folder, table_in(folder), config);
  const OpenNetwork open = open_network(Stream(), trained.path);
  EXPECT_EQ(open.network->name(), "mlp with adapters of rank 2");
  EXPECT_TRUE(std::ranges::equal(open.mean.span(), trained.mean));
  LowRank& adapters = *adapters_of(*open.network);
  EXPECT_EQ(adapters.alpha(), 3);
  EXPECT_TRUE(std::ranges::equal(adapters.base(Stream()), trained.base));

  const auto path = folder.path() / "base.safetensors";
  const ParameterSpace& weights = adapters.network().parameters();
  const auto refusal = [&] {
    return error_of(ExitCode::kFile, [&] { open_network(Stream(), trained.path); });
  };
  std::vector<float> other = trained.base;
  other.front() = std::nextafter(other.front(), 9.0f);
  write_base(Stream(), trained.path, weights, other);
  EXPECT_EQ(refusal(), path.string() + " holds other weights than those that the adapters in " +
                           trained.path.string() + " were trained on");
  write_base(Stream(), trained.path, open.network->parameters(), trained.mean);
  EXPECT_NE(refusal().find("base.layers.1.weight"), std::string::npos);
  std::string content = TemporaryFolder::read(path);
  content[content.size() / 2] ^= 1;
  TemporaryFolder::write(path, content);
  EXPECT_NE(refusal().find("base.safetensors"), std::string::npos);
  std::filesystem::remove(path);
  EXPECT_EQ(refusal(), trained.path.string() + " holds adapters of the weights in " +
                           path.string() + ", and there is no such file");
}

TEST(OpenNetwork, TextsThatDoNotFitAreNamed) {
  const TemporaryFolder folder;
  const auto path = Trained(folder, table_in(folder), mlp()).path;
  const TensorReader file(path, Checksum::kLast);
  const auto refusal = [&](const std::string& key, const std::string& text) {
    auto metadata = file.metadata();
    metadata[key] = text;
    const auto bad = folder.path() / "bad.safetensors";
    write_tensors(bad, metadata, {}, Checksum::kLast);
    return error_of(ExitCode::kFile, [&] { open_network(Stream(), bad); });
  };
  const std::string where = (folder.path() / "bad.safetensors").string() + ": ";
  EXPECT_EQ(refusal("shape", "[]"), where + "its 'shape' is not what such a file says there");
  EXPECT_EQ(refusal("rows", "{\"features\": 3}"),
            where + "its 'rows' is not what such a file says there");
  EXPECT_EQ(
      refusal("shape", R"({"context":0,"vocabulary":0,"features":7,"classes":3,"responses":0})"),
      where + "'shape' and 'rows' do not fit each other");
  EXPECT_EQ(refusal("rule", "ivn"), where + "there is no rule.name = \"ivn\"");
  EXPECT_TRUE(refusal("config", "[model]\nname = 3\n").starts_with(where + "config:"));
  EXPECT_FALSE(is_network_file(folder.path() / "train.csv"));
  EXPECT_FALSE(is_network_file(folder.path() / "nothing"));
}

}  // namespace
}  // namespace bayesum::test
