#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "core/examples/examples.hpp"
#include "core/weights/network.hpp"

namespace bayesum::test {

// A theta far from any optimum: normal draws around the initial means, wider than at the start of a
// training, so that no gradient is small.
inline std::vector<float> random_theta(const ParameterSpace& space, double sd,
                                       std::uint32_t seed = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal(0.0, sd);
  std::vector<float> theta(space.size());
  for (const ParameterTensor& tensor : space.tensors()) {
    for (std::size_t i = 0; i < tensor.size(); ++i) {
      theta[tensor.first + i] = static_cast<float>(tensor.initial_mean + normal(generator));
    }
  }
  return theta;
}

// As a training starts.
inline std::vector<float> initial_theta(const ParameterSpace& space, std::uint32_t seed = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  std::vector<float> theta(space.size());
  for (const ParameterTensor& tensor : space.tensors()) {
    for (std::size_t i = 0; i < tensor.size(); ++i) {
      theta[tensor.first + i] =
          static_cast<float>(tensor.initial_mean + tensor.initial_sd * normal(generator));
    }
  }
  return theta;
}

// Sequences and what follows each token; some targets do not count.
struct Text {
  std::size_t rows, length;
  std::vector<std::int32_t> tokens, targets;

  Text(std::size_t row_count, std::size_t tokens_of_each, std::size_t vocabulary,
       std::uint32_t seed = 3)
      : rows(row_count), length(tokens_of_each) {
    std::mt19937 generator(seed);
    std::uniform_int_distribution<std::int32_t> token(0, static_cast<std::int32_t>(vocabulary) - 1);
    for (std::size_t i = 0; i < rows * length; ++i) {
      tokens.push_back(token(generator));
      targets.push_back(i % 7 == 3 ? kNoTarget : token(generator));
    }
  }

  ExampleBatch batch() const {
    return {.rows = rows,
            .length = length,
            .tokens = tokens,
            .features = {},
            .targets = targets,
            .response = {}};
  }
};

// What one pass of a network gives.
struct Taught {
  std::vector<float> gradient, squares;
  std::array<double, WeightMessage::kScalars> counts{};

  double loss() const { return counts[WeightMessage::kLoss]; }
};

inline Taught teach(Network& network, std::span<const float> theta, const ExampleBatch& batch,
                    NoiseId dropout = {}, bool squares = false) {
  Taught taught;
  taught.gradient.resize(network.parameters().size());
  if (squares) taught.squares.resize(network.parameters().size());
  network.accumulate(Stream(), theta, batch, dropout,
                     {.gradient = taught.gradient, .squares = taught.squares}, taught.counts);
  return taught;
}

inline std::vector<float> predict(Network& network, std::span<const float> theta,
                                  const ExampleBatch& batch) {
  std::vector<float> out(batch.rows * batch.length * network.outputs());
  network.predict(Stream(), theta, batch, out);
  return out;
}

// Every element of the gradient is the slope of `loss` at `exact`, by central differences, to 1e-4
// of the tensor's largest; the largest of each tensor is above `least`. `loss` looks into `exact`.
template <class Loss>
void expect_slope(const ParameterSpace& space, std::span<const float> gradient,
                  std::vector<double>& exact, const Loss& loss, double step, double least) {
  constexpr double kTolerance = 1e-4;
  for (const ParameterTensor& tensor : space.tensors()) {
    const auto part = gradient.subspan(tensor.first, tensor.size());
    double scale = 0;
    for (const float g : part) scale = std::max(scale, std::abs(double{g}));
    EXPECT_GT(scale, least) << tensor.name;
    for (std::size_t i = 0; i < tensor.size(); ++i) {
      double& element = exact[tensor.first + i];
      const double before = element;
      element = before + step;
      const double above = loss();
      element = before - step;
      const double below = loss();
      element = before;
      ASSERT_NEAR(part[i], (above - below) / (2 * step), kTolerance * scale + 1e-7)
          << tensor.name << " element " << i;
    }
  }
}

}  // namespace bayesum::test
