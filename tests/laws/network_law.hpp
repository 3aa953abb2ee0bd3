#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "core/weights/network_trainer.hpp"
#include "tests/support/toy_network.hpp"

namespace bayesum::laws {

// A way to learn the weights of a network, on which every law of it is run.
struct NetworkMember {
  std::string name;  // unique, of letters, digits and underscores
  NetworkTrainer::Config config;
  bool adapted = false;  // are adapters trained, the weights themselves not?
};
std::ostream& operator<<(std::ostream& out, const NetworkMember& member);
std::vector<NetworkMember> network_members();

// What one rank of a training of the toy network works with, and what came of it.
struct ToyTraining {
  ToyTraining(const NetworkTrainer::Config& config, Communicator& communicator,
              bool adapted = false, std::int64_t checkpoint_every = 1);
  // Trains to the end; `state` on every rank.
  void run();

  testing::ToyExamples examples{97, 3, 4};
  Stream stream;
  std::unique_ptr<Network> made;
  Network& network = *made;
  std::vector<NetworkReport> reports;
  std::vector<WeightTrainingState> states;  // of every step that begins, or the last alone
  NetworkTrainer trainer;
};

// Elementwise equal bits of mean, curvature and momentum.
void expect_same_weights(const WeightState& a, const WeightState& b);
// To a share of the largest element.
void expect_near_weights(const WeightState& a, const WeightState& b, double tolerance);

// Law 3, collective: after T steps the weights are those of one rank alone, whoever coordinates;
// the same bits in deterministic mode, to rounding otherwise.
void network_sharding_does_not_matter(const NetworkMember& member, Communicator& communicator);

// T steps of float32 sums in another order.
inline constexpr double kFastWeightTolerance = 2e-5;

}  // namespace bayesum::laws
