#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "kernels/buffer.hpp"

namespace bayesum {

// The posterior over the weights of a network, in the chart that is best for it: a diagonal
// Gaussian in float32,
//
//   q(theta) = N(m, diag(sigma^2)),   sigma^2 = 1 / (ess (h + delta)),
//
// ess the effective sample size, delta the weight decay of the tensor, so that ess delta is the
// precision of the prior. Its natural parameters are (S m, -S/2), S = ess (h + delta). Rules that
// keep no posterior are its limits: h is their running mean of squares, or stays as it is.
//
// For a Bernoulli posterior over weights of -1 and +1, `mean` holds the natural parameters.
struct WeightState {
  WeightState() = default;
  WeightState(Device device, std::size_t size)
      : mean(device, size), curvature(device, size), momentum(device, size) {}

  Buffer<float> mean;       // m
  Buffer<float> curvature;  // h
  Buffer<float> momentum;   // running mean of the gradient
  std::int64_t updates = 0;
};

// All that a training of a network continues from, bit for bit, on any number of ranks: noise and
// data are functions of the step.
struct WeightTrainingState {
  std::int64_t step = 0;
  WeightState weights;
  std::map<std::string, double> scalars;  // of the trainer, by names of its own
};

}  // namespace bayesum
