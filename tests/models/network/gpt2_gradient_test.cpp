#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "core/files/tensor_reader.hpp"
#include "kernels/network/dropout.hpp"
#include "models/network/gpt2.hpp"
#include "tests/models/network/gpt2_oracle.hpp"

// GPT-2's loss and gradient against a naive one in float64, differentiated numerically, and against
// the numbers of PyTorch.
namespace bayesum::test {
namespace {

// Of float32 against float64, relative to the largest element of a tensor's gradient.
constexpr double kTolerance = 1e-4;

double largest(std::span<const float> values) {
  double most = 0;
  for (const float v : values) most = std::max(most, std::abs(double{v}));
  return most;
}

// Every element of every tensor, by central differences.
void expect_gradient_of_oracle(const Gpt2Oracle& oracle, const Gpt2Config& config, NoiseId noise) {
  constexpr double kStep = 1e-5;
  Gpt2 network(config);
  const Text text(2, 5, config.shape.vocabulary);
  const std::vector<float> theta = random_theta(network.parameters(), 0.3);
  std::vector<double> exact(theta.begin(), theta.end());
  const Taught taught = teach(network, theta, text.batch(), noise);
  EXPECT_NEAR(taught.loss(), oracle.loss(exact, text), 1e-4);
  for (const ParameterTensor& tensor : network.parameters().tensors()) {
    const auto gradient = std::span(taught.gradient).subspan(tensor.first, tensor.size());
    const double scale = largest(gradient);
    EXPECT_GT(scale, 1e-2) << tensor.name;
    for (std::size_t i = 0; i < tensor.size(); ++i) {
      double& element = exact[tensor.first + i];
      const double before = element;
      element = before + kStep;
      const double above = oracle.loss(exact, text);
      element = before - kStep;
      const double below = oracle.loss(exact, text);
      element = before;
      ASSERT_NEAR(gradient[i], (above - below) / (2 * kStep), kTolerance * scale + 1e-7)
          << tensor.name << " element " << i;
    }
  }
}

constexpr Gpt2Shape kSmall{.vocabulary = 11, .context = 6, .layers = 2, .heads = 2, .channels = 8};

TEST(Gpt2Gradient, IsTheSlopeOfTheLoss) {
  expect_gradient_of_oracle({.shape = kSmall}, {.shape = kSmall}, {});
}

TEST(Gpt2Gradient, IsTheSlopeWithoutBiasesAndWithAPaddedVocabulary) {
  Gpt2Shape shape = kSmall;
  shape.biases = false;
  shape.vocabulary_multiple = 8;
  shape.heads = 1;
  expect_gradient_of_oracle({.shape = shape}, {.shape = shape}, {});
}

TEST(Gpt2Gradient, IsTheSlopeUnderDropout) {
  const NoiseId noise{.seed = 5, .step = 6, .draw = 7};
  const float rate = 0.25f;
  const std::size_t size = 10 * kSmall.channels;
  const std::vector<float> ones(size * (1 + 2 * kSmall.layers), 1.0f);
  std::vector<float> factors(ones.size());
  dropout(Stream(), Dropout<float>{.id = noise, .rate = rate, .x = ones, .out = factors});
  ASSERT_GT(std::ranges::count(factors, 0.0f), 40);
  const Gpt2Oracle oracle{.shape = kSmall, .dropout = [&](std::size_t place, std::size_t i) {
                            return double{factors[place * size + i]};
                          }};
  for (const bool recompute : {false, true}) {
    expect_gradient_of_oracle(oracle, {.shape = kSmall, .dropout = rate, .recompute = recompute},
                              noise);
  }
}

class Golden {
 public:
  Golden()
      : file_(BAYESUM_TEST_FOLDER "/gpt2.safetensors", Checksum::kNone),
        network_(
            {.shape = {.vocabulary = 67, .context = 16, .layers = 2, .heads = 2, .channels = 32}}),
        text_(2, 16, 67),
        theta_(network_.parameters().size()) {
    const auto tokens = file_.integers("tokens"), targets = file_.integers("targets");
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      text_.tokens[i] = static_cast<std::int32_t>(tokens[i]);
      text_.targets[i] = targets[i] < 0 ? kNoTarget : static_cast<std::int32_t>(targets[i]);
    }
    for (const ParameterTensor& tensor : network_.parameters().tensors()) {
      std::ranges::copy(file_.floats("transformer." + tensor.name),
                        theta_.begin() + static_cast<std::ptrdiff_t>(tensor.first));
    }
  }

  TensorReader file_;
  Gpt2 network_;
  Text text_;
  std::vector<float> theta_;
};

TEST(Gpt2Gradient, IsThatOfPyTorch) {
  Golden golden;
  const Taught taught = teach(golden.network_, golden.theta_, golden.text_.batch());
  EXPECT_NEAR(taught.loss(), golden.file_.floats("loss.sum")[0], 1e-3);
  EXPECT_EQ(taught.counts[WeightMessage::kExamples], 27);
  for (const ParameterTensor& tensor : golden.network_.parameters().tensors()) {
    const auto expected = golden.file_.floats("gradient.transformer." + tensor.name);
    const double scale = largest(expected);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_NEAR(taught.gradient[tensor.first + i] / 27, expected[i], kTolerance * scale)
          << tensor.name << " element " << i;
    }
  }
}

TEST(Gpt2Gradient, PredictionsAreThoseOfPyTorch) {
  Golden golden;
  const std::vector<float> logits = golden.file_.floats("logits");
  const std::vector<float> out = predict(golden.network_, golden.theta_, golden.text_.batch());
  for (std::size_t t = 0; t < 32; ++t) {
    double total = 0;
    for (std::size_t k = 0; k < 67; ++k) total += std::exp(double{logits[t * 67 + k]});
    for (std::size_t k = 0; k < 67; ++k) {
      ASSERT_NEAR(out[t * 67 + k], logits[t * 67 + k] - std::log(total), 2e-4) << t << " " << k;
    }
  }
}

}  // namespace
}  // namespace bayesum::test
