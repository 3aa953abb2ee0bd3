#include "models/network/gpt2.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "kernels/parallel.hpp"
#include "tests/models/network/network_cases.hpp"

namespace bayesum::test {
namespace {

Gpt2Config small_config() {
  return {.shape = {.vocabulary = 50,
                    .context = 48,
                    .layers = 2,
                    .heads = 4,
                    .channels = 64,
                    .vocabulary_multiple = 64}};
}

TEST(Gpt2, LearnsFourSequencesByHeart) {
  Gpt2Config config = small_config();
  config.shape.context = 32;
  Gpt2 network(config);
  const Text text(4, 32, 50);
  std::vector<float> theta = initial_theta(network.parameters());
  const double targets = teach(network, theta, text.batch()).counts[WeightMessage::kExamples];
  double loss = 1e9;
  for (int step = 0; step < 1000 && loss > 0.05; ++step) {
    const Taught taught = teach(network, theta, text.batch());
    loss = taught.loss() / targets;
    for (std::size_t i = 0; i < theta.size(); ++i) {
      theta[i] -= static_cast<float>(0.3 / targets) * taught.gradient[i];
    }
  }
  EXPECT_LT(loss, 0.1);
  std::array<double, WeightMessage::kScalars> counts{};
  network.evaluate(Stream(), theta, text.batch(), counts);
  EXPECT_LT(counts[WeightMessage::kLoss] / targets, 0.1);
  EXPECT_EQ(counts[WeightMessage::kCorrect], targets);
}

}  // namespace
}  // namespace bayesum::test
