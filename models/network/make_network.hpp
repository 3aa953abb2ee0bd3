#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/config.hpp"
#include "core/examples/examples.hpp"
#include "core/weights/network.hpp"

namespace bayesum {

// The section [model] of a configuration that trains a network.
struct NetworkConfig {
  std::string name;
  Wholes hidden = {50};             // mlp
  std::string activation = "relu";  // mlp

  void describe(Fields& fields);
};

// Is it the name of a network, and not of a model of core/model.hpp?
bool is_network(const std::string& model_name);

// The network for examples of this shape. Error(kUsage) naming the key where they do not fit.
std::unique_ptr<Network> make_network(const NetworkConfig& config, const ExampleShape& shape);

}  // namespace bayesum
