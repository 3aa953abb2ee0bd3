#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/config.hpp"
#include "core/examples/examples.hpp"
#include "core/weights/network.hpp"
#include "models/network/gpt2_config.hpp"
#include "models/network/low_rank.hpp"

namespace bayesum {

// The sections [model] and [lora] of a configuration that trains a network.
struct NetworkConfig {
  std::string name;
  std::string likelihood = "classification";  // mlp; or regression
  Wholes hidden = {50};                       // mlp
  std::string activation = "relu";            // mlp
  // gpt2, see models/network/gpt2_config.hpp
  std::int64_t layers = 12;
  std::int64_t heads = 12;
  std::int64_t channels = 768;
  std::int64_t context = 0;     // positions; 0: data.context
  std::int64_t vocabulary = 0;  // tokens; 0: those of the data
  std::int64_t vocabulary_multiple = 1;
  bool bias = true;
  double dropout = 0;
  std::string precision = "float32";
  bool recompute = false;
  LoraConfig lora;

  void describe(Fields& fields);
};

// Is it the name of a network, and not of a model of core/model.hpp?
bool is_network(const std::string& model_name);

// The GPT-2 of such a section for examples of this shape. Error(kUsage) as make_network.
Gpt2Config gpt2_config(const NetworkConfig& config, const ExampleShape& shape);

// The network for examples of this shape; with a lora.rank, adapters on it, which are to be given
// the weights that they adapt. Error(kUsage) naming the key where they do not fit.
std::unique_ptr<Network> make_network(const NetworkConfig& config, const ExampleShape& shape);

}  // namespace bayesum
