#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "models/network/gpt2_parameters.hpp"
#include "tests/models/network/network_cases.hpp"

namespace bayesum::test {

// GPT-2 in float64, one token after the other, as the paper and its usual implementation have it.
struct Gpt2Oracle {
  Gpt2Shape shape;
  ParameterSpace space = gpt2_parameters(shape);
  // What dropout at a place multiplies element i of tokens x channels by; empty: no dropout.
  std::function<double(std::size_t place, std::size_t i)> dropout = {};

  // tokens x vocabulary
  std::vector<double> logits(std::span<const double> theta, const Text& text) const;
  // Summed over the targets that count.
  double loss(std::span<const double> theta, const Text& text) const;
};

}  // namespace bayesum::test
