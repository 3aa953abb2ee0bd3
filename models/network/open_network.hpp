#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "core/examples/open_examples.hpp"
#include "core/weights/network.hpp"
#include "core/weights/weight_rule.hpp"
#include "kernels/buffer.hpp"
#include "models/network/make_network.hpp"
#include "models/network/network_prediction.hpp"
#include "models/network/trained_network.hpp"

namespace bayesum {

// A trained network with what its rule kept of the posterior, and all that other data are read by.
struct OpenNetwork {
  NetworkDescription description;
  NetworkConfig model;
  ExamplesConfig data;                         // of the training
  ExampleShape shape;                          // of one example
  std::shared_ptr<const Tokenizer> tokenizer;  // of tokens, where the training had one
  RowDesign design;                            // of rows
  std::unique_ptr<Network> network;            // its adapters, if any, on the weights they adapt
  Buffer<float> mean;  // flat, over the network's parameters, on the stream's device
  Buffer<float> sd;
  std::unique_ptr<WeightRule> rule;  // that says what posterior these are
};

// What a posterior file is to say of a network trained on these examples. Left to the caller are
// rule, ess, seed, step and base.
NetworkDescription describe_network(const NetworkConfig& model, const ExamplesConfig& data,
                                    const ExampleSets& examples);

// Error(kUsage) naming both runs unless the second reads the same examples as the first and
// predicts the same of them, so that what they say can be averaged.
void check_alike(const OpenNetwork& first, const std::string& first_name, const OpenNetwork& second,
                 const std::string& second_name);

// Is it the posterior file of a network? What cannot be read is none.
bool is_network_file(const std::filesystem::path& path);

// Builds the network again and reads its posterior and, of adapters, the weights that they adapt.
// Error(kFile) naming the path and what is wrong, as NetworkFile and read_base.
OpenNetwork open_network(const Stream& stream, const std::filesystem::path& path);

// So many draws of its weights, by the seed of its training; of 0 one, the mean. They look into
// `trained`, which stays where it is.
WeightDraws draws_of(const OpenNetwork& trained, std::int64_t draws);

// Other examples as training would have read them: by its tokenizer or row design. `data` says
// where, its validation keys alone; null where they name none. Error(kUsage) and Error(kFile) as
// open_examples.
std::unique_ptr<Examples> open_held_out(const OpenNetwork& trained, const ExamplesConfig& data);

// Examples of another kind, of which nothing is to be predicted right: their labels are kNoTarget.
// `format` as data.format. Error(kUsage) where the network does not tell classes apart.
std::unique_ptr<Examples> open_unlabelled(const OpenNetwork& trained,
                                          const std::filesystem::path& path,
                                          const std::string& format);

}  // namespace bayesum
