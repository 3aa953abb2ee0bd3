#include "models/network/gpt2_weights.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "kernels/weights/draws.hpp"
#include "tests/models/network/network_cases.hpp"

namespace bayesum::test {
namespace {

const Gpt2Shape kShape{.vocabulary = 40, .context = 8, .layers = 1, .heads = 2, .channels = 16};

// The matrices of a theta that are multiplied by, with their places.
std::vector<Gpt2Places::Matrix> factors(const Gpt2Places& places) {
  std::vector<Gpt2Places::Matrix> all{places.tokens};
  for (const Gpt2Places::Block& block : places.blocks) {
    for (const auto* linear :
         {&block.attention_in, &block.attention_out, &block.mlp_in, &block.mlp_out}) {
      all.push_back(linear->weight);
    }
  }
  return all;
}

// The variance of one of the two neighbours of x in BFloat16 whose mean is x: with the nearer as
// likely as it is near, that of a Bernoulli number times their distance.
double variance_of_rounding(float x) {
  const std::uint32_t cut = std::bit_cast<std::uint32_t>(x) & 0xffff0000u;
  const double low = std::bit_cast<float>(cut), high = std::bit_cast<float>(cut + 0x10000u);
  return (double{x} - low) * (high - double{x});
}

// Draws whose spread is far below the distance of neighbours in BFloat16, as those of GPT-2 are.
TEST(Gpt2Weights, DrawsAreSeenWithTheirMeanAndVariance) {
  constexpr std::size_t kDraws = 400;
  const ParameterSpace space = gpt2_parameters(kShape);
  const Gpt2Places places(kShape, space);
  const std::vector<float> mean = random_theta(space, 0.5);
  const float sigma = 3e-4f;
  const std::vector<float> sd(space.size(), sigma);
  const double variance = double{sigma} * sigma;
  const auto matrices = factors(places);

  std::vector<double> sum(space.size()), variances(space.size());  // over draws
  std::vector<double> excess(matrices.size()), noise(matrices.size());
  std::vector<float> theta(space.size());
  Gpt2Weights<BFloat16> weights;
  for (std::uint32_t s = 0; s < kDraws; ++s) {
    const NoiseId id{.seed = 5, .step = 2, .draw = s};
    apply(Stream(), DrawWithSd{mean.data(), sd.data(), theta.data()}, {id, 0}, theta.size());
    weights.bind(Stream(), {theta, rounding_noise(id)});
    for (std::size_t k = 0; k < matrices.size(); ++k) {
      const MatrixView<const BFloat16> seen = weights.factor(matrices[k]);
      for (std::size_t i = 0; i < seen.rows * seen.cols; ++i) {
        const std::size_t place = matrices[k].first + i;
        const double deviation = double{static_cast<float>(seen.data[i])} - mean[place];
        const double expected = variance + variance_of_rounding(theta[place]);
        sum[place] += deviation;
        variances[place] += expected;
        excess[k] += deviation * deviation - expected;
        noise[k] += std::pow(deviation * deviation - expected, 2);
      }
    }
    const Gpt2Places::Vector gain = places.blocks[0].norm_1.gain;
    for (std::size_t i = 0; i < gain.size; ++i) {
      ASSERT_EQ(weights.vector(gain)[i], theta[gain.first + i]);  // not rounded
    }
  }
  for (std::size_t k = 0; k < matrices.size(); ++k) {
    const Gpt2Places::Matrix& matrix = matrices[k];
    const std::size_t size = matrix.rows * matrix.cols;
    double chi_squared = 0;
    for (std::size_t i = matrix.first; i < matrix.first + size; ++i) {
      chi_squared += sum[i] * sum[i] / variances[i];
    }
    const auto freedom = static_cast<double>(size);
    EXPECT_NEAR(chi_squared, freedom, 6 * std::sqrt(2 * freedom)) << "matrix " << k;
    EXPECT_LT(std::abs(excess[k]), 5 * std::sqrt(noise[k])) << "matrix " << k;
  }
}

TEST(Gpt2Weights, WhatIsNoDrawIsRoundedToTheNearest) {
  const ParameterSpace space = gpt2_parameters(kShape);
  const Gpt2Places places(kShape, space);
  const std::vector<float> mean = random_theta(space, 0.5);
  Gpt2Weights<BFloat16> weights;
  weights.bind(Stream(), mean);
  for (const Gpt2Places::Matrix& matrix : factors(places)) {
    const MatrixView<const BFloat16> seen = weights.factor(matrix);
    for (std::size_t i = 0; i < seen.rows * seen.cols; ++i) {
      ASSERT_EQ(seen.data[i].bits(), BFloat16::nearest(mean[matrix.first + i]));
    }
  }
}

}  // namespace
}  // namespace bayesum::test
