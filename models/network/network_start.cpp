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

// The tokens of both must mean the same, as rows do by starting_design: else the weights say
// nothing.
void check_meaning(const fs::path& path, const NetworkDescription& there,
                   const NetworkDescription& here) {
  const bool both = !there.tokenizer.empty() && !here.tokenizer.empty();
  if (both &&
      (there.tokenizer != here.tokenizer || there.tokenizer_tables != here.tokenizer_tables)) {
    refuse(path, "its tokens are of another tokenizer or vocabulary");
  }
}

// The weights at the mean: where adapters are trained, or were.
NetworkStart read_mean(const fs::path& path, const OpenNetwork& there,
                       const StartingNetwork& training) {
  LowRank* const adapters = adapters_of(*there.network);
  const Network& network = adapters == nullptr ? *there.network : adapters->network();
  const std::string kind = "mean";
  expect_tensors(path, weight_entries(network.parameters(), kind),
                 expected_weights(training.parameters, kind), TensorType::kF32);
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
  check_meaning(path, file.description(), training.description);
  const OpenNetwork there = open_network(Stream(), path);
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

// What there may be at the path of a start.
struct Place {
  explicit Place(const fs::path& path)
      : folder(fs::is_directory(path) ? path : path.parent_path()),
        posterior(fs::is_directory(path) ? path / "posterior.safetensors" : path),
        tensors(fs::is_directory(path) ? path / "model.safetensors" : path) {}

  bool is_hugging_face() const {
    return fs::exists(folder / "config.json") && !fs::exists(folder / "config.toml") &&
           fs::exists(tensors) && !is_network_file(tensors);
  }

  fs::path folder, posterior, tensors;
};

}  // namespace

std::optional<RowDesign> starting_design(const fs::path& start, const NetworkConfig& model,
                                         const ExamplesConfig& data) {
  const Place place(start);
  if (start.empty() || reads_tokens(data) || place.is_hugging_face()) return std::nullopt;
  const OpenNetwork there = open_network(Stream(), place.posterior);
  if (there.shape.is_tokens()) return std::nullopt;
  if (!data.features.empty()) {
    check_names(start, "features", there.design.features, data.features);
  }
  const bool classes = model.likelihood == "classification";
  if (classes == there.design.classes.empty()) {
    refuse(start, classes ? "it explains numbers, not classes"
                          : "it tells classes apart, and explains no numbers");
  }
  return there.design;
}

NetworkStart read_network_start(const fs::path& path, const StartingNetwork& training) {
  if (training.description.rule == "bayesbinn") {
    refuse(path, "rule.name = \"bayesbinn\" starts at the network's initial weights alone");
  }
  const Place place(path);
  NetworkStart start = place.is_hugging_face()
                           ? read_hugging_face(place.folder, place.tensors, training)
                           : read_posterior(place.posterior, training);
  Hash hash;
  hash.add(std::as_bytes(std::span(start.mean)));
  hash.add(std::as_bytes(std::span(start.curvature)));
  start.fingerprint = hash.value();
  return start;
}

}  // namespace bayesum
