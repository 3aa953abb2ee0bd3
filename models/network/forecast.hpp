#pragma once

#include <cstddef>

#include "core/examples/examples.hpp"
#include "models/network/make_network.hpp"

namespace bayesum {

// What a training pass of a network will take, known before it is built.
struct NetworkForecast {
  std::size_t activation_bytes = 0;  // for a micro-batch, beside weights and gradient
  std::size_t rounded_bytes = 0;     // of the weights rounded to bfloat16, for so many of them
  std::size_t adapted_bytes = 0;     // of the weights that adapters adapt, and of their gradient
  double flops = 0;                  // of a target (a token, or a row), forward and backward
};

// Of micro-batches of `rows` examples and parameters that take `size` elements.
//
// An mlp holds three numbers a row for every hidden unit (before and after its activation, and the
// gradient) and one for every output, and takes 6 operations for every weight of a matrix, 4 in the
// first layer, whose inputs need no gradient. For gpt2 see models/network/gpt2_config.hpp. Adapters
// take 6 operations for every rank and weight of a matrix, once for a micro-batch (low_rank.hpp).
// Error(kUsage) as make_network.
NetworkForecast forecast(const NetworkConfig& config, const ExampleShape& shape, std::size_t rows,
                         std::size_t size);

}  // namespace bayesum
