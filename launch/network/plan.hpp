#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/weights/parameter_space.hpp"
#include "launch/network/network_config.hpp"

namespace bayesum {

// A figure and where it comes from. Symbols: n, the elements of the flat vector of parameters; B,
// those of a message, n or, with a second part, 2 n; R ranks, V virtual shards.
struct Planned {
  std::string what;
  double value = 0;
  std::string formula;
};

// What a training of a network will cost, of rank 0, which does the most.
struct NetworkPlan {
  std::vector<Planned> parameters;  // by group of tensors, their number
  std::vector<Planned> memory;      // bytes, at the peak
  std::vector<Planned> wire;        // bytes of a step, as Traffic counts them
  std::vector<Planned> work;        // tokens or examples of a step, and operations, of all ranks
};

double total(const std::vector<Planned>& figures);

// Of a training on so many ranks by host memory. Errors as make_network and make_weight_rule.
NetworkPlan plan_network(const NetworkTrainConfig& config, const ExampleShape& shape,
                         std::uint64_t examples, const ParameterSpace& parameters, int ranks);

}  // namespace bayesum
