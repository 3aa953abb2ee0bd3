#pragma once

#include <cstddef>
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

// What rank 0 has to do with a tree of sums (distributed/sum_tree.hpp): a partial sum for every bit
// of the number of shards that it has added, and the vector on its way into them.
struct TreeOfSums {
  std::size_t vectors = 0;   // in memory at once, at most
  std::size_t messages = 0;  // that it receives
};
TreeOfSums tree_of_sums(std::size_t virtual_shards, int ranks);

double total(const std::vector<Planned>& figures);

// Of a training on so many ranks by host memory. Errors as make_network and make_weight_rule.
NetworkPlan plan_network(const NetworkTrainConfig& config, const ExampleShape& shape,
                         std::uint64_t examples, const ParameterSpace& parameters, int ranks);

}  // namespace bayesum
