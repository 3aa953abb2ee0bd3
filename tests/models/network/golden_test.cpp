#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/files/tensor_reader.hpp"
#include "models/network/gpt2_parameters.hpp"

// The golden numbers of networks, made by golden_gpt2.py: that they can be read, and are of the
// shapes that they should have. What is computed from them is checked beside what computes it.
namespace bayesum {
namespace {

constexpr Gpt2Shape kShape{
    .vocabulary = 67, .context = 16, .layers = 2, .heads = 2, .channels = 32};

TensorReader golden(const char* name) {
  return TensorReader(std::string(BAYESUM_TEST_FOLDER "/") + name, Checksum::kNone);
}

// The mean over rows of -log softmax(logits)[target], those of negative targets left out.
double cross_entropy(const std::vector<float>& logits, const std::vector<std::int64_t>& targets) {
  const std::size_t classes = logits.size() / targets.size();
  double sum = 0;
  double counted = 0;
  for (std::size_t row = 0; row < targets.size(); ++row) {
    if (targets[row] < 0) continue;
    const float* const values = logits.data() + row * classes;
    double total = 0;
    for (std::size_t k = 0; k < classes; ++k) total += std::exp(static_cast<double>(values[k]));
    sum += std::log(total) - static_cast<double>(values[targets[row]]);
    ++counted;
  }
  return sum / counted;
}

TEST(GoldenNetworks, Gpt2HasTheTensorsOfItsParameters) {
  const TensorReader file = golden("gpt2.safetensors");
  const ParameterSpace space = gpt2_parameters(kShape);
  for (const ParameterTensor& tensor : space.tensors()) {
    for (const char* prefix : {"transformer.", "gradient.transformer."}) {
      EXPECT_EQ(file.entry(prefix + tensor.name).shape, tensor.shape) << prefix << tensor.name;
    }
    const auto gradient = file.floats("gradient.transformer." + tensor.name);
    EXPECT_TRUE(std::ranges::any_of(gradient, [](float g) { return g != 0; })) << tensor.name;
  }
  EXPECT_EQ(file.entries().size(), 2 * space.tensors().size() + 5);
  EXPECT_EQ(file.entry("logits").shape, (std::vector<std::size_t>{2, 16, 67}));
  EXPECT_EQ(file.integers("tokens").size(), 32u);
  EXPECT_NEAR(cross_entropy(file.floats("logits"), file.integers("targets")),
              file.floats("loss.mean")[0], 1e-6);
  EXPECT_NEAR(file.floats("loss.sum")[0], 27 * file.floats("loss.mean")[0], 1e-4);
}

TEST(GoldenNetworks, PerceptronsHaveTheirTensors) {
  const TensorReader file = golden("mlp.safetensors");
  const std::vector<std::size_t> sizes{7, 12, 9, 3};
  EXPECT_EQ(file.entry("features").shape, (std::vector<std::size_t>{11, 7}));
  for (const std::string activation : {"relu.", "gelu."}) {
    for (std::size_t n = 0; n < 3; ++n) {
      for (const std::string kind : {"", "gradient."}) {
        const std::string layer = activation + kind + "layers." + std::to_string(n);
        EXPECT_EQ(file.entry(layer + ".weight").shape,
                  (std::vector<std::size_t>{sizes[n], sizes[n + 1]}));
        EXPECT_EQ(file.entry(layer + ".bias").shape, std::vector<std::size_t>{sizes[n + 1]});
      }
    }
    EXPECT_NEAR(cross_entropy(file.floats(activation + "logits"), file.integers("classes")),
                file.floats(activation + "loss.mean")[0], 1e-6);
    EXPECT_NEAR(file.floats(activation + "loss.sum")[0],
                11 * file.floats(activation + "loss.mean")[0], 1e-5);
  }
}

}  // namespace
}  // namespace bayesum
