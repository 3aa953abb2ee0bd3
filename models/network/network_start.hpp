#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "core/weights/parameter_space.hpp"
#include "models/network/make_network.hpp"
#include "models/network/open_network.hpp"

namespace bayesum {

// Where the training of a network starts, if not at the network's initial weights: host vectors
// over its parameters. Adapters start anew; of theirs it is the weights that they adapt.
struct NetworkStart {
  std::vector<float> mean;
  std::vector<float> curvature;   // empty: as the rule starts
  std::uint64_t fingerprint = 0;  // of both: what a checkpoint of that training belongs to
};

// What a start must fit: the training that begins.
struct StartingNetwork {
  const NetworkConfig& model;
  const NetworkDescription& description;  // of describe_network, with the rule
  const ExampleShape& shape;
  const ParameterSpace& parameters;  // of the network itself, where adapters are trained
};

// The design by which a training that starts there is to read its rows, so that its inputs and
// outputs mean to the weights what they meant: columns by name, the scales, the classes. None where
// no rows are read. `start` may be empty.
//
// Error(kFile) for what cannot be read, Error(kUsage) for data.features or a model.likelihood that
// are others.
std::optional<RowDesign> starting_design(const std::filesystem::path& start,
                                         const NetworkConfig& model, const ExamplesConfig& data);

// Reads a run folder or posterior file of a network; or a GPT-2 as Hugging Face keeps it, a folder
// with config.json and model.safetensors or the latter, whose rows of wte are padded as the model
// says. A run of adapters is read as the weights that they make at its mean. The curvature is taken
// from a posterior of ivon or vogn by one of the two, without adapters here and there.
//
// Error(kFile) naming every tensor that is missing, does not belong or has another shape, or what
// cannot be read; Error(kUsage) naming all sizes of a config.json that are not the model's, another
// tokenizer, and rule.name = "bayesbinn", which starts at the network's initial weights alone.
NetworkStart read_network_start(const std::filesystem::path& path, const StartingNetwork& training);

}  // namespace bayesum
