#include "models/network/network_start.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "core/files/hash.hpp"
#include "core/weights/weight_tensors.hpp"
#include "kernels/error.hpp"
#include "models/network/gpt2_files.hpp"
#include "models/network/trained_network.hpp"

namespace bayesum {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& path, const std::string& why) {
  throw Error(ExitCode::kUsage, "run.start = \"" + path.string() + "\": " + why);
}

bool keeps_curvature(const std::string& rule) { return rule == "ivon" || rule == "vogn"; }

std::string listed(const Strings& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

void check_names(const fs::path& path, const char* what, const Strings& there,
                 const Strings& here) {
  if (there == here) return;
  refuse(path, std::string("its ") + what + " are " + listed(there) + "; those of the data are " +
                   listed(here));
}

// What the inputs and outputs of both mean must be the same: else the weights say nothing.
void check_meaning(const fs::path& path, const OpenNetwork& there,
                   const StartingNetwork& training) {
  const NetworkDescription& here = training.description;
  const NetworkDescription& texts = there.description;
  const bool both = !texts.tokenizer.empty() && !here.tokenizer.empty();
  if (both &&
      (texts.tokenizer != here.tokenizer || texts.tokenizer_tables != here.tokenizer_tables)) {
    refuse(path, "its tokens are of another tokenizer or vocabulary");
  }
  check_names(path, "features", there.design.features, training.design.features);
  check_names(path, "classes", there.design.classes, training.design.classes);
}

// The weights at the mean: where adapters are trained, or were.
NetworkStart read_mean(const fs::path& path, const OpenNetwork& there,
                       const StartingNetwork& training) {
  LowRank* const adapters = adapters_of(*there.network);
  const Network& network = adapters == nullptr ? *there.network : adapters->network();
  const std::string kind = "mean";
  expect_tensors(path, weight_entries(network.parameters(), kind),
                 expected_weights(training.parameters, kind), TensorTypes::kFloat32);
  const std::span<const float> weights =
      adapters == nullptr ? there.mean.span() : adapters->adapted(Stream(), there.mean.span());
  NetworkStart start;
  start.mean.assign(weights.begin(), weights.end());
  return start;
}

NetworkStart read_posterior(const fs::path& path, const StartingNetwork& training) {
  const NetworkFile file(path);
  const std::string& model = file.description().model;
  if (model != training.model.name) {
    refuse(path, "it is of model.name = \"" + model + "\", not \"" + training.model.name + "\"");
  }
  const OpenNetwork there = open_network(Stream(), path);
  check_meaning(path, there, training);
  if (training.model.lora.rank > 0 || there.model.lora.rank > 0) {
    return read_mean(path, there, training);
  }
  NetworkStart start;
  const std::size_t size = training.parameters.size();
  start.mean.resize(size);
  start.curvature.resize(size);
  std::vector<float> sd(size);
  file.read(Stream(), training.parameters, {start.mean, sd, start.curvature});
  if (!keeps_curvature(file.description().rule) || !keeps_curvature(training.description.rule)) {
    start.curvature.clear();
  }
  return start;
}

void check_sizes(const fs::path& path, const Gpt2Shape& there, const Gpt2Shape& here) {
  std::string differences;
  const auto compare = [&](const char* key, std::size_t a, std::size_t b) {
    if (a == b) return;
    differences += (differences.empty() ? "" : ", ") + std::string(key) + " is " +
                   std::to_string(a) + " and not " + std::to_string(b);
  };
  compare("model.vocabulary", there.vocabulary, here.vocabulary);
  compare("model.context", there.context, here.context);
  compare("model.layers", there.layers, here.layers);
  compare("model.heads", there.heads, here.heads);
  compare("model.channels", there.channels, here.channels);
  if (!differences.empty()) refuse(path, "there " + differences);
}

NetworkStart read_hugging_face(const fs::path& folder, const fs::path& tensors,
                               const StartingNetwork& training) {
  if (training.model.name != "gpt2") {
    refuse(folder, "it is a GPT-2, model.name is \"" + training.model.name + "\"");
  }
  const Gpt2Shape shape = gpt2_config(training.model, training.shape).shape;
  check_sizes(folder, read_gpt2_shape(folder / "config.json"), shape);
  NetworkStart start;
  start.mean = read_gpt2(tensors, shape);
  if (std::ranges::all_of(start.mean, [](float x) { return std::isfinite(x); })) return start;
  throw Error(ExitCode::kFile, tensors.string() + " holds weights that are not finite");
}

NetworkStart read_any(const fs::path& path, const StartingNetwork& training) {
  const bool is_folder = fs::is_directory(path);
  const fs::path posterior = is_folder ? path / "posterior.safetensors" : path;
  const fs::path folder = is_folder ? path : path.parent_path();
  const fs::path tensors = is_folder ? path / "model.safetensors" : path;
  const bool has_config = fs::exists(folder / "config.json") && !fs::exists(folder / "config.toml");
  if (has_config && fs::exists(tensors) && !is_network_file(tensors)) {
    return read_hugging_face(folder, tensors, training);
  }
  return read_posterior(posterior, training);
}

}  // namespace

NetworkStart read_network_start(const fs::path& path, const StartingNetwork& training) {
  if (training.description.rule == "bayesbinn") {
    refuse(path, "rule.name = \"bayesbinn\" starts at even odds of every weight");
  }
  NetworkStart start = read_any(path, training);
  Hash hash;
  hash.add(std::as_bytes(std::span(start.mean)));
  hash.add(std::as_bytes(std::span(start.curvature)));
  start.fingerprint = hash.value();
  return start;
}

}  // namespace bayesum
